"""The main job: a scan becomes a customer on the lane screen and an event at HQ."""

import json
import random
import signal

import pytest
from rig import until
from store import Scanner, Till, applied, cached, customers, hq_lines, hq_profile, lane, post, up

pytestmark = pytest.mark.takes(10)


def on_their_way(rig):
    s = rig.status()
    return s["journal"]["events"] - s["journal"]["confirmed"] if s else 0


def settle(rig):
    """Let the simulator end and the store drain, then compare."""
    assert rig.processes["sim"].wait(90) == 0
    until(rig.drained, 60, "the drain")
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    result = rig.oracle()
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_01_a_scan_is_shown_kept_confirmed_and_comes_back_as_a_visit(rig):
    """Goal: the whole path once, online."""
    anna = customers(rig)[7]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    scanner.scan(anna["loyalty"])
    shown = until(lambda: (v := lane(rig))["person"]["state"] == "known" and v, 5, "the name on the screen")
    assert shown["person"]["first_name"] == anna["first_name"]
    assert shown["person"]["points"] == int(anna["points"])
    assert till.wait("customer", state="known")["first_name"] == anna["first_name"]
    till.kept("line_added", **till.line("B1"))
    till.kept("tender_started", basket="B1", value="1.49")
    order = till.kept("order_completed", **till.order("B1", "0001"))
    assert order["order_id"].startswith("demo/T1/") and order["order_id"].endswith("/0001")
    until(rig.drained, 15, "HQ's confirmation")
    held = hq_lines(rig)
    assert [e["event"] for e in held if "visit_id" in e["context"]["laneway"]] == [
        "Visit Started", "Basket Opened", "Identifier Presented", "Customer Attached", "Product Added",
        "Checkout Started", "Order Completed", "Visit Ended"]
    assert anna["loyalty"] not in json.dumps(held) and anna["first_name"] not in json.dumps(held)
    pid, _, spend = until(lambda: (p := hq_profile(rig, anna["customer_id"]))[1] == 1 and p, 10, "the visit at HQ")
    assert spend == 149
    until(lambda: cached(rig, pid).get("visits") == 1, 10, "the visit back in the store's shard")


def test_02_the_broker_is_gone_for_a_while_and_nothing_is_lost(rig):
    """Goal: the store trades on without its broker, and everything arrives once it is back."""
    before = random.Random(2).randint(6, 9)  # at least 20 events are on their way when the broker dies
    rig.signal("hq", signal.SIGSTOP)
    till = Till(rig)
    for i in range(before):
        till.sale(f"B{i}", f"{i:04d}")
    assert on_their_way(rig) >= 20
    rig.kill("broker")
    rig.signal("hq", signal.SIGCONT)
    for i in range(before, 10):
        till.sale(f"B{i}", f"{i:04d}")
    until(lambda: not rig.status()["sync"]["connected"], 30, "the loss of the broker to be noticed")
    assert not lane(rig)["hq"]["reachable"]
    rig.start_broker()
    until(rig.drained, 60, "the drain")
    assert len(hq_lines(rig, "Order Completed")) == 10


@pytest.mark.parametrize("seed", [1, 2])
def test_03_the_daemon_is_killed_in_the_middle_of_a_stream(make_rig, seed):
    """Goal: SIGKILL under trade; what was acknowledged is at HQ, once, in order."""
    rig = make_rig(seed=seed).bring_up()
    rig.start_sim(6, 20.0)
    rig.signal("hq", signal.SIGSTOP)
    until(lambda: on_their_way(rig) >= 20, 20, "20 events on their way")
    rig.kill("daemon")
    rig.signal("hq", signal.SIGCONT)
    rig.start_daemon()
    settle(rig)


def test_04_hq_is_gone_and_comes_back(rig):
    """Goal: batches that the broker took while HQ was away are not taken for delivered."""
    rig.start_sim(5, 20.0)
    until(lambda: rig.hq_events() > 20, 20, "events at HQ")
    rig.kill("hq")
    until(lambda: on_their_way(rig) >= 20, 20, "20 events on their way")
    rig.start_hq()
    settle(rig)


