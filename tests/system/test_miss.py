"""A store that does not hold all customers: HQ chooses, and is asked for whoever is missing."""

import re
import urllib.request

import pytest
from rig import until
from store import Scanner, Till, customers, hq_lines, lane, up

pytestmark = pytest.mark.takes(15)

ROOM = 1165  # customers of 900 bytes in one MiB


def counted(rig, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{rig.http_port}/metrics", timeout=10) as r:
        return int(re.search(rf"^{name} (\d+)$", r.read().decode(), re.M)[1])


def held(rig, held=1):
    with rig.hq() as db:
        return {r[0] for r in db.execute("SELECT profile.external FROM holding JOIN profile ON n = unit WHERE held = ?", (held,))}


def hits(rig):
    with rig.hq() as db:
        return db.execute("SELECT known, answered FROM hit").fetchall()


@pytest.fixture(name="small")
def small_rig(make_rig):
    """2,000 customers, and room for some of them on the store's card."""
    rig = make_rig(customers=2000)
    rig.shard_mb = 1
    rig.write_hq_conf()
    rig.start_broker()
    rig.start_hq()
    rig.import_customers()
    rig.start_daemon()
    until(lambda: rig.status()["sync"]["profiles"] == ROOM, 30, "the chosen ones")
    return rig


def test_who_is_missing_comes_from_hq_while_the_card_is_in_hand(small):
    there = held(small)
    assert len(there) == ROOM
    absent = next(c for c in customers(small) if c["customer_id"] not in there)
    scanner = Scanner(small)
    until(lambda: up(small), 15, "the scanner")
    till = Till(small)
    till.kept("basket_opened", basket="B1")
    scanner.scan(absent["loyalty"])
    until(lambda: lane(small)["person"]["state"] == "known", 5, "HQ's word")
    assert lane(small)["person"]["first_name"] == absent["first_name"]
    assert till.wait("customer", state="known")["first_name"] == absent["first_name"]
    assert counted(small, "laneway_profiles_asked_total") == 1
    assert absent["customer_id"] in held(small)
    until(lambda: len(hq_lines(small, "Identifier Presented")) == 2, 15, "both of them at HQ")
    until(small.drained, 15, "HQ's confirmation")
    scans = hq_lines(small, "Identifier Presented")
    assert [e["properties"]["outcome"] for e in scans] == ["unknown", "matched"]
    assert len({e["context"]["laneway"]["mono_us"] for e in scans}) == 1  # one scan, told twice
    # From now on it is there, on every lane.
    other = Scanner(small, "2")
    until(lambda: up(small, "scan-2"), 15, "the other scanner")
    Till(small, till="T2", lane="2", session="u").kept("basket_opened", basket="B2")
    other.scan(absent["loyalty"])
    until(lambda: lane(small, "2")["person"]["state"] == "known", 5, "the name")
    assert counted(small, "laneway_profiles_asked_total") == 1
    # Whom HQ does not know either does not count against the choice.
    other.scan("2600000000017")
    until(small.drained, 15, "HQ's confirmation")
    until(lambda: hits(small) == [(2, 1)], 10, "what HQ counts")
    assert "knows 50.0 % of the customers who come without asking (1 of 2" in small.tool("laneway-hq", "status", "-c", small.work / "hq.conf").stdout


def test_without_a_line_a_missing_customer_is_unknown_and_nothing_waits(small):
    absent = next(c for c in customers(small) if c["customer_id"] not in held(small))
    scanner = Scanner(small)
    until(lambda: up(small), 15, "the scanner")
    small.kill("broker")
    until(lambda: not small.status()["sync"]["connected"], 30, "the loss of the broker to be noticed")
    till = Till(small)
    till.kept("basket_opened", basket="B1")
    scanner.scan(absent["loyalty"])
    until(lambda: lane(small)["person"]["state"] == "unknown", 5, "the screen")
    assert not lane(small)["person"]["asking"]
    assert counted(small, "laneway_profiles_asked_total") == 0
