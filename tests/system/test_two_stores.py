"""Two stores, one HQ: both enrol the same phone while neither has a line to HQ. What becomes of it, and how it is undone."""

import itertools
import json
import os
import re

import forge
import pytest
import wire
from gate import Gate
from peer import Peer
from rig import BUILD, Rig, free_port, until
from store import Scanner, Till, cached, get, lane, post, up

pytestmark = pytest.mark.takes(25)

PHONE = "0172 8394057"
OTHERS = 3  # customers that HQ has before


class Shop:
    """A store with its daemon, a till, a scanner, and a line to the broker that can be cut."""

    def __init__(self, rig):
        self.rig, self.till, self.scanner, self.sessions = rig, None, None, itertools.count(1)
        self.gate = Gate(free_port(), rig.broker_port)
        rig.uplink_port = self.gate.port
        rig.write_store_conf()

    def open(self):
        self.gate.open()
        self.rig.start_daemon()
        until(lambda: self.rig.status()["sync"]["profiles"] >= OTHERS, 30, "the shard to be filled")
        self.staff()

    def staff(self):
        self.till, self.scanner = Till(self.rig, "T1", "1", f"s{next(self.sessions)}"), Scanner(self.rig)
        until(lambda: up(self.rig), 15, "the scanner")

    def kill(self):
        """As a power cut would; and back."""
        self.rig.kill("daemon")
        self.till.close()
        self.scanner.unplug()
        self.rig.start_daemon()
        self.staff()

    def enrol(self, basket, name, **more):
        self.till.kept("basket_opened", basket=basket)
        post(self.rig, "/api/v1/lanes/1/enrol", {"first_name": name, "phone": PHONE, **more})
        assert self.person()["state"] == "known" and self.person()["first_name"] == name

    def pay(self, basket, receipt):
        self.till.kept("line_added", **self.till.line(basket))
        self.till.kept("order_completed", **self.till.order(basket, receipt))

    def choose(self, basket):
        """Somebody says the phone number; how the lane shows it."""
        self.till.kept("basket_opened", basket=basket)
        self.till.kept("customer_chosen", basket=basket, kind="phone", value=PHONE)
        return lane(self.rig)

    def sell(self, basket, name, receipt, **more):
        self.enrol(basket, name, **more)
        self.pay(basket, receipt)

    def person(self):
        return lane(self.rig)["person"]

    def pending(self):
        return get(self.rig, "/api/v1/status")["pending"]["events"]

    def settled(self):
        """All that it said is at HQ, and what HQ made of it is here."""
        return self.rig.drained() and self.pending() == 0

    def missing(self):
        """What the manager's list says of points that are not there."""
        said = self.rig.tool("laneway", "--socket", self.rig.work / "api.sock", "--json", "review").stdout
        return [r for r in json.loads(said)["review"] if r["cause"] == "shortfall"]

    def why(self, customer_id):
        return self.rig.tool("laneway", "--socket", self.rig.work / "api.sock", "--why", "profile", customer_id).stdout

    def cached(self, customer_id):
        """The customer's line without what every change of anything changes."""
        line = cached(self.rig, customer_id)
        return {k: v for k, v in line.items() if k not in ("version", "includes")}


class Chain:
    def __init__(self, make_rig):
        first = make_rig(customers=OTHERS, store="east")
        self.hq, self.shops = first, [Shop(first), Shop(make_rig(store="west", beside=first))]
        first.tool("laneway-hq", "ca", "device", first.keys, "ledger", "box-1", "--out", first.work / "ledger")
        (first.work / "acl").write_text(first.tool("laneway-hq", "ca", "acl", first.keys).stdout)
        first.start_broker()
        first.start_hq()
        first.import_customers()
        for shop in self.shops:
            shop.open()

    def cut(self):
        for shop in self.shops:
            shop.gate.close()
        until(lambda: not any(shop.rig.status()["sync"]["connected"] for shop in self.shops), 30, "both to be offline")

    def back(self, order, kill=True):
        """The stores come back, one after the other; the second after a kill -9."""
        first, second = (self.shops[i] for i in order)
        first.gate.open()
        until(first.settled, 60, "the first store to be in step")
        if kill:
            second.kill()
        second.gate.open()
        until(lambda: first.settled() and second.settled(), 60, "both stores to be in step")

    def say(self, *args):
        return self.hq.tool("laneway-hq", args[0], *args[1:], "-c", self.hq.work / "hq.conf").stdout

    def read(self, *args):
        return json.loads(self.say(*args, "--json"))

    def rows(self, sql, *args):
        with self.hq.hq() as db:
            return db.execute(sql, args).fetchall()

    def enrolled(self):
        """(customer id, whose) of the two."""
        return self.rows("SELECT u.id, p.id FROM profile u JOIN profile p ON p.n = u.person WHERE u.n > ? ORDER BY u.n", OTHERS)

    def review(self):
        return {(r["cause"], r["kind"]) for r in self.read("review")}


