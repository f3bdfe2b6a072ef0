"""Broker betrayal: acknowledged and lost, delivered three times, late and out of order, stalled; on the way up and down."""

import pytest
from betrayal import between
from trade import LONG, compare, trade

SEEDS = range(1, 13) if LONG else range(1, 2)


@pytest.mark.takes(25)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_broker_that_lies_loses_nothing_and_doubles_nothing(make_rig, say, seed):
    """Goal: whatever the broker does between store and HQ, every event is at HQ once."""
    rig = make_rig(seed=seed)
    relay = between(rig, seed)
    relay.honest = True  # until everything runs
    rig.bring_up()
    relay.honest = False
    trade(rig, 20 if LONG else 5)
    relay.reform()
    got = compare(rig)
    say(f"broker betrayal, seed {seed}: {dict(sorted(relay.counts.items()))}; {got['events']} events at HQ, drained "
        f"{got['drained_s']} s after the broker turned honest; 0 lost, 0 doubled")
    assert relay.counts["lost"] > 0 and relay.counts["three times"] > 0 and relay.counts["late"] > 0
