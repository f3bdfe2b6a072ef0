"""Power cuts: what was said to be kept, or confirmed, was on the disk before it was said.

A kill leaves behind what was written and not yet synced; a power cut does not. powercut.c is preloaded and makes one
at a chosen sync, after a pause in which a word that was given too early gets out.
"""

import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from rig import until
from box import Tail
from store import Scanner, Till, applied, customers, hq_lines, hq_profile, lane, up

SHIM = Path(__file__).with_name("powercut.c")


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    out = tmp_path_factory.mktemp("shim") / "powercut.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-w", "-shared", "-fPIC", "-o", out, SHIM, "-ldl"], check=True)
    return out


def cut_at(shim, file, sync):
    return {"LD_PRELOAD": str(shim), "POWERCUT_FILE": file, "POWERCUT_AT": str(sync),
            "ASAN_OPTIONS": "verify_asan_link_order=0"}


def acknowledged(till):
    return {a["source_message_id"]: a for a in till.answers if a["type"] == "kept"}


def talk_until_cut(till, messages):
    """Send everything at once, and hear what is still said."""
    till.sock.settimeout(10)
    try:
        sent = {till.send(kind, **members) for kind, members in messages}
        while not sent <= acknowledged(till).keys():
            till.read()
    except (OSError, EOFError, socket.timeout):
        pass


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_till_was_told_is_kept_survives_a_power_cut(make_rig, shim, seed):
    """Goal: the same id, asked again, is answered as before; what was not answered is kept now, once."""
    rig = make_rig(seed=seed)
    rig.start_broker()
    dice = random.Random(seed)  # without HQ: every sync after the start's own is of the till's messages
    rig.start("daemon", [rig.build / "lanewayd", "-c", rig.work / "store.conf"],
              cut_at(shim, "journal.db-wal", dice.randint(7, 12)))
    until(rig.status, 20, "the daemon")
    till = Till(rig)
    messages = [("basket_opened", {"basket": "B1"})] + [("line_added", till.line("B1", n)) for n in range(60)]
    for at in range(0, len(messages), 4):
        talk_until_cut(till, messages[at:at + 4])
        if not rig.alive("daemon"):
            break
    assert rig.processes["daemon"].wait(10) == -9
    told = acknowledged(till)
    rig.start_hq()
    rig.start_daemon()
    again = Till(rig)
    for kind, members in messages:
        again.kept(kind, **members)
    answers = acknowledged(again)
    assert {i: answers[i] for i in told} == told
    assert len({(a["epoch"], a["seq"]) for a in answers.values()}) == len(messages)
    until(rig.drained, 30, "the drain")
    assert len(told) < len(messages)


@pytest.mark.parametrize("sync", [3, 4, 5, 6])
def test_what_hq_confirmed_survives_a_power_cut_at_hq(make_rig, shim, sync):
    """Goal: HQ's word means its disk; after the cut, among batches or among folds, nothing is missing at HQ."""
    rig = make_rig().bring_up()
    until(rig.drained, 15, "the start's own events")
    rig.stop("hq")
    rig.start("hq", [rig.build / "laneway-hq", "run", "-c", rig.work / "hq.conf"], cut_at(shim, "hq.db-wal", sync))
    till = Till(rig)
    n = 0
    while rig.alive("hq"):
        n += 1
        till.sale(f"B{n}", f"{n:04d}")
    assert not rig.drained()
    rig.start_hq()
    rig.stop("daemon")
    rig.start_daemon()  # what is not confirmed goes again at once
    until(rig.drained, 60, "the drain")
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    assert rig.hq_events() == rig.status()["journal"]["events"]


def owners(rig):
    """The till's name of each basket -> the customer that it was tied to last, and whom its order names."""
    lines, baskets = hq_lines(rig), {}
    for e in lines:
        p, context = e["properties"], e["context"]["laneway"]
        if e["event"] == "Basket Opened":
            baskets[p["basket_id"]] = [p["till_basket"], None, None]
        elif e["event"] == "Customer Attached":
            baskets[p["basket_id"]][1] = p["profile_ref"]
        elif e["event"] == "Order Completed":
            baskets[p["cart_id"]][2] = context.get("identity", {}).get("profile_ref")
    return {name: (attached, ordered) for name, attached, ordered in baskets.values()}


@pytest.mark.parametrize("kept", [False, True], ids=["the order is lost", "its answer is lost"])
@pytest.mark.parametrize("known", [False, True], ids=["without a card", "with a card"])
def test_the_next_customers_card_is_not_the_last_ones(make_rig, known, kept):
    """Goal: the daemon dies between an order and its answer; the next card is shown before the till is back: to each their own."""
    rig = make_rig().bring_up()
    scanner = Scanner(rig)
    until(lambda: up(rig), 10, "the scanner")
    anna, ben = customers(rig)[:2]
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    till.kept("line_added", **till.line("B1"))
    if known:
        scanner.scan(anna["loyalty"])
        till.wait("customer", state="known")
    till.kept("tender_started", basket="B1", value="1.49")
    tail = Tail(rig)
    order = {"type": "order_completed", "source_message_id": "t:4", **till.order("B1", "0001")}
    if not kept:
        rig.signal("daemon", signal.SIGSTOP)
    made = time.monotonic()
    till.raw(order)
    if kept:
        until(lambda: tail.find("Order Completed"), 10, "the order")
    rig.kill("daemon")
    till.close()

    rig.start_daemon()
    until(lambda: up(rig), 10, "the scanner")
    scanner.scan(ben["loyalty"])
    view = until(lambda: lane(rig) if lane(rig)["notice"] else None, 10, "the card to be kept")
    assert view["notice"] == "Card kept: waiting for the till"
    if kept or not known:
        assert view["person"]["first_name"] == ben["first_name"][0] + "\u2026" and view["person"]["masked"]
    else:
        assert view["person"]["first_name"] == anna["first_name"]
    rig.kill("daemon")  # once more, while the card is held
    rig.start_daemon()
    till = Till(rig, unsent=True)
    till.made(round((time.monotonic() - made) * 1000))
    till.raw(order)
    till.made(0)
    till.wait("kept", source_message_id="t:4")
    till.counter = 4
    till.sale("B2", "0002")
    until(rig.drained, 30, "the drain")
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    (first, first_order), (second, second_order) = owners(rig)["B1"], owners(rig)["B2"]
    assert bool(first) == known and first_order == first
    assert second and second_order == second and second != first
    assert [hq_profile(rig, c["customer_id"])[1] for c in (anna, ben)] == [int(known), 1]
