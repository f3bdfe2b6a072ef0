"""Records as FEBRL's data set 4 has them: originals and one damaged copy of each."""

import damage as d
import names as n

COLUMNS = ["rec_id", "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth",
           "soc_sec_id", "kind"]

# Which field a change hits, and what happens to it there.
SELECT = {"given_name": 15, "surname": 15, "street_number": 10, "address_1": 10, "address_2": 10, "suburb": 10, "postcode": 10, "state": 5,
          "date_of_birth": 10, "soc_sec_id": 5}
TEXT = {"misspell": 30, "insert": 5, "delete": 15, "substitute": 32, "transpose": 5, "another": 2, "swap_words": 2, "part_word": 1,
        "join_words": 2, "missing": 4, "new": 2}
DIGITS = {"insert": 10, "delete": 15, "substitute": 60, "transpose": 8, "another": 5, "missing": 2}
DATE = {"substitute": 50, "transpose": 30, "another": 5, "missing": 10, "new": 5}
CHANGES = {"street_number": DIGITS, "postcode": {"substitute": 55, "transpose": 30, "another": 10, "missing": 5}, "date_of_birth": DATE,
           "soc_sec_id": {"substitute": 50, "transpose": 40, "another": 10}}
FIELDS_SWAPPED = 0.05  # of the copies: given name and surname


class World:
    def __init__(self, rng, size):
        self.rng = rng
        self.first = n.Pool(rng, n.FIRST_EN, n.tail("al bri cam dar el jar kal li mar ni ro sha ta tr za".split(),
                                                   "a an ana ay e ella en ia in ina isa on us yn".split()), 12)
        self.last = n.Pool(rng, n.LAST_EN, n.tail(n.HEAD_EN, n.TAIL_EN), 8)
        streets = [h + t for h in n.HEAD_EN for t in n.TAIL_EN]
        self.street = n.Pool(rng, [], [f"{s} {rng.choice(n.STREETS_EN)}" for s in streets for _ in range(2)], 400)
        suburbs = [h + t for h in n.HEAD_EN for t in "bank bay beach cove creek field hill hills park point port vale valley wood".split()]
        self.places = n.Pool(rng, [], [(s, str(rng.randrange(2000, 7999)), rng.choice("nsw vic qld wa sa act tas".split()))
                                       for s in rng.sample(suburbs, 550) for _ in range(2)], 120)
        self.estate = n.Pool(rng, [], [f"{h}{t} {w}" for h in n.HEAD_EN[:20] for t in n.TAIL_EN[:10] for w in ("village", "estate")], 50)

    def original(self):
        rng = self.rng
        suburb, postcode, state = self.places.draw(rng)
        r = {"given_name": self.first.draw(rng), "surname": self.last.draw(rng), "street_number": str(int(rng.expovariate(1 / 45)) + 1),
             "address_1": self.street.draw(rng), "address_2": self.estate.draw(rng) if rng.random() < 0.35 else "", "suburb": suburb,
             "postcode": postcode, "state": state,
             "date_of_birth": f"{rng.randrange(1900, 2000)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}",
             "soc_sec_id": str(rng.randrange(1000000, 9999999)), "kind": ""}
        for field, share in {"given_name": 0.02, "surname": 0.01, "street_number": 0.03, "address_1": 0.02, "suburb": 0.01,
                             "date_of_birth": 0.02, "state": 0.01}.items():
            if rng.random() < share:
                r[field] = ""
        return r

    def change(self, r, field):
        rng, value = self.rng, r[field]
        kinds = CHANGES.get(field, TEXT)
        kind = rng.choices(list(kinds), list(kinds.values()))[0]
        if not value:
            kind = "new"
        if kind in ("another", "new"):
            r[field] = self.original()[field]
        elif kind == "missing":
            r[field] = ""
        else:
            r[field] = getattr(d, kind)(rng, value)
        return f"{field}-{kind}" if kind in ("another", "missing", "new") else f"{field}-typo"

    def copy(self, original):
        rng, r, kinds = self.rng, dict(original), set()
        if rng.random() < FIELDS_SWAPPED:
            r["given_name"], r["surname"] = r["surname"], r["given_name"]
            kinds.add("names-swapped")
        left = rng.randint(1, 4)
        while left > 0:
            field = rng.choices(list(SELECT), list(SELECT.values()))[0]
            for _ in range(min(left, rng.randint(1, 2))):
                kinds.add(self.change(r, field))
                left -= 1
        r["kind"] = " ".join(sorted(kinds))
        return r


def records(rng, persons):
    world, rows = World(rng, persons), []
    for i in range(persons):
        original = world.original()
        rows.append({**original, "rec_id": f"rec-{i}-org"})
        rows.append({**world.copy(original), "rec_id": f"rec-{i}-dup-0"})
    rng.shuffle(rows)
    return rows
