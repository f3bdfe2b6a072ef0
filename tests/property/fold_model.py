"""Who is one person, and what is known of them: worked out a second time, from what the rules say.

Written from the prose of identity/fold.h, field.h, consent.h and person.h, to be read and not to be fast: nothing is
kept from one call to the next. References are base64url text, as they travel; their order is that of their bytes.
"""

import base64
import itertools
import json

UNITS_MAX = 256
DAY_US = 86400 * 10**6
PURPOSES = ["loyalty", "marketing", "personalisation", "recognise_by_payment", "profiling", "sell_share"]
CHANNELS = ["email", "sms", "call", "post", "push"]
VALUES = ["not_asked", "granted", "pending", "refused", "withdrawn"]
FIELDS = ["first_name", "last_name", "name", "birth_date", "language", "street", "postcode", "city", "country", "tier",
          "state", "note", "age_ok", "contact"]
_RAW = {}


def raw(ref):
    """The bytes of a reference."""
    if ref not in _RAW:
        _RAW[ref] = base64.urlsafe_b64decode(ref + "==")
    return _RAW[ref]


def xor(a, b):
    both = bytes(x ^ y for x, y in zip(raw(a), raw(b)))
    return base64.urlsafe_b64encode(both).decode().rstrip("=")


def canonical(ops):
    """HQ's first, then the stores', each by epoch, seq and place in the event."""
    return sorted(ops, key=lambda op: (op["place"], raw(op["id"])))


class Person:
    """What has become one so far."""

    def __init__(self, unit):
        self.units = [unit]
        self.idents = {}  # identifier -> kind: those that its claims hold

    def born(self):
        return {u["born"] for u in self.units if u["born"]}

    def names(self, which):
        return {u[which] for u in self.units if u[which]}

    def confirmed(self):
        return any(u["confirmed"] for u in self.units)


