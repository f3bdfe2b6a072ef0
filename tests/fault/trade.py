"""A store that trades for a while, and the comparison afterwards: what the fault tests have in common."""

import json
import os
import time

from rig import until
from store import applied

LONG = os.environ.get("LANEWAY_LONG") == "1"
SCALE = 20.0
DRAIN_S = 120


def trade(rig, seconds, meanwhile=lambda: time.sleep(0.05)):
    """The simulator runs for so long; `meanwhile` is called again and again."""
    rig.start_sim(seconds, SCALE)
    end = time.monotonic() + seconds + 60
    while rig.alive("sim"):
        meanwhile()
        assert time.monotonic() < end, "some message is never answered:\n" + rig.log_of("sim")[-2000:]
    assert rig.processes["sim"].returncode == 0, rig.log_of("sim")[-2000:]


def compare(rig):
    """Wait for the drain, then: acknowledged, a part of what HQ holds, a part of what was sent; once, in order, with
    its bytes; and all of it, since the sources have sent again what they were not told about. `prove` agrees."""
    begun = time.monotonic()
    until(rig.drained, DRAIN_S, "every event to be confirmed")
    drained = time.monotonic() - begun
    until(lambda: applied(rig), 20, "HQ to have folded every event")
    result = rig.oracle()
    assert result.returncode == 0, result.stderr[-4000:]
    prove(rig)
    return {**json.loads(result.stdout), "drained_s": round(drained, 1)}


def prove(rig):
    """The store closes its day; what HQ recomputes from its bytes agrees."""
    day = rig.close_day()
    until(lambda: rig.countersigned(day), DRAIN_S, "HQ to countersign the day")
    proof = rig.prove(day)
    assert proof.returncode == 0, proof.stdout[-3000:] + proof.stderr[-1000:]