@pytest.fixture
def chain(make_rig):
    made = Chain(make_rig)
    made.cut()
    yield made
    for shop in made.shops:
        shop.gate.close()


def same_one(chain, customer_id):
    """Both stores know one customer by the phone."""
    for shop, basket in zip(chain.shops, ("S1", "S2")):
        view = shop.choose(basket)
        assert view["person"]["state"] == "known" and view["question"] is None
        assert shop.cached(customer_id)["customer_id"] == customer_id
        shop.till.kept("basket_voided", basket=basket)


ORDERS = pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["east first", "west first"])


@ORDERS
def test_one_name_is_one_person_and_an_undo_makes_it_two_again(chain, order):
    """Goal: one customer with the visits of both, known in both stores; the join is named and can be taken back as if it had
    never been."""
    names = ["Mia", "MÍA"]
    for shop, name in zip(chain.shops, names):
        shop.sell("B1", name, "0001")
    chain.back(order)
    (a, whose_a), (b, whose_b) = chain.enrolled()
    assert whose_a == whose_b == a, "the lowest number names the person"
    until(lambda: all(s.cached(a).get("visits") == 2 for s in chain.shops), 30, "both stores to know of both visits")
    same_one(chain, a)
    match = re.search(r"match (\S+) and (\S+): both have phone \S+, by rules \S+; link (\S+)", chain.say("profile", a, "--why"))
    assert match and {match[1], match[2]} == {a, b}, chain.say("profile", a, "--why")
    for shop in chain.shops:
        named = re.search(r"match (\S+) and (\S+): both have one phone, by HQ's rules 1; link (\S+)", shop.why(a))
        assert named and {named[1], named[2]} == {a, b} and named[3] == match[3], shop.why(a)
        assert not shop.cached(b), "the other number is no customer any more"
    assert chain.review() == set()

    chain.say("unlink", match[3], "--reason", "two sisters", "--yes")
    until(lambda: all(s.cached(b).get("visits") == 1 for s in chain.shops), 30, "both stores to know both again")
    assert chain.enrolled() == [(a, a), (b, b)]
    owners = chain.rows("SELECT order_id, owner FROM sale ORDER BY order_id")
    assert len({owner for _, owner in owners}) == 2, "each order is of whom it came with"
    east, west = chain.shops
    assert [east.cached(x) for x in (a, b)] == [west.cached(x) for x in (a, b)]
    for shop in chain.shops:
        assert [shop.cached(x)["visits"] for x in (a, b)] == [1, 1]
        assert [len(shop.cached(x)["units"]) for x in (a, b)] == [1, 1]
        assert sorted(shop.cached(x)["first_name"] for x in (a, b)) == sorted(names)
        assert not {"matches", "deleted"} & (shop.cached(a).keys() | shop.cached(b).keys())
        assert "match " not in shop.why(a) + shop.why(b)
        assert shop.choose("U1")["person"]["state"] in ("conflict", "shared")


@ORDERS
def test_other_names_are_two_persons_and_the_phone_is_shared(chain, order):
    """Goal: nobody is merged; HQ, both stores and the steward's list say that the phone is several people's."""
    for shop, name in zip(chain.shops, ["Mia", "Ben"]):
        shop.sell("B1", name, "0001")
    chain.back(order)
    ids = chain.enrolled()
    assert [x for x, _ in ids] == [x for _, x in ids] and len(ids) == 2
    assert chain.rows("SELECT state FROM ident WHERE value = '+491728394057'") == [("shared",)]
    assert {("first_names", "phone"), ("shared", "phone")} <= chain.review()
    for shop in chain.shops:
        until(lambda s=shop: all(s.cached(x) for x, _ in ids), 30, "both customers in both stores")
        view = shop.choose("S1")
        assert view["person"]["state"] == "shared" and view["question"]["kind"] == "which"
        names = {c["label"] for c in view["question"]["choices"] if c["key"] != "none"}
        assert names == {"Mia", "Ben"}
        mia = next(c["key"] for c in view["question"]["choices"] if c["label"] == "Mia")
        post(shop.rig, "/api/v1/lanes/1/choose", {"question": view["question"]["id"], "choice": mia})
        person = shop.person()
        assert (person["state"], person["shared"], person["first_name"]) == ("known", True, "Mia")
        assert not {"last_seen", "last_items", "visits"} & set(person), "points only"
        customer = shop.till.wait("customer", basket="S1", state="known")
        assert customer["shared"] and "last_seen" not in customer