class Fold:
    """units: any order; ops: any order. After it: person_of (unit -> Person or None), verdict (of operations, by
    place in `ops`), joins, state and count of identifiers."""

    def __init__(self, rules, units, ops):
        self.rules = rules
        self.ops = canonical(ops)
        self.units = {u["ref"]: u for u in sorted(units, key=lambda u: raw(u["ref"]))}
        undone = self.undone = {op["left"] for op in self.ops if op["kind"] == "undo"}
        self.erased = {op["left"] for op in self.ops if op["kind"] == "erase" and op["left"] in self.units}
        live = [op for op in self.ops if op["id"] not in undone]
        self.blocked = {op["left"] for op in live if op["kind"] == "block"}
        self.apart = [(op["left"], op["right"]) for op in live if op["kind"] == "apart"]
        self.person_of = {ref: Person(u) for ref, u in self.units.items()}
        self.claims_on = {}  # identifier -> the claims that hold, in order
        self.shared = set()
        self.joins = []
        self.verdict = []
        for op in self.ops:
            self.verdict.append(self.take(op))
        for ref in self.erased:
            self.person_of[ref] = None

    # --- one operation ---

    def take(self, op):
        kind = op["kind"]
        if op["id"] in self.undone and kind not in ("undo", "erase"):
            return "undone", None
        if kind == "share":
            self.shared.add(op["left"])
        if kind in ("share", "block", "undo"):
            return "holds", None
        named = [op["left"]] + ([op["right"]] if kind in ("link", "apart") else [])
        if any(ref not in self.units for ref in named):
            return "refused", "unknown"
        if kind == "erase":
            return "holds", None
        if any(ref in self.erased for ref in named):
            return "refused", "erased"
        reason = {"claim": self.claim, "link": self.link, "apart": lambda _: None}[kind](op)
        return ("refused", reason) if reason else ("holds", None)

    def link(self, op):
        p, q = self.person_of[op["left"]], self.person_of[op["right"]]
        if p is q:
            return None
        reason = self.never(p, q) if op["by_person"] else self.conflict(p, q, ["first_name"])
        if not reason:
            self.unite(p, q)
        return reason

    def claim(self, op):
        ident, kind = op["right"], op["ident"]
        if ident in self.blocked:
            return "blocked"
        person = self.person_of[op["left"]]
        limit = self.rules["kinds"].get(kind, {}).get("limit", 0)
        others = [k for i, k in person.idents.items() if i != ident and k == kind]
        if limit and ident not in person.idents and len(others) >= limit:
            return "limit"
        person.idents[ident] = kind
        self.claims_on.setdefault(ident, []).append(op)
        self.propose(op)
        return None

    # --- joins ---

    def holders(self, ident):
        """The persons that have it, in the order of their first claims, each with its claims."""
        found = []
        for claim in self.claims_on.get(ident, []):
            person = self.person_of[claim["left"]]
            for other, claims in found:
                if other is person:
                    claims.append(claim)
                    break
            else:
                found.append((person, [claim]))
        return found

    def propose(self, claim):
        ident = claim["right"]
        how = self.rules["kinds"].get(claim["ident"], {}).get("join", "never")
        if how == "never":
            return
        holders = self.holders(ident)
        shared = ident in self.shared or len(holders) > self.rules["persons_max"]
        for other, claims in holders:
            if other is self.person_of[claim["left"]]:
                continue
            fate = self.join(claim, other, claims, how, shared)
            self.joins.append(fate)
            if shared:
                return
            shared = ident in self.shared

    def join(self, claim, other, claims, how, shared):
        verified = [c for c in claims if c["verified"]] if claim["verified"] and not shared else []
        first = (verified or claims)[0]
        out = {"id": xor(first["id"], claim["id"]), "ident": claim["right"], "left": first["left"], "right": claim["left"]}
        if out["id"] in self.undone:
            return {**out, "fate": "undone"}
        reason = "shared" if shared else self.judge(claim, other, how, bool(verified))
        if reason:
            return {**out, "fate": "refused", "reason": reason}
        self.unite(self.person_of[claim["left"]], other)
        return {**out, "fate": "holds"}

    def judge(self, claim, other, how, verified):
        mine = self.person_of[claim["left"]]
        alike = self.alike(mine, other)
        first = ["first_name"] if claim["ident"] == "phone" else []
        if verified and (alike or self.rules["kinds"][claim["ident"]]["unique"]):
            return self.conflict(mine, other, first)
        if how == "named" and not mine.confirmed() and not other.confirmed():
            reason = self.conflict(mine, other, ["first_name", "last_name"])
            if not self.offline(mine, other):
                return reason or ("not_alike" if verified else "not_offline")
            if reason:
                self.shared.add(claim["right"])
            return reason or (None if alike or self.alone(claim["right"], mine, other) else "not_alike")
        return (self.conflict(mine, other, first) or "not_alike") if verified else "not_verified"

    def alike(self, p, q):
        """Do both say one first name, or one birth date?"""
        def one(mine, others):
            return bool(mine) and bool(others) and len(mine | others) == 1
        return one(p.names("first_name"), q.names("first_name")) or one(p.born(), q.born())

    def alone(self, ident, p, q):
        """Does nobody else claim it, wherever in the order, though it may not hold?"""
        return all(op["kind"] != "claim" or op["right"] != ident or op["id"] in self.undone or op["left"] not in self.units or
                   op["left"] in self.erased or any(self.person_of[op["left"]] is x for x in (p, q)) for op in self.ops)

    def offline(self, p, q):
        """Could neither be known where the other was made, whichever of their records one looks at?"""
        days = self.rules["offline_days"]
        return days > 0 and all(
            u["store"] and v["store"] and u["store"] != v["store"] and
            max(v["to"] - u["from"], u["to"] - v["from"]) <= days * DAY_US
            for u, v in itertools.product(p.units, q.units))

    @staticmethod
    def never(p, q):
        if any(u["company"] for u in p.units + q.units):
            return "company"
        return "limit" if len(p.units) + len(q.units) > UNITS_MAX else None

    def conflict(self, p, q, names):
        never = self.never(p, q)
        if never:
            return never
        if any({id(self.person_of.get(a)), id(self.person_of.get(b))} == {id(p), id(q)} for a, b in self.apart):
            return "kept_apart"
        if p.confirmed() and q.confirmed():
            return "two_confirmed"
        if any(a != b for a, b in itertools.product(p.born(), q.born())):
            return "birth_dates"
        for which in names:
            if any(a != b for a, b in itertools.product(p.names(which), q.names(which))):
                return f"{which}s"
        return "limit" if self.over_limit(p, q) else None

    def over_limit(self, p, q):
        kinds = list({**p.idents, **q.idents}.values())
        return any(rule["limit"] and kinds.count(kind) > rule["limit"] for kind, rule in self.rules["kinds"].items())

    def unite(self, p, q):
        p.units += q.units
        p.idents.update(q.idents)
        for u in q.units:
            self.person_of[u["ref"]] = p

    # --- afterwards ---

    def persons(self):
        seen = []
        for person in self.person_of.values():
            if person is not None and not any(person is other for other in seen):
                seen.append(person)
        return seen

    def ident_state(self, ident):
        n = len(self.holders(ident))
        if ident in self.blocked:
            return "blocked", 0
        if ident in self.shared or n > self.rules["persons_max"]:
            return "shared", n
        return ("several" if n > 1 else "one"), n


