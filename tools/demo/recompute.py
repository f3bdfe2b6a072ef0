"""Walks what HQ holds in order, hands each input that was sent to model.Store, and compares event by event, field by field.

Not compared: what only a clock, the kernel or a random generator knows. Times are held against the log: no event is
captured before it was sent; business date and offset follow from the event's own time.
"""

import datetime
import re
import zoneinfo

from held import unb64
from model import Drawn, Ident, Person, Store

# As rig.py configures the store, and what lanewayd does where it is silent.
ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
CLOCK_ERROR_US = 1_000_000
DAY_CUT = datetime.timedelta(hours=4)
CURRENCY = "EUR"
SCANNER = "scan-"  # and its lane
RULES = {"loyalty": "loyalty_exact", "phone": "phone_exact", "email": "email_exact"}
CLOCK = {"boot", "business_date", "clock", "epoch", "mono_us", "sealed", "seq", "utc_offset_min"}
SCHEMAS = {"Basket Abandoned": 2, "Customer Attached": 2, "Identifier Presented": 2}  # all others are 1
RANDOM = re.compile(r"[A-Za-z0-9_-]{22}")
DIFFERENT_MAX = 20  # after so many the model has lost its way: the rest says nothing new


class Customers:
    """Who has which identifier, as HQ has it."""

    def __init__(self, db):
        self.as_of = dict(db.execute("SELECT id, points_as_of FROM profile"))
        self.found = {}
        for kind, value, customer, ref, verified in db.execute(
                "SELECT i.kind, i.value, p.id, i.ref, i.verified FROM identifier i JOIN profile p ON p.n = i.profile"):
            self.found.setdefault((kind, value), []).append((customer, unb64(ref), verified))

    def find(self, ident, scanned):
        """(person, outcome); the identifier gets its reference."""
        hits = self.found.get((ident.kind, ident.value), [])
        ident.ref = hits[0][1] if len(hits) == 1 else Drawn("ident_ref")
        if ident.kind == "none":
            return None, "refused_pan"
        if len(hits) != 1:
            return None, "conflict" if hits else "unknown"
        customer, ref, verified = hits[0]
        certain = verified or (scanned and ident.kind == "loyalty")
        return Person(customer, ref, RULES[ident.kind], "certain" if certain else "probable",
                      self.as_of[customer], read=scanned and ident.kind == "loyalty"), "matched"


def masked(scan):
    """A payment card's number, as it may be kept."""
    return "*" * (len(scan["payload"]) - 4) + scan["payload"][-4:] if scan["what"] == "payment" else scan["payload"]


