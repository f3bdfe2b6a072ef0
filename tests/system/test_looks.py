"""Looking at a customer: notes on every lane at once, and after a kill; contact for who showed a card; each look an event."""

import json
import urllib.error

import pytest
from rig import until
from store import Scanner, Till, customers, get, hq_lines, lane, post, up

pytestmark = pytest.mark.takes(15)

TEXT = "rings twice, the bell is broken"


def laneway(rig, *args, value=None, check=True):
    return rig.tool("laneway", "--socket", rig.work / "api.sock", *args, input=value, check=check)


def known(rig, name, first_name):
    p = lane(rig, name)["person"]
    return p["state"] == "known" and p["first_name"] == first_name and not p["provisional"] and p["details"]


def look(rig, name):
    return post(rig, f"/api/v1/lanes/{name}/details", {"details": lane(rig, name)["person"]["details"]})


def refused(rig, path, body):
    with pytest.raises(urllib.error.HTTPError) as e:
        post(rig, path, body)
    return e.value.code, json.load(e.value)["error"]["code"]


def words(said):
    return sorted(n["words"] for n in said["notes"])


def test_01_a_note_of_lane_1_is_on_lane_2_at_once_and_after_a_kill(rig):
    """Goal: two notes, one of the list and one of a manager, without HQ, on both lanes, before and after kill -9."""
    anna = customers(rig)[10]
    rig.kill("hq")
    rig.kill("broker")
    one, two = Scanner(rig, "1"), Scanner(rig, "2")
    until(lambda: up(rig, "scan-1") and up(rig, "scan-2"), 15, "the scanners")
    till, other = Till(rig, "T1", "1"), Till(rig, "T2", "2", "other")
    till.kept("basket_opened", basket="B1")
    other.kept("basket_opened", basket="C1")
    one.scan(anna["loyalty"])
    two.scan(anna["loyalty"])
    for n in ("1", "2"):
        until(lambda n=n: known(rig, n, anna["first_name"]), 10, f"the name on lane {n}")
    assert look(rig, "2")["notes"] == []
    assert "large_print" in [c["code"] for c in look(rig, "1")["choices"]]
    post(rig, "/api/v1/lanes/1/correct", {"note": "large_print"})
    assert words(look(rig, "2")) == ["Needs large print"]  # with the answer, not some time later
    laneway(rig, "note", "1", value=TEXT + "\n")
    assert words(look(rig, "2")) == ["Needs large print", TEXT]

    rig.kill("daemon")
    for end in (till.close, other.close, one.unplug, two.unplug):
        end()
    rig.start_daemon()
    for n in ("1", "2"):
        until(lambda n=n: known(rig, n, anna["first_name"]), 15, f"the basket of lane {n}")
        assert words(look(rig, n)) == ["Needs large print", TEXT]


def test_02_contact_is_for_who_showed_the_card(rig):
    """Goal: by the card phone and e-mail, by the number that was said none and why; the command says the same."""
    anna = customers(rig)[11]
    scanner, till = Scanner(rig), Till(rig)
    until(lambda: up(rig), 15, "the scanner")
    till.kept("basket_opened", basket="B1")
    scanner.scan(anna["loyalty"])
    until(lambda: known(rig, "1", anna["first_name"]), 10, "the name")
    said = look(rig, "1")
    assert {(c["kind"], c["value"]) for c in said["contact"]} == {(k, anna[k]) for k in ("phone", "email") if anna[k]} != set()
    assert said["contact_refused"] is None and said["seconds"] == 10
    out = laneway(rig, "details", "1").stdout
    assert anna["phone"] in out and "There are no notes." in out
    till.kept("customer_removed", basket="B1")
    assert laneway(rig, "details", "1", check=False).returncode == 1
    till.kept("customer_chosen", basket="B1", kind="phone", value=anna["phone"])
    until(lambda: known(rig, "1", anna["first_name"]), 10, "the name by phone")
    said = look(rig, "1")
    assert said["contact"] == [] and "card or wallet" in said["contact_refused"]
    assert "card or wallet was scanned" in laneway(rig, "details", "1").stdout
    assert refused(rig, "/api/v1/lanes/1/details", {"details": "AAAAAAAAAAAAAAAAAAAAAA"}) == (409, "no_customer")
    until(rig.drained, 30, "the events at HQ")
    views = hq_lines(rig, "Profile Viewed")
    assert [e["properties"]["role"] for e in views] == ["cashier", "tool", "cashier", "tool"]
    assert views[0]["properties"]["fields"] in (["phone", "email"], ["email", "phone"]) and views[2]["properties"]["fields"] == []
    assert all(e["context"]["laneway"]["identity"]["profile_ref"] for e in views)


def test_03_without_a_sale_a_look_up_needs_a_reason_and_is_kept_sealed(rig):
    """Goal: refused without a reason; masked with one; HQ has both events, and neither reason nor number is readable in them."""
    anna = customers(rig)[12]
    until(lambda: get(rig, "/api/v1/status")["start"] == "ready", 15, "the start")
    assert refused(rig, "/api/v1/lanes/1/find", {"phone": anna["phone"]}) == (400, "reason_needed")
    reason = "left an umbrella in the shop"
    said = post(rig, "/api/v1/lanes/1/find", {"phone": anna["phone"], "reason": reason})
    assert said["state"] == "known" and said["first_name"] == anna["first_name"][0] + "…" and said["masked"]
    out = laneway(rig, "--reason", reason, "find", "1", value="vera@nowhere.example.org\n").stdout
    assert "not known here" in out
    p = laneway(rig, "find", "1", value=anna["phone"] + "\n", check=False)
    assert p.returncode == 1 and "no sale is open" in p.stderr
    until(rig.drained, 30, "the events at HQ")
    views = hq_lines(rig, "Profile Viewed")
    assert [(e["properties"]["hits"], e["properties"]["reason_code"]) for e in views] == [(1, "written"), (0, "written")]
    everything = json.dumps(hq_lines(rig))
    assert "umbrella" not in everything and anna["phone"] not in everything
    assert rig.status()["counters"]["laneway_lookups_total"] == 2


def test_04_a_reason_counts_against_the_twenty_of_an_hour(rig):
    """Goal: the twenty-first is refused, whoever has the number; a restart gives nobody a new hour."""
    until(lambda: get(rig, "/api/v1/status")["start"] == "ready", 15, "the start")
    for i in range(20):
        assert post(rig, "/api/v1/lanes/1/find", {"phone": f"+49172839{4000 + i}", "reason": "keys"})["seconds"] == 10
    body = {"phone": customers(rig)[12]["phone"], "reason": "keys"}
    assert refused(rig, "/api/v1/lanes/1/find", body) == (409, "too_many_look_ups")
    rig.kill("daemon")
    rig.start_daemon()
    until(lambda: get(rig, "/api/v1/status")["start"] == "ready", 15, "the start")
    assert refused(rig, "/api/v1/lanes/1/find", body) == (409, "too_many_look_ups")