# --- fields ---

def rank(fact):
    return (fact["trust"], fact["from"] // 1000, -(-fact["to"] // 1000), raw(fact["id"]), fact["value"].encode(), fact["source"].encode(),
            raw(fact["unit"]))


def fields(facts):
    of = {}
    for f in facts:
        if f["trust"] > 0:
            claim = {"contact": f["value"][:22], "note": f["value"].split(":")[0]}.get(f["field"], "").encode()
            of.setdefault((FIELDS.index(f["field"]), claim), []).append(f)
    out = []
    for _, said in sorted(of.items()):
        said = sorted(said, key=rank, reverse=True)
        one = {k: said[0][k] for k in ("field", "source", "trust", "unit")}
        one |= {"because": said[0]["id"], "value": said[0]["value"] or None}
        if len(said) > 1:
            one["before"] = said[1]["id"]
        out.append(one)
    return out


# --- consent ---

def is_stop(c):
    return c["method"] in ("stop", "complaint")


def forbids(c):
    return is_stop(c) or c["value"] in ("refused", "withdrawn")


def is_confirmed(c):
    return c["method"] == "confirmed" and c["value"] == "granted"


def cannot_raise(c):
    return c["method"] == "import" and not c["has_text"] and not forbids(c)


class Consent:
    """One purpose, one channel, one address (or none), one person."""

    def __init__(self, choices, units, purpose, channel, address):
        self.units, self.address, self.purpose = units, address, purpose
        self.choices = [c for c in choices if c["purpose"] == purpose and c["channel"] in ("any", channel)
                        and (c["address"] == address if c["address"] else forbids(c) or not address)]

    def about_address(self, c):
        return bool(c["address"]) and c["address"] == self.address

    def of(self, unit):
        return [c for c in self.choices if not cannot_raise(c) and
                (c["unit"] == unit or (unit in c["covers"] and (forbids(c) or c["unit"] in self.units)))]

    def of_address(self):
        about = [c for c in self.choices if not cannot_raise(c) and self.about_address(c) and not is_stop(c)]
        if all(c["unit"] for c in about):
            return []
        return [c for c in about if not c["unit"] or (is_confirmed(c) and c["unit"] in self.units)]

    def worth(self, c, among):
        if is_stop(c):
            return "withdrawn"
        typed = c["method"] in ("till", "staff", "paper")
        if c["value"] == "granted" and self.purpose == "marketing" and typed and c["address"]:
            last = max((x["to"] for x in among if forbids(x)), default=-1)
            if not any(is_confirmed(x) and self.about_address(x) and x["from"] > last for x in among):
                return "pending"
        return c["value"]

    def alone(self, among):
        """(value, choice, rule) of one record; None: there is none."""
        latest = max((c["from"] for c in among), default=None)
        kept = [(VALUES.index(self.worth(c, among)), c["from"], raw(c["id"]), c) for c in among if c["to"] >= (latest or 0)]
        if not kept:
            return None
        best = max(kept, key=lambda k: k[:3])
        return best[:3], best[3], "overlap" if len({k[0] for k in kept}) > 1 else "latest"

    def stop(self):
        stops = [s for s in self.choices if is_stop(s) and self.about_address(s) and not any(
            is_confirmed(c) and self.about_address(c) and c["from"] > s["to"] and (not c["unit"] or c["unit"] in self.units)
            for c in self.choices)]
        return max(stops, key=lambda s: (s["from"], raw(s["id"])), default=None)

    def answer(self):
        """(value, because, rule)"""
        stop = self.stop()
        if stop:
            return "withdrawn", stop, "stop"
        records = [self.alone(self.of(u)) for u in self.units] + [self.alone(self.of_address())]
        records = [r for r in records if r]
        if not records:
            imports = [c for c in self.choices if cannot_raise(c) and c["unit"] in self.units]
            best = max(imports, key=lambda c: (c["from"], raw(c["id"])), default=None)
            return "not_asked", best, "import" if best else "nothing_recorded"
        best = max(records, key=lambda r: r[0])
        value = VALUES[best[0][0]]
        if value == "pending":
            return value, best[1], "pending"
        differ = len({r[0][0] for r in records}) > 1
        return value, best[1], "strictest" if differ else best[2]