def test_05_a_confirmation_is_lost(rig):
    """Goal: HQ dies between its commit and its word; the store sends again and HQ counts once."""
    until(rig.drained, 15, "the start's own events")
    rig.kill("hq")
    sales = random.Random(5).randint(5, 8)
    till = Till(rig)
    for i in range(sales):
        till.sale(f"B{i}", f"{i:04d}")
    assert on_their_way(rig) >= 20
    rig.start_hq(die="after_commit:1")
    until(lambda: not rig.alive("hq"), 60, "HQ to die after its commit")
    assert not rig.drained()
    rig.start_hq()
    until(rig.drained, 60, "the store to send again")
    assert len(hq_lines(rig, "Order Completed")) == sales
    assert rig.hq_events() == rig.status()["journal"]["events"]


def test_06_a_message_that_is_sent_again_is_one_event(rig):
    """Goal: the resend window, across a restart."""
    till = Till(rig)
    first = till.kept("basket_opened", basket="B1")
    till.counter = 0
    assert till.kept("basket_opened", basket="B1") == first
    till.close()
    rig.kill("daemon")
    rig.start_daemon()
    again = Till(rig)
    assert again.kept("basket_opened", basket="B1") == first
    again.counter = 0
    again.send("basket_opened", basket="B2")
    assert again.wait("error")["code"] == "id_reused"
    until(rig.drained, 30, "the drain")
    assert len(hq_lines(rig, "Basket Opened")) == 1


def test_07_open_baskets_come_back_after_a_kill(rig):
    """Goal: lines and customer of an open basket are rebuilt from the journal."""
    anna = customers(rig)[3]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    scanner.scan(anna["loyalty"])
    till.wait("customer", state="known", provisional=False)
    till.kept("line_added", **till.line("B1"))
    till.close()
    rig.kill("daemon")
    rig.start_daemon()
    view = lane(rig)
    assert view["basket"]["value"] == "1.49" and view["restored"]
    assert view["person"]["first_name"] == anna["first_name"]
    again = Till(rig, session="u")
    assert again.answers[0]["baskets"] == ["B1"]
    assert again.kept("order_completed", **again.order("B1", "0001"))["count"] == 2


def test_08_a_held_scan_asks_and_the_answer_counts(rig):
    """Goal: a scan after the subtotal key asks; "this customer" ties the basket."""
    anna = customers(rig)[5]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    till.kept("line_added", **till.line("B1"))
    till.kept("tender_started", basket="B1", value="1.49")
    scanner.scan(anna["loyalty"])
    q = until(lambda: lane(rig)["question"], 5, "the question")
    assert {c["key"] for c in q["choices"]} == {"this", "next"}
    post(rig, "/api/v1/lanes/1/choose", {"question": q["id"], "choice": "this"})
    assert lane(rig)["person"]["first_name"] == anna["first_name"]


def test_09_a_stop_is_graceful(rig):
    """Goal: SIGTERM answers what is queued, closes the epoch, and the next start says it was clean."""
    till = Till(rig)
    till.sale("B1", "0001")
    assert rig.stop("daemon") == 0
    rig.start_daemon()
    until(rig.drained, 30, "the drain")
    assert [e["properties"]["clean"] for e in hq_lines(rig, "Box Started")][-1] is True
    assert [e["properties"]["cause"] for e in hq_lines(rig, "Epoch Opened")] == ["new", "start"]


def test_10_the_journal_verifies(rig):
    """Goal: `laneway journal verify` reads every pack and says so."""
    till = Till(rig)
    till.sale("B1", "0001")
    p = rig.tool("laneway", "--socket", rig.work / "api.sock", "--json", "journal", "verify")
    last = json.loads(p.stdout.splitlines()[-1])
    assert last["ok"] and last["events"] == rig.status()["journal"]["events"]


def test_11_the_broker_dies_with_batches_that_it_acknowledged(rig):
    """Goal: a PUBACK is no confirmation: what only the broker had is sent again."""
    until(rig.drained, 15, "the start's own events")
    rig.signal("hq", signal.SIGSTOP)
    till = Till(rig)
    for i in range(5):
        till.sale(f"B{i}", f"{i:04d}")
    assert on_their_way(rig) >= 20
    until(lambda: rig.status()["sync"]["outstanding_bytes"] > 0, 10, "batches to be sent")
    rig.kill("broker")
    rig.signal("hq", signal.SIGCONT)
    rig.start_broker()
    until(rig.drained, 60, "the drain")
    assert rig.hq_events() == rig.status()["journal"]["events"]
    assert len(hq_lines(rig, "Order Completed")) == 5
