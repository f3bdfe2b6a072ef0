"""A chain's customers over three years: households, and what people give at tills and in forms, where and when."""

import datetime

import damage as d
import names as n

COLUMNS = ["rec_id", "person", "given_name", "surname", "date_of_birth", "street", "postcode", "city", "phone", "email", "loyalty", "verified",
           "kind", "store", "made"]

HOUSEHOLD = {1: 40, 2: 33, 3: 12, 4: 11, 5: 4}
RECORDS = {1: 48, 2: 33, 3: 13, 4: 6}
MAILS = ["example.com", "example.net", "gmail.com", "mail.example.org"]
SAME_LAST_NAME = 0.75   # of couples
TWINS = 0.03            # of siblings
JUNIOR = 0.02           # of first children: a parent's first name
LANDLINE = 0.75         # of households of two and more, given by any of them
FAMILY_MAIL = 0.05      # of them
MOVED, MARRIED, NEW_NUMBER, PASSED_ON = 0.12, 0.05, 0.60, 1.0
GIVEN = {"date_of_birth": 0.60, "street": 0.70, "postcode": 0.85, "phone": 0.65, "email": 0.45, "loyalty": 0.50}
SLIPS = {"typo": 0.06, "nickname": 0.06, "initial": 0.02, "swapped": 0.015, "born-typo": 0.02, "born-swapped": 0.01, "postcode-typo": 0.015,
         "house-typo": 0.02, "street-typo": 0.05, "no-first-name": 0.03}
ABBREVIATED, UMLAUT_SPELT, PLAIN_LETTERS = 0.35, 0.25, 0.10
VERIFIED = {"phone": 0.15, "email": 0.20}
CARD_KEPT = 0.35  # of records that give a card: it is the card of another record of this person

# Where and when. Guesses with reasons, made before anything was measured with them; what enrols together is what is easily
# taken for one person, so there is rather more of it here than less.
FIRST_DAY = datetime.datetime(2023, 11, 1, 8, 0)
DAYS = 1095
PERSONS_PER_STORE = 400  # so that a family has few stores to choose from
AT_HOME, AT_SECOND = 0.80, 0.15  # of enrolments: the household's store; one that this person passes on the way to work; else any
CAMPAIGNS = 12           # of a week each: four seasons a year, "10 % off for new members"
IN_CAMPAIGN = 0.35       # of enrolments: clerks are told to ask everybody
TWICE = 0.04             # of persons: again within days in another store, for the voucher's sake or because the first card was lost
TWICE_DAYS = 3           # in the mean
TOGETHER = 0.10          # of households of two and more: in one campaign they all go, each where he or she happens to shop
TOGETHER_COMES = 0.80    # of their members
AT_HOME_TOGETHER = 0.60  # the rest elsewhere: a campaign sends people to the store at hand
NO_LAST_NAME = 0.10      # of records: a till's form is done with one name


class Person:
    pass