def consent(choices, units, purpose, channel, address):
    """Any: is it allowed on every channel? What forbids or pends comes first, then what nobody was asked."""
    if channel != "any":
        return Consent(choices, units, purpose, channel, address).answer()
    weight = {"granted": 0, "not_asked": 1, "pending": 2, "refused": 3, "withdrawn": 4}
    answers = [Consent(choices, units, purpose, c, address).answer() for c in CHANNELS]
    return max(answers, key=lambda a: weight[a[0]])


def consents(choices, units, restricted, addresses):
    asked = [(p, "any", "") for p in PURPOSES] + [("marketing", "post", ""), ("marketing", "push", "")]
    for ident, kind in sorted(addresses, key=lambda a: raw(a[0])):
        asked += [("marketing", c, ident) for c in {"email": ["email"], "phone": ["sms", "call"]}[kind]]
    out = []
    for purpose, channel, address in asked:
        if not any(c["purpose"] == purpose for c in choices):
            continue
        value, because, rule = consent(choices, units, purpose, channel, address)
        if not because:
            continue
        held = restricted and purpose != "loyalty"
        one = {"allowed": value == "granted" and not held, "because": because["id"], "channel": channel,
               "purpose": purpose, "rule": "restricted" if held else rule, "value": value}
        out.append({**one, "address": address} if address else one)
    return out


# --- the whole ---

def points(entries):
    """One after the other: what was spent beyond what was there is missing for good, and nobody pays for it later."""
    out = {"balance": 0, "earned": 0, "shortfall": 0, "spent": 0}
    for e in sorted(entries, key=lambda e: (e["time"], raw(e["id"]))):
        out["earned" if e["points"] > 0 else "spent"] += abs(e["points"])
        out["balance"] += e["points"]
        out["shortfall"] += max(-out["balance"], 0)
        out["balance"] = max(out["balance"], 0)
    return out


def identifiers(fold, claims):
    out, addresses = [], []
    for ident in sorted({c["right"] for c in claims}, key=raw):
        on = [c for c in claims if c["right"] == ident]
        state, count = fold.ident_state(ident)
        out.append({"claims": [c["id"] for c in on], "ident": ident, "kind": on[0]["ident"], "persons": count,
                    "state": state, "verified": any(c["verified"] for c in on)})
        if on[0]["ident"] in ("phone", "email"):
            addresses.append((ident, on[0]["ident"]))
    return out, addresses


