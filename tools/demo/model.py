"""The lane rules told once more, from DESIGN.md and WIRE.md alone: which events must an input make?

Shares no code with the daemon. An input is a till message, a scan, a cashier's tap or time; what comes out is the
whole list of events it must make, each with every field. A value that Laneway draws at random is a Drawn: bound to
what is seen first, and the same from then on.
"""

import dataclasses
from decimal import ROUND_HALF_UP, Decimal

RULESET = "1"
HELD_AFTER_ORDER_US = 20_000_000  # a scan this long after an order may mean its customer
HELD_US = 60_000_000              # an unanswered question after an order
WAIT_US = 180_000_000             # somebody scanned before there was a basket
CONFIRM_US = 600_000_000          # a basket that came back with no word from its till
PRODUCT = {"line_id": "line", "sku": "sku", "name": "name", "quantity": "quantity", "unit": "unit", "price": "price",
           "line_total": "line_total", "discount": "discount", "tax_rate": "tax_rate", "line_kind": "line_kind",
           "original_line_id": "original_line"}
REASON = {"unknown": "not_known", "conflict": "several_customers", "refused_pan": "card_number"}
AS_SENT = ("change", "discount", "prices_include_tax", "receipt_number", "revenue", "rounding", "sale_kind",
           "subtotal", "tax", "tenders", "total")


class Drawn:
    """A random value: unknown until it is seen."""

    def __init__(self, what):
        self.what, self.value = what, None

    def __repr__(self):
        return f"<{self.what} {self.value or 'not yet seen'}>"


@dataclasses.dataclass
class Place:
    """A visit, perhaps with its basket; who was seen in it has one reference and one key there."""
    visit: Drawn = dataclasses.field(default_factory=lambda: Drawn("visit_id"))
    basket: Drawn = None
    staff: str = None
    training: bool = False
    seen: dict = dataclasses.field(default_factory=dict)
    attached: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Ident:
    """An identifier as presented."""
    kind: str
    value: str
    method: str
    symbology: str = None
    ref: object = None  # HQ's, or drawn
    again: str = None   # told before, and why


@dataclasses.dataclass
class Person:
    """A customer in one visit."""
    customer: str
    ident_ref: str
    rule: str
    confidence: str
    as_of: str
    read: bool = False  # from a card, not typed
    ref: Drawn = None
    key: Drawn = None

    def in_(self, place):
        ref, key = place.seen.setdefault(self.customer, (Drawn("profile_ref"), Drawn("key id")))
        return dataclasses.replace(self, ref=ref, key=key)

    def identity(self):
        return {"as_of": self.as_of, "confidence": self.confidence, "profile_ref": self.ref, "rule": self.rule,
                "ruleset": RULESET, "status": "provisional"}


@dataclasses.dataclass
class Expected:
    """An event as it must be, but for what is random or read from a clock."""
    name: str
    place: Place
    properties: dict
    who: Person = None
    sealed: dict = None
    key: Drawn = None


@dataclasses.dataclass
class Basket:
    till: str
    name: str
    lane: str
    place: Place
    lines: dict = dataclasses.field(default_factory=dict)
    person: Person = None
    since: str = "none"
    tender: bool = False
    had_line: bool = False
    restored_us: int = None


@dataclasses.dataclass
class Held:
    question: str  # replace, held, last
    place: Place
    person: Person
    ident: Ident
    until_us: int = None


@dataclasses.dataclass
class Early:
    moment: tuple  # source, boot, mono_us
    ident: Ident
    key: Drawn
    front: Basket  # what stood in front then


@dataclasses.dataclass
class Wait:
    place: Place
    person: Person
    ident: Ident
    until_us: int


@dataclasses.dataclass
class Last:
    place: Place
    person: Person
    order_id: str
    at_us: int
    basket: str


@dataclasses.dataclass
class Lane:
    name: str
    held: Held = None
    wait: Wait = None
    last: Last = None


def same(a, b):
    return a is not None and b is not None and a.customer == b.customer