class World:
    def __init__(self, rng, persons):
        self.rng, self.numbers, self.mails = rng, 0, set()
        self.first = n.Pool(rng, n.FIRST_DE, n.tail("al bri da el ja ka li mar ni ro sa ta va".split(),
                                                   "da ena ia ika ina isa mir na nka on rin ron to vo".split()), 10)
        self.last = n.Pool(rng, n.LAST_DE, n.tail(n.HEAD_DE, n.TAIL_DE) + n.tail(n.HEAD_EN[:25], n.TAIL_EN[:14]), 10)
        towns = max(40, min(700, persons // 120))
        self.towns = n.Pool(rng, [], [(f"{rng.choice('01234567899')}{rng.randrange(1000, 9999)}", (h + t).title())
                                      for h, t in rng.sample([(h, t) for h in n.HEAD_DE for t in n.VILLAGE_DE], towns)], 5)
        self.codes = {}
        self.stores = [f"s{i:03}" for i in range(max(6, persons // PERSONS_PER_STORE))]
        self.campaigns = sorted(rng.uniform(0, 1 - 7 / DAYS) for _ in range(CAMPAIGNS))
        self.streets = n.Pool(rng, [], [t + s for t in n.TREES_DE for s in dict.fromkeys(n.STREETS_DE)] + [f"{p}straße" for p in n.PEOPLE_DE] +
                              [f"{a}-{b}-Straße" for a in ("Karl", "Johann", "Anna", "Robert") for b in n.PEOPLE_DE], 8)

    def number(self):
        self.numbers += 1
        return f"+4917{self.rng.choice('012345')}{1000000 + self.numbers * 7919 % 9000000}"

    def address(self):
        rng = self.rng
        code, town = self.towns.draw(rng)
        codes = self.codes.setdefault(town, [str(int(code) + i * 2).zfill(5) for i in range(rng.randint(1, 6))])
        house = str(int(rng.expovariate(1 / 25)) + 1) + (rng.choice("abc") if rng.random() < 0.08 else "")
        return self.streets.draw(rng), house, rng.choice(codes), town

    def born(self, year):
        rng = self.rng
        if rng.random() < 0.01:
            return f"{year}-01-01"  # what a form offers
        return f"{year}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"

    def mail(self, p):
        rng = self.rng
        plain = plain_letters(f"{p.first}.{p.last}").replace(" ", "-").lower()
        while True:  # an address is one person's
            mail = f"{plain}{rng.randrange(1, 9999) if rng.random() < 0.7 else ''}@{rng.choice(MAILS)}"
            if mail not in self.mails:
                self.mails.add(mail)
                return mail


    def moment(self):
        """When somebody enrols, from 0 to 1 of the three years, and in which campaign."""
        rng = self.rng
        if rng.random() > IN_CAMPAIGN:
            return rng.random(), set()
        return self.in_campaign(rng.choice(self.campaigns)), {"campaign"}

    def in_campaign(self, start):
        return start + self.rng.random() * 7 / DAYS

    def store_of(self, p, at_home=AT_HOME):
        rng = self.rng
        how = rng.random()
        if how < at_home:
            return p.home
        return p.second if how < at_home + AT_SECOND else rng.choice(self.stores)

    def other_store(self, store):
        return self.rng.choice([s for s in self.stores if s != store])


def plain_letters(s):
    return s.translate(str.maketrans("äöüåéèçñşıłćøÄÖÜ", "aouaeecnsilcoAOU")).replace("ß", "ss")


def spelt(s):
    for a, b in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue")):
        s = s.replace(a, b)
    return s


def member(world, i, first, last, year, at):
    p, rng = Person(), world.rng
    p.name, p.first, p.last, p.born, p.kind = f"p{i}", first, last, world.born(year), set()
    p.phone, p.mail, p.card = world.number(), None, 0
    p.address, p.landline, p.family_mail, p.home, p.second = at.address, at.landline, at.family_mail, at.home, rng.choice(world.stores)
    p.mail = world.mail(p)
    p.moved_at = rng.random() if rng.random() < MOVED else 2
    p.later_address = world.address()
    p.married_at, p.later_last = (rng.random(), world.last.draw(rng)) if rng.random() < MARRIED else (2, last)
    p.number_at = 0.15 + 0.5 * rng.random() if rng.random() < NEW_NUMBER else 2
    p.later_phone = None
    return p


def household(world, first_number):
    """One to five people; parents, then children."""
    rng, at = world.rng, Person()
    size = rng.choices(list(HOUSEHOLD), list(HOUSEHOLD.values()))[0]
    at.address, at.home = world.address(), rng.choice(world.stores)
    at.landline = f"+49341{1000000 + world.numbers * 104729 % 9000000}" if size > 1 and rng.random() < LANDLINE else None
    at.family_mail = f"familie{world.numbers}@example.org" if size > 1 and rng.random() < FAMILY_MAIL else None
    last, year, people = world.last.draw(rng), rng.randrange(1935, 2003), []
    for i in range(size):
        name, born = world.first.draw(rng), year + rng.randrange(-4, 5) if i < 2 else year + rng.randrange(20, 38)
        while any(q.first == name for q in people):
            name = world.first.draw(rng)
        p = member(world, first_number + i, name, last if i != 1 or rng.random() < SAME_LAST_NAME else world.last.draw(rng), min(born, 2010), at)
        if i == 2 and rng.random() < JUNIOR:
            p.first = people[0].first
            p.kind.add("junior")
        if i > 2 and rng.random() < TWINS * size:
            p.born = people[-1].born
            p.kind.add("twin")
            people[-1].kind.add("twin")
        if size > 1:
            p.kind.add("family")
        people.append(p)
    return people


def slips(rng):
    return {k for k, share in SLIPS.items() if rng.random() < share}


def write_name(rng, r, made):
    if "nickname" in made and r["given_name"] in n.NICK:
        r["given_name"] = rng.choice(n.NICK[r["given_name"]])
    else:
        made.discard("nickname")
    field = rng.choice(["given_name", "surname"])
    if "typo" in made:
        r[field] = d.typo(rng, r[field])
    if "initial" in made:
        r["given_name"] = r["given_name"][:1]
    if "no-first-name" in made:
        r["given_name"] = ""
    if "no-last-name" in made:
        r["surname"] = ""
    if "swapped" in made:
        r["given_name"], r["surname"] = r["surname"], r["given_name"]
    how = rng.random()
    for f in ("given_name", "surname", "street", "city"):
        r[f] = r[f] if f == "street" else r[f].title()
        if how < UMLAUT_SPELT:
            r[f] = spelt(r[f])
        elif how < UMLAUT_SPELT + PLAIN_LETTERS:
            r[f] = plain_letters(r[f])


def write_address(rng, address, made):
    street, house, code, town = address
    if "house-typo" in made:
        house = d.typo(rng, house)
    if "street-typo" in made:
        street = d.typo(rng, street)
    if "postcode-typo" in made:
        code = rng.choice([d.substitute, d.transpose])(rng, code)
    if rng.random() < ABBREVIATED:
        street = street.replace("straße", "str.").replace("Straße", "Str.").replace("platz", "pl.")
    return f"{street} {house}", code, town


def write_born(rng, born, made):
    year, month, day = born.split("-")
    if "born-swapped" in made and int(day) <= 12 and day != month:
        return f"{year}-{day}-{month}"
    made.discard("born-swapped")
    if "born-typo" in made:
        day = f"{rng.randrange(1, 29):02}" if rng.random() < 0.3 else d.substitute(rng, day)
        year = d.transpose(rng, year) if rng.random() < 0.3 else year
    return f"{year}-{month}-{day}"


def identifiers(world, p, r, kinds):
    rng = world.rng
    phone = p.phone
    if r["t"] > p.number_at:
        phone = p.later_phone
        kinds.add("new-number")
    if p.landline and rng.random() < 0.6:
        phone = p.landline
        kinds.add("shared-phone")
    if phone in world.reassigned:
        kinds.add("reassigned")
    r["phone"], r["email"] = phone, p.mail
    if p.family_mail and rng.random() < 0.4:
        r["email"] = p.family_mail
        kinds.add("shared-mail")
    if p.card == 0 or rng.random() > CARD_KEPT:
        world.cards += 1
        p.card = world.cards
    r["loyalty"] = f"9{p.card:09}"
    for f in ("phone", "email", "loyalty"):
        if rng.random() > GIVEN[f]:
            r[f] = ""
    r["verified"] = " ".join(f for f, share in VERIFIED.items() if r[f] and rng.random() < share)


def record(world, p, visit):
    t, store, why = visit
    rng, kinds, made = world.rng, p.kind | why, slips(world.rng)
    if rng.random() < NO_LAST_NAME:
        made.add("no-last-name")
    when = FIRST_DAY + datetime.timedelta(seconds=round(t * DAYS * 86400))
    r = {"t": t, "person": p.name, "given_name": p.first, "surname": p.last, "store": store, "made": when.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    if t > p.married_at:
        r["surname"] = p.later_last
        kinds.add("married")
    if t > p.moved_at:
        kinds.add("moved")
    r["street"], r["postcode"], r["city"] = write_address(rng, p.later_address if t > p.moved_at else p.address, made)
    r["date_of_birth"] = write_born(rng, p.born, made)
    write_name(rng, r, made)
    identifiers(world, p, r, kinds)
    for f in ("date_of_birth", "street", "postcode"):
        if rng.random() > GIVEN[f]:
            r[f] = ""
            made.add("missing")
    if not r["postcode"]:
        r["city"] = ""
    if not r["street"]:
        made -= {"street-typo", "house-typo"}
    if not r["date_of_birth"]:
        made -= {"born-typo", "born-swapped"}
    r["kind"] = " ".join(sorted(kinds | made))
    return r


def pass_on(world, people):
    """A number that somebody gives up is, some time later, somebody's who gives up another."""
    rng = world.rng
    left = sorted((p for p in people if p.number_at <= 1), key=lambda p: p.number_at)
    world.reassigned, lag = set(), max(1, len(left) // 20)
    for i, p in enumerate(left):
        p.later_phone = world.number()
        if i >= lag and rng.random() < PASSED_ON:
            p.later_phone = left[i - lag].phone
            world.reassigned.add(p.later_phone)


def visits(world, p):
    """(when, store, why) of each enrolment."""
    rng, out = world.rng, []
    for _ in range(rng.choices(list(RECORDS), list(RECORDS.values()))[0]):
        t, why = world.moment()
        out.append((t, world.store_of(p), why))
    if rng.random() < TWICE:
        t, store, _ = out[-1]
        out.append((min(1, t + rng.expovariate(1 / TWICE_DAYS) / DAYS), world.other_store(store), {"twice"}))
    if p.together is not None and rng.random() < TOGETHER_COMES:
        out.append((world.in_campaign(p.together), world.store_of(p, AT_HOME_TOGETHER), {"campaign", "together"}))
    return sorted(out, key=lambda v: v[0])


def records(rng, persons):
    world, people, rows = World(rng, persons), [], []
    world.cards = 0
    while len(people) < persons:
        family = household(world, len(people))
        together = rng.choice(world.campaigns) if len(family) > 1 and rng.random() < TOGETHER else None
        for p in family:
            p.together = together
        people += family
    pass_on(world, people)
    for p in people:
        rows += [record(world, p, visit) for visit in visits(world, p)]
    rows.sort(key=lambda r: r["t"])
    for i, r in enumerate(rows):
        r["rec_id"] = f"r{i}"
    return rows


def for_import(rows):
    """As customers of a chain that has never looked for duplicates: one row each."""
    for i, r in enumerate(rows):
        yield {**r, "rec_id": f"K{i:08}"}