def connections(fold, mine):
    links, refused = [], []
    for op, (fate, reason) in zip(fold.ops, fold.verdict):
        left, right = op["left"] in mine, op["right"] in mine
        if op["kind"] == "link" and fate == "holds" and left:
            links.append({"by_person": bool(op["by_person"]), "id": op["id"], "left": op["left"], "right": op["right"]})
        if fate == "refused" and (op["kind"] == "claim" and left or op["kind"] == "link" and (left or right)):
            refused.append({"id": op["id"], "kind": op["kind"], "left": op["left"], "reason": reason, "right": op["right"]})
    joins = []
    for j in fold.joins:
        if j["left"] in mine or j["right"] in mine:
            said = {k: j[k] for k in ("id", "ident", "left", "right")}
            if j["fate"] == "holds":
                joins.append(said)
            elif j["fate"] == "refused":
                refused.append({**said, "kind": "join", "reason": j["reason"]})
    return joins, links, refused


def person_text(fold, person, facts, choices, entries):
    mine = sorted((u["ref"] for u in person.units), key=raw)
    units = sorted(person.units, key=lambda u: (u["number"] or 2**32, raw(u["ref"])))
    claims = [(op, v) for op, v in zip(fold.ops, fold.verdict)
              if op["kind"] == "claim" and op["left"] in mine and v[0] != "undone"]
    gone = {op["id"] for op, v in zip(fold.ops, fold.verdict) if op["kind"] == "claim" and v[0] == "undone"}
    facts = [f for f in facts if f["unit"] in mine and not (f["field"] == "contact" and f["value"][:22] in gone)]
    said = fields(facts)
    restricted = any(f["field"] == "state" and f["value"] == "restricted" for f in said)
    held, addresses = identifiers(fold, [c for c, v in claims if v[0] == "holds"])
    joins, links, refused = connections(fold, set(mine))
    text = {
        "blocked": sorted({c["right"] for c, _ in claims if c["right"] in fold.blocked}, key=raw),
        "consents": consents(choices, mine, restricted, addresses),
        "customer_id": f"C{units[0]['number']:06}" if units[0]["number"] else None,
        "fields": said,
        "identifiers": held,
        "joins": joins,
        "links": links,
        "points": points([e for e in entries if e["unit"] in mine and e["claim"] not in gone]),
        "refused": refused,
        "units": [{"company": bool(u["company"]), "confirmed": bool(u["confirmed"]), "number": u["number"], "ref": u["ref"]}
                  for u in units],
    }
    return json.dumps(text, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def component(units, ops, of):
    """The units that are connected with any of `of`."""
    undone = {op["left"] for op in ops if op["kind"] == "undo"}
    live = [op for op in ops if op["id"] not in undone]
    blocked = {op["left"] for op in live if op["kind"] == "block"}
    next_to = {}
    for op in live:
        if op["kind"] in ("link", "apart") or (op["kind"] == "claim" and op["right"] not in blocked):
            if op["left"] in units and (op["kind"] == "claim" or op["right"] in units):
                next_to.setdefault(op["left"], []).append(op["right"])
                next_to.setdefault(op["right"], []).append(op["left"])
    found, edge = set(of), list(of)
    while edge:
        for ref in next_to.get(edge.pop(), []):
            if ref not in found:
                found.add(ref)
                edge.append(ref)
    return {ref for ref in found if ref in units}


def states(rules, units, ops, facts, choices, entries):
    """unit -> the text of its person (None: nobody), of these units alone."""
    mine = {u["ref"] for u in units}
    # Links with a unit elsewhere are only those that were undone.
    ops = [op for op in ops if op["kind"] in ("undo", "block", "share") or op["left"] in mine or op["right"] in mine]
    fold = Fold(rules, units, ops)
    out = dict.fromkeys(mine)
    for person in fold.persons():
        text = person_text(fold, person, facts, choices, entries)
        out.update((u["ref"], text) for u in person.units)
    return out