class Ledger:
    """A third store, byte by byte: it says what no till says yet, points and birth dates."""

    def __init__(self, chain):
        rig = chain.hq
        self.keys, self.store, self.epoch = rig.keys, "ledger", forge.new_epoch()
        self.lines, self.h, self.at = [], forge.ZERO, 1
        self.peer = Peer(rig.broker_port, rig.keys / "root.crt", "probe-ledger", rig.work / "ledger/tls.crt", rig.work / "ledger/tls.key")
        self.send([forge.opening(self.store, self.epoch)], [])

    def send(self, lines, keys):
        boxed = forge.visit_keys(wire.public_key(self.keys / "hq-box.pub"), self.store, self.epoch, self.at, keys) if keys else b""
        self.peer.publish(f"laneway/1/{self.store}/up", forge.batch(self.epoch, self.at, lines, self.h, boxed_keys=boxed))
        self.h = forge.h_after(self.h, self.epoch, self.at, lines)
        self.at += len(lines)

    def say(self, event, properties, person):
        key_id, key = os.urandom(16), os.urandom(32)
        seal = forge.sealed(self.store, self.epoch, self.at, key_id, key, person)
        self.send([forge.event(self.store, self.epoch, self.at, event, properties, f"2026-11-22T08:00:{self.at:02}.000Z", sealed=seal)],
                  [(key_id, key)])

    def points(self, unit, points):
        self.say("Points Changed", {"balance_as_of": None, "balance_seen": None, "change_type": "accumulate" if points > 0 else "redeem",
                                    "entry_id": forge.b64(os.urandom(16)), "order_id": None, "points": points,
                                    "reservation_id": None, "reverses": None}, {"unit": unit})

    def correct(self, unit, **fields):
        self.say("Customer Corrected", {"age_ok": None, "by": "manager", "enrolment_id": forge.b64(os.urandom(16)),
                                        "fields": sorted(fields), "verified": []}, {"fields": fields, "identifiers": [], "unit": unit})


@ORDERS
def test_other_birth_dates_part_whom_the_phone_had_joined(chain, order):
    """Goal: a conflict that HQ hears of later parts them; the phone is shared in both stores and on the steward's list."""
    for shop in chain.shops:
        shop.sell("B1", "Mia", "0001")
    chain.back(order, kill=False)
    units = [forge.b64(r) for r, in chain.rows("SELECT ref FROM profile WHERE n > ? ORDER BY n", OTHERS)]
    (a, _), (b, whose_b) = chain.enrolled()
    assert whose_b == a
    ledger = Ledger(chain)
    ledger.correct(units[0], birth_date="1990-02-28")
    ledger.correct(units[1], birth_date="1991-03-01")
    until(lambda: chain.enrolled() == [(a, a), (b, b)], 20, "HQ to part them")
    assert {("birth_dates", "phone"), ("shared", "phone")} <= chain.review()
    for shop in chain.shops:
        until(lambda s=shop: s.cached(b), 30, "both customers in the store")
        assert "1990" not in json.dumps(shop.cached(a)), "a birth date stays at HQ"
        assert shop.choose("S1")["person"]["state"] == "shared"