def value_of(lines):
    total = sum((Decimal(m["quantity"]) * Decimal(m["price"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
                for m in lines.values())
    return f"{total:.2f}"


class Store:
    """The state of all lanes; each input returns the events it must make and moves the state on."""

    def __init__(self, store, currency, customers):
        self.store, self.currency, self.customers = store, currency, customers
        self.lanes, self.baskets, self.earlies = {}, [], []

    def lane(self, name):
        return self.lanes.setdefault(name, Lane(name))

    def front(self, lane):
        return next((b for b in reversed(self.baskets) if b.lane == lane.name), None)

    def restart(self, now_us):
        """Open baskets, the last order, who waits and who is held come back: with the people that are attached to
        them, wait or are held, not with others that were seen there."""
        known = {id(b.place): set(b.place.attached) for b in self.baskets}
        places = [b.place for b in self.baskets]
        for lane in self.lanes.values():
            for there in (lane.last, lane.wait, lane.held):
                if there:
                    places.append(there.place)
                    known.setdefault(id(there.place), set(there.place.attached))
            for there in (lane.wait, lane.held):
                if there:
                    known[id(there.place)].add(there.person.customer)
        for place in places:
            place.seen = {c: r for c, r in place.seen.items() if c in known[id(place)]}
        for b in self.baskets:
            b.restored_us = now_us if b.restored_us is None else b.restored_us

    # --- events ---

    @staticmethod
    def presented(place, ident, who, outcome):
        return Expected("Identifier Presented", place, {
            "ident_ref": ident.ref, "kind": ident.kind, "method": ident.method, "outcome": outcome,
            "symbology": ident.symbology, **({"again": ident.again} if ident.again else {}), **({"reason": REASON[outcome]} if outcome in REASON else {})}, who, {"value": ident.value}, who.key if who else Drawn("key id"))

    @staticmethod
    def attach(b, who, by, reason):
        event = Expected("Customer Attached", b.place, {
            "basket_id": b.place.basket, "by": by, "profile_ref": who.ref, "reason": reason,
            "replaces": b.person.ref if b.person else None, **({} if who.read else {"assurance": "typed"})},
            who, {"customer_id": who.customer, "ident_ref": who.ident_ref}, who.key)
        b.person = who
        b.place.attached.append(who.customer)
        b.since = "end" if b.tender else "during" if b.had_line else "start"
        return event

    @staticmethod
    def visit_started(place, evidence):
        return Expected("Visit Started", place, {"evidence": evidence, "place": "lane"})

    @staticmethod
    def visit_ended(place, who, reason):
        return Expected("Visit Ended", place, {"place": "lane", "reason": reason}, who)

    def drop_held(self, lane):
        held, lane.held = lane.held, None
        return [self.presented(held.place, held.ident, held.person, "dropped")] if held else []

    def held_in(self, lane, b):
        """Is the lane's question about a scan in this basket?"""
        return lane.held is not None and lane.held.place.basket is b.place.basket

    def hold(self, lane, place, who, ident, question, now_us):
        if lane.held and same(lane.held.person, who):
            return [self.presented(place, ident, who, "held")]
        out = self.drop_held(lane) + [self.presented(place, ident, who, "held")]
        lane.held = Held(question, place, who, ident, now_us + HELD_US if question == "last" else None)
        return out

    # --- scans ---

    def early(self, lane, ident, moment):
        """A scan that is kept before it is known where it belongs, and told again with the same moment when it is."""
        pan = ident.kind == "none"
        ident.ref = Drawn("ident_ref")
        told = self.presented(None, ident, None, "refused_pan" if pan else "held")
        if not pan:
            self.earlies.append(Early(moment, ident, told.key, self.front(self.lane(lane))))
        return [told]

    def early_again(self, lane, ident, moment):
        """Has it been kept before, and does another basket stand in front now?"""
        early = next((x for x in self.earlies if x.moment == moment), None)
        if early is None:
            return False
        self.earlies.remove(early)
        ident.again = "early"
        return early.front is not self.front(self.lane(lane))

    def early_dropped(self, ident_ref):
        """It never found its place."""
        early = next((x for x in self.earlies if x.ident.ref.value == ident_ref), None)
        if early is None:
            return None
        self.earlies.remove(early)
        told = self.presented(None, early.ident, None, "dropped")
        told.key = early.key
        return [told]

    def scan(self, lane, ident, now_us, asked=False):
        """asked: the basket in front may not be the one that it meant."""
        lane = self.lane(lane)
        front = self.front(lane)
        after = lane.last is not None and now_us - lane.last.at_us <= HELD_AFTER_ORDER_US
        who, outcome = self.customers.find(ident, scanned=True)
        if outcome != "matched":
            place = front.place if front else lane.last.place if after else lane.wait.place if lane.wait else Place()
            return [self.presented(place, ident, None, outcome)]
        if after and (not front or not front.had_line):
            return self.scan_after_order(lane, front, who, ident, now_us)
        if front:
            return self.scan_in_basket(lane, front, who, ident, now_us, asked)
        return self.scan_early(lane, who, ident, now_us)

    def scan_early(self, lane, who, ident, now_us):
        out, wait = [], lane.wait
        if wait is None:
            wait = lane.wait = Wait(Place(), None, ident, 0)
            out.append(self.visit_started(wait.place, "scan"))
            wait.person = who.in_(wait.place)
        who = who.in_(wait.place)
        if not same(wait.person, who):
            return self.hold(lane, wait.place, who, ident, "replace", now_us)
        wait.until_us = now_us + WAIT_US
        return out + [self.presented(wait.place, ident, who, "matched")]

    def scan_in_basket(self, lane, b, who, ident, now_us, asked):
        who = who.in_(b.place)
        if same(b.person, who) or (b.tender and lane.wait and same(lane.wait.person, who)):
            return [self.presented(b.place, ident, who, "matched")]
        if b.tender or b.person or asked:
            return self.hold(lane, b.place, who, ident, "held" if b.tender or asked else "replace", now_us)
        out = []
        if lane.held and same(lane.held.person, who):
            lane.held = None
        elif self.held_in(lane, b):
            out = self.drop_held(lane)
        return out + [self.presented(b.place, ident, who, "matched"), self.attach(b, who, "scan", "scan")]

    def scan_after_order(self, lane, front, who, ident, now_us):
        place = front.place if front and same(front.person, who) else lane.last.place
        who = who.in_(place)
        if place is not lane.last.place or same(lane.last.person, who) or (lane.wait and same(lane.wait.person, who)):
            return [self.presented(place, ident, who, "matched")]
        return self.hold(lane, place, who, ident, "last", now_us)

    # --- taps and time ---

    def tap(self, lane, choice):
        """The cashier's answer: (events, the basket's name at the till); None if there is no such question."""
        lane = self.lane(lane)
        held, questions = lane.held, {"this": "held", "last": "last"}
        if not held or questions[choice] != held.question:
            return None
        if choice == "last" and lane.last:
            lane.held, lane.last.person = None, held.person
            lane.last.place.attached.append(held.person.customer)
            return [Expected("Order Claimed", lane.last.place, {
                "age_days": 0, "claim_id": Drawn("claim_id"), "method": "scan", "order_id": lane.last.order_id,
                "profile_ref": held.person.ref}, held.person, {"customer_id": held.person.customer},
                held.person.key)], lane.last.basket
        b = next((b for b in self.baskets if b.place.basket is held.place.basket), None)
        if choice == "last" or b is None:
            return None
        lane.held = None
        who = held.person.in_(b.place)
        return ([] if same(b.person, who) else [self.attach(b, who, "cashier", "this")]), b.name

    def time(self, lane, now_us):
        """What is due on a lane now."""
        lane, out = self.lane(lane), []
        if lane.wait and lane.wait.until_us <= now_us:
            wait, lane.wait = lane.wait, None
            if lane.held and lane.held.place.basket is None:
                out += self.drop_held(lane)
            return out + [self.presented(wait.place, wait.ident, wait.person, "dropped"),
                          self.visit_ended(wait.place, wait.person, "timeout")]
        if lane.held and lane.held.until_us and lane.held.until_us <= now_us:
            return self.drop_held(lane)
        for b in [b for b in self.baskets if b.lane == lane.name]:
            if b.restored_us is not None and b.restored_us + CONFIRM_US <= now_us:
                return self.closed(lane, b, False) + [self.abandoned(b, "power"),
                                                      self.visit_ended(b.place, b.person, "timeout")]
        return []

    # --- till messages ---

    def message(self, till, lane, m, date, now_us):
        """`date`: the business date of the store's own clock."""
        lane = self.lane(lane)
        if m["type"] in ("refund", "order_cancelled", "till_opened", "till_closed"):
            return getattr(self, m["type"])(till, m, date)
        if m["type"] == "basket_opened":
            return self.basket_opened(lane, till, m)
        b = next((b for b in self.baskets if (b.till, b.name) == (till, m["basket"])), None)
        if b is None:
            return None
        b.lane, b.restored_us = lane.name, None
        if m["type"] == "order_completed":
            order_id = f"{self.store}/{till}/{m.get('business_date') or date}/{m['receipt_number']}"
            return self.order_completed(lane, b, m, order_id, now_us)
        return getattr(self, m["type"])(lane, b, m)

    def basket_opened(self, lane, till, m):
        place, person, out = Place(), None, []
        if lane.wait:
            place, person = lane.wait.place, lane.wait.person
        place.basket = Drawn("basket_id")
        place.staff, place.training = m.get("staff_ref"), m.get("training", False)
        b = Basket(till, m["basket"], lane.name, place)
        if not lane.wait:
            out.append(self.visit_started(place, "basket"))
        lane.wait = None
        self.baskets.append(b)
        out.append(Expected("Basket Opened", place, {
            "basket_id": place.basket, "lane": lane.name, "mode": m.get("mode", "sale"), "till": till,
            "till_basket": m["basket"]}))
        return out + ([self.attach(b, person, "scan", "waiting")] if person else [])

    def first_line(self, lane, b):
        """Who was held elsewhere is the next customer: of this basket."""
        if b.had_line:
            return []
        out, held = [], lane.held
        lane.last = None
        if held and not self.held_in(lane, b):
            if b.person is None:
                lane.held = None
                out = [self.attach(b, held.person.in_(b.place), "scan", "held_next")]
            elif same(b.person, held.person):
                lane.held = None
            else:
                out = self.drop_held(lane)
        b.had_line = True
        return out

    def product(self, name, b, line, **more):
        return Expected(name, b.place, {
            "cart_id": b.place.basket, "currency": self.currency, "entry_method": line["entry_method"],
            "line_id": line["line"], "name": line["name"], "price": line["price"], "quantity": line["quantity"],
            "sku": line["sku"], "unit": line["unit"], **more}, b.person)

    def line_added(self, lane, b, m):
        out = self.first_line(lane, b)
        b.lines[m["line"]] = dict(m)
        return out + [self.product("Product Added", b, m)]

    def line_removed(self, _lane, b, m):
        return [self.product("Product Removed", b, b.lines.pop(m["line"]), reason=m["reason"])]

    def line_changed(self, _lane, b, m):
        line, out = b.lines[m["line"]], []
        for field in ("quantity", "price"):
            if field in m:
                out.append(Expected("Basket Line Changed", b.place, {
                    "approver_ref": m.get("approver_ref"), "basket_id": b.place.basket, "field": field,
                    "from": line[field], "line_id": m["line"], "reason": m["reason"], "to": m[field]}, b.person))
        line.update({k: m[k] for k in ("quantity", "price") if k in m})
        return out

    def tender_started(self, lane, b, m):
        b.tender = True
        if self.held_in(lane, b) and lane.held.question == "replace":
            lane.held.question = "held"
        return [Expected("Checkout Started", b.place, {
            "cart_id": b.place.basket, "currency": self.currency, "lines": len(b.lines), "value": m["value"]},
            b.person)]

    def customer_chosen(self, lane, b, m):
        ident = Ident(m["kind"], m["value"], "till")
        who, outcome = self.customers.find(ident, scanned=False)
        if outcome != "matched":
            return [self.presented(b.place, ident, None, outcome)]
        who = who.in_(b.place)
        out = [self.presented(b.place, ident, who, "matched")]
        if self.held_in(lane, b):
            if same(lane.held.person, who):
                lane.held = None
            out += self.drop_held(lane)
        return out if same(b.person, who) else out + [self.attach(b, who, "till", "chosen")]

    def customer_removed(self, lane, b, m):
        who, b.person, b.since = b.person, None, "none"
        if self.held_in(lane, b) and lane.held.question == "replace":
            lane.held.question = "held"
        return [Expected("Customer Detached", b.place, {
            "basket_id": b.place.basket, "by": "till", "profile_ref": who.ref,
            "reason": m.get("reason", "removed")}, who)]

    def closed(self, lane, b, order):
        """The basket goes; a question about a scan in it is dropped, or now means the last customer."""
        self.baskets.remove(b)
        if not self.held_in(lane, b):
            return []
        if not order:
            return self.drop_held(lane)
        lane.held.question, lane.held.until_us = "last", order + HELD_US
        return []

    @staticmethod
    def products(m):
        return [{k: p[v] for k, v in PRODUCT.items() if v in p} for p in m["products"]]

    def order_completed(self, lane, b, m, order_id, now_us):
        out = self.first_line(lane, b)
        out.append(Expected("Order Completed", b.place, {
            **{k: m[k] for k in AS_SENT}, "cart_id": b.place.basket, "currency": self.currency,
            "identified_at": b.since, "order_id": order_id, "products": self.products(m)}, b.person))
        out.append(self.visit_ended(b.place, b.person, "sale"))
        self.closed(lane, b, now_us)
        front = self.front(lane)
        lane.last = None if front and front.had_line else Last(b.place, b.person, order_id, now_us, b.name)
        return out

    def abandoned(self, b, reason, till_reason=None):
        properties = {"basket_id": b.place.basket, "lines": len(b.lines), "reason": reason, "value": value_of(b.lines)}
        if till_reason:
            properties["till_reason"] = till_reason
        return Expected("Basket Abandoned", b.place, properties, b.person)

    def basket_voided(self, lane, b, m):
        return self.closed(lane, b, False) + [self.abandoned(b, "void", m.get("reason")),
                                              self.visit_ended(b.place, b.person, "void")]

    def order_cancelled(self, _till, m, _date):
        return [Expected("Order Cancelled", None, {
            "approver_ref": m.get("approver_ref"), "order_id": m["order_id"], "reason": m["reason"]})]

    def refund(self, till, m, date):
        refund_id = f"{self.store}/{till}/{m.get('business_date') or date}/{m['refund_number']}"
        return [Expected("Order Refunded", Place(training=m.get("training", False)), {
            "approver_ref": m.get("approver_ref"), "currency": self.currency, "exchange_id": m.get("exchange_id"),
            "no_receipt_reason": m.get("no_receipt_reason"), "original_order_id": m["original_order_id"],
            "products": self.products(m), "refund_id": refund_id, "tax": m["tax"], "tenders": m["tenders"],
            "total": m["total"]})]

    @staticmethod
    def till_opened(till, m, date):
        return [Expected("Till Opened", None, {"business_date": m.get("business_date") or date, "till": till})]

    def till_closed(self, till, m, date):
        said = ("orders", "orders_sum", "refunds", "refunds_sum", "voids", "voids_sum")
        return [Expected("Till Closed", None, {
            **{k: m[k] for k in said}, **{k: m.get(k, []) for k in ("tenders", "refund_tenders")},
            **{k: m.get(k) for k in ("first_receipt_number", "last_receipt_number")},
            "business_date": m.get("business_date") or date, "currency": self.currency, "till": till})]