class Recompute:
    def __init__(self, held, sent, scan_of, customers, fail, zone=ZONE, day_cut=DAY_CUT):
        """scan_of: an Identifier Presented's messageId -> the record of the scan that was sent."""
        self.zone, self.day_cut = zone, day_cut
        self.events, self.scan_of, self.fail_ = held.events, scan_of, fail
        self.model = Store(held.store, CURRENCY, customers)
        self.messages = {(f"till:{r['till']}", r["message"]["source_message_id"]): r
                         for r in sent if r["type"] == "till"}
        self.taps = [r for r in sent if r["type"] == "tap"]
        self.drawn, self.store, self.different, self.sent_us = {}, held.store, 0, None

    def fail(self, text):
        self.different += 1
        self.fail_(text)

    # --- one value against another ---

    def differs(self, expected, got, path):
        """Each difference as a text."""
        if isinstance(expected, Drawn):
            if expected.value is None and isinstance(got, str) and RANDOM.fullmatch(got) and got not in self.drawn:
                expected.value = got
                self.drawn[got] = expected
            return [] if expected.value is not None and got == expected.value else [
                f"{path} is {got!r}, expected {expected!r}"]
        if isinstance(expected, dict) and isinstance(got, dict):
            return [d for k in sorted(expected.keys() | got.keys())
                    for d in (self.differs(expected[k], got[k], f"{path}.{k}") if k in expected and k in got else
                              [f"{path}.{k} is {'missing' if k in expected else 'too much'}"])]
        if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
            return [d for i, (a, b) in enumerate(zip(expected, got)) for d in self.differs(a, b, f"{path}[{i}]")]
        return [] if expected == got and type(expected) is type(got) else [f"{path} is {got!r}, expected {expected!r}"]

    def context(self, e, like):
        """What context.laneway must hold, but for CLOCK."""
        c = {"schema": SCHEMAS.get(e.name, 1), "source": like.source, "store": self.store, "training": False}
        place = e.place
        members = {"lane": like.context.get("lane"), "source_message_id": like.id,
                   "visit_id": place and place.visit, "basket_id": place and place.basket,
                   "staff_ref": place and place.staff, "identity": e.who and e.who.identity()}
        c.update({k: v for k, v in members.items() if v is not None})
        if place:
            c["training"] = place.training
        return c

    def compare(self, expected, got, like):
        """Differences of one event."""
        if got is None or got.name != expected.name or (got.source, got.id) != (like.source, like.id):
            return [f"{expected.name} is missing; there is {got}"]
        known = {k: v for k, v in got.context.items() if k not in CLOCK}
        line = {k: v for k, v in got.line.items() if k not in ("context", "messageId", "originalTimestamp")}
        named = {"event": expected.name, "properties": expected.properties}
        if expected.place:
            named["anonymousId"] = expected.place.visit
        key = got.context.get("sealed", {}).get("k")
        return [f"{got}: {d}" for d in
                self.differs(self.context(expected, like), known, "context.laneway") + self.differs(named, line, "line")
                + self.differs(expected.sealed, got.opened, "sealed")
                + (self.differs(expected.key, key, "sealed.k") if expected.key else [])]

    # --- times ---

    def store_date(self, e):
        local = datetime.datetime.fromtimestamp(e.wall_us / 1e6, self.zone)
        return (local - self.day_cut).date().isoformat()

    def check_time(self, e, sent):
        """sent: the record this event follows from, or None."""
        offset = datetime.datetime.fromtimestamp(e.wall_us / 1e6, self.zone).utcoffset().total_seconds() // 60
        date = (sent or {}).get("message", {}).get("business_date") or self.store_date(e)
        got = (e.context["utc_offset_min"], e.context["business_date"])
        if got != (offset, date):
            self.fail(f"{e}: offset and business date are {got}, expected {(offset, date)}")
        # The store goes by the time that HQ signs, as well as its way there and back could be measured.
        if sent and e.wall_us + CLOCK_ERROR_US < sent["t_us"]:
            self.fail(f"{e}: captured {sent['t_us'] - e.wall_us} us before it was sent")
        if not re.fullmatch(r"[0-9a-f]{32}", e.context["boot"]) or e.context["clock"] not in ("none", "kernel", "rtc", "hq"):
            self.fail(f"{e}: boot {e.context['boot']!r}, clock {e.context['clock']!r}")

    # --- inputs ---

    def message(self, e):
        """(events expected, the record that was sent)"""
        sent = self.messages.get((e.source, e.id))
        if sent is None:
            return None, None  # never sent: said where acknowledgements are compared
        try:
            return self.model.message(sent["till"], sent["lane"], sent["message"], self.store_date(e), e.mono_us), sent
        except (KeyError, AttributeError):
            return None, sent  # of a line or a customer that is not there

    def scan(self, at):
        """The scan whose events begin here: its Identifier Presented may have others in front of it."""
        e = self.events[at]
        for other in self.events[at:at + 4]:
            sent = self.scan_of.get(other.message_id)
            if sent and other.source == e.source:
                ident = Ident("none" if sent["what"] == "payment" else "loyalty", masked(sent), "scan",
                              sent["symbology"])
                moment = other.source, other.context["boot"], other.mono_us
                if other is e and "visit_id" not in e.context:
                    return self.model.early(sent["lane"], ident, moment), sent
                # Whether the box could tell which of two baskets was meant does not stand in the log: it may ask.
                asked = self.model.early_again(sent["lane"], ident, moment) and other.properties["outcome"] == "held"
                return self.model.scan(sent["lane"], ident, e.mono_us, asked), sent
        return None, None

    def tap(self, e, choice):
        made = self.model.tap(e.context["lane"], choice)
        if made is None:
            return None, None
        expected, basket = made
        for sent in self.taps:
            if (sent["lane"], sent["choice"], sent["basket"]) == (e.context["lane"], choice, basket):
                self.taps.remove(sent)
                return expected, sent
        return None, None

    def box(self, e):
        if e.name == "Epoch Opened":
            if e.place:
                self.model.restart(e.mono_us)
            return [], None
        if e.name == "Box Started":
            if e.properties["restored_baskets"] != len(self.model.baskets):
                self.fail(f"{e}: {e.properties['restored_baskets']} baskets restored, expected {len(self.model.baskets)}")
            return [], None
        if e.name == "Clock Repaired":
            p = e.properties
            if p["source"] != e.context["clock"] or abs(e.mono_us - p["mono_us"]) > CLOCK_ERROR_US or \
                    abs(e.wall_us - p["wall_us"]) > CLOCK_ERROR_US:
                self.fail(f"{e}: {p} does not fit its own time")
            return [], None
        if e.name == "Day Closed":
            return [], None  # what it says is `laneway-hq prove`'s
        if e.name in ("Device Connected", "Device Lost"):
            if e.properties.get("source") != SCANNER + e.context["lane"] or set(e.properties) != {"cause", "source"}:
                self.fail(f"{e}: {e.properties}")
            return [], None
        if e.name == "Identifier Presented" and "visit_id" not in e.context:
            return self.model.early_dropped(e.properties["ident_ref"]), None
        if e.name in ("Customer Attached", "Order Claimed"):
            return self.tap(e, "this" if e.name == "Customer Attached" else "last")
        return (self.model.time(e.context["lane"], e.mono_us) if "lane" in e.context else None), None

    def expect(self, at):
        e = self.events[at]
        if e.id:
            return self.message(e)
        return self.scan(at) if e.source.startswith(SCANNER) else self.box(e)

    def resume(self, at):
        """Behind a run that differs: where the next input begins."""
        e = self.events[at]
        while at < len(self.events) and (self.events[at].source, self.events[at].id) == (e.source, e.id):
            at += 1
            if self.events[at - 1].message_id in self.scan_of:
                break
        return at

    def run(self):
        at = 0
        while at < len(self.events) and self.different < DIFFERENT_MAX:
            e = self.events[at]
            expected, sent = self.expect(at)
            if expected is None:
                self.fail(f"{e}: nothing that was sent makes it")
                at = self.resume(at)
                continue
            got = self.events[at:at + max(1, len(expected))]
            wrong = [d for x, g in zip(expected, got + [None] * len(expected)) for d in self.compare(x, g, e)]
            for d in wrong:
                self.fail(d)
            for g in got:
                self.check_time(g, sent)
            at = self.resume(at) if wrong else at + len(got)
        for b in self.model.baskets:
            self.fail(f"basket {b.name} of till {b.till} was never closed")
