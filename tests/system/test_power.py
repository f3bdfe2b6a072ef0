"""Power cuts: what was said to be kept, or confirmed, was on the disk before it was said.

A kill leaves behind what was written and not yet synced; a power cut does not. powercut.c is preloaded and makes one
at a chosen sync, after a pause in which a word that was given too early gets out.
"""

import random
import socket
import subprocess
from pathlib import Path

import pytest
from rig import until
from store import Till, applied

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