def test_points_are_together_while_they_are_one_and_what_was_spent_stays_spent(chain):
    """Goal: after an undo each has what came with it; what one spent of the other's is a shortfall on the list, no debit."""
    for shop in chain.shops:
        shop.sell("B1", "Mia", "0001")
    chain.back((0, 1), kill=False)
    units = [forge.b64(r) for r, in chain.rows("SELECT ref FROM profile WHERE n > ? ORDER BY n", OTHERS)]
    (a, _), (b, _) = chain.enrolled()
    ledger = Ledger(chain)
    ledger.points(units[0], 100)
    ledger.points(units[1], 30)
    until(lambda: all(s.cached(a).get("points") == 130 for s in chain.shops), 30, "the points of both, in both stores")
    assert all(s.choose("P1")["person"]["points"] == 130 for s in chain.shops)
    ledger.points(units[1], -80)
    until(lambda: all(s.cached(a).get("points") == 50 for s in chain.shops), 30, "what was spent of them, in both stores")
    link = re.search(r"match .* link (\S+)", chain.say("profile", a, "--why"))[1]
    chain.say("unlink", link, "--reason", "two sisters", "--yes")
    until(lambda: all([s.cached(x).get("points") for x in (a, b)] == [100, 0] for s in chain.shops), 30, "each has its own")
    assert [(r["customer_id"], r["detail"]) for r in chain.read("review") if r["cause"] == "shortfall"] == [(b, "50 points")]
    for shop in chain.shops:
        until(lambda s=shop: [(m["value"], m["kind"], m["words"]) for m in s.missing()] ==
              [(b, "points", "50 points that this customer spent are not there")], 30, "the manager's list of each store")
    shown = chain.shops[0].rig.tool("laneway", "--socket", chain.shops[0].rig.work / "api.sock", "review").stdout
    assert "missing    since 20" in shown and f"points  {b}" in shown and "50 points that this customer spent are not there" in shown
    ledger.points(units[1], 10)
    until(lambda: all(s.cached(b).get("points") == 10 for s in chain.shops), 30, "no silent debit on what comes later")
    assert all(len(s.missing()) == 1 for s in chain.shops)
    number, = [r["number"] for r in chain.read("review") if r["cause"] == "shortfall"]
    chain.say("review", "--settle", str(number), "--reason", "written off")
    assert "shortfall" not in {r["cause"] for r in chain.read("review")}
    until(lambda: not any(s.missing() for s in chain.shops), 30, "what is settled to leave the managers' lists")
    assert [s.cached(b).get("points") for s in chain.shops] == [10, 10]


def test_hqs_other_word_waits_for_a_tap_in_an_open_basket_and_counts_after_the_sale(chain):
    """Goal: with a basket open the screen says it in one line and nothing changes; without a tap the sale closes as it is, and
    then it is the one customer's."""
    east, west = chain.shops
    east.sell("B1", "Mia", "0001")
    west.enrol("B1", "MÍA")
    west.till.kept("line_added", **west.till.line("B1"))
    east.gate.open()
    until(east.settled, 60, "the first store to be in step")
    west.gate.open()
    view = until(lambda: (v := lane(west.rig))["change"] and v, 60, "HQ's word")
    (a, _), (b, whose_b) = chain.enrolled()
    assert whose_b == a and view["change"]["text"] in [f"HQ knows this customer already: {n}" for n in ("Mia", "MÍA")]
    assert view["person"]["first_name"] == "MÍA", "nothing has changed"
    west.till.kept("order_completed", **west.till.order("B1", "0001"))
    until(west.settled, 30, "the sale to be at HQ")
    until(lambda: all(s.cached(a).get("visits") == 2 for s in chain.shops), 30, "both visits to be the one customer's")
    assert lane(west.rig)["change"] is None

    west.till.kept("basket_opened", basket="B2")
    west.till.kept("customer_chosen", basket="B2", kind="phone", value=PHONE)
    assert west.person()["first_name"] in ("Mia", "MÍA") and not west.person()["new"]


def test_a_tap_takes_hqs_word_over(chain):
    """Goal: the cashier's key makes the basket the one customer's at once."""
    east, west = chain.shops
    east.sell("B1", "Mia", "0001")
    west.enrol("B1", "MÍA")
    east.gate.open()
    until(east.settled, 60, "the first store to be in step")
    west.gate.open()
    view = until(lambda: (v := lane(west.rig))["change"] and v, 60, "HQ's word")
    post(west.rig, "/api/v1/lanes/1/take-over", {"change": view["change"]["id"]})
    view = lane(west.rig)
    assert view["change"] is None and not view["person"]["new"] and view["person"]["state"] == "known"
    west.pay("B1", "0001")
    (a, _), _ = chain.enrolled()
    until(lambda: all(s.cached(a).get("visits") == 2 for s in chain.shops), 30, "both visits to be the one customer's")
