"""Kills: daemon, HQ and broker end at random moments under load, many times; after each round the comparison."""

import collections
import random
import time

import pytest
from trade import LONG, compare, trade

ROUNDS = range(1, 21) if LONG else range(1, 2)
SECONDS = 30 if LONG else 5


class Killer:
    """Kills one of the three, starts it again a moment later; all moments by seed."""

    def __init__(self, rig, seed):
        self.rig, self.dice, self.kills = rig, random.Random(seed), collections.Counter()
        self.back = {}  # name -> when to start it again
        self.next = time.monotonic() + self.dice.uniform(0.2, 1)

    def step(self):
        now = time.monotonic()
        for name in [n for n, at in self.back.items() if now >= at]:
            del self.back[name]
            self.start(name)
        if now >= self.next:
            self.kill(self.dice.choice(("daemon", "daemon", "hq", "broker")))
            self.next = time.monotonic() + self.dice.uniform(0.1, 1.5)
        time.sleep(0.01)

    def kill(self, name):
        if name in self.back:
            return
        self.rig.kill(name)
        self.kills[name] += 1
        self.back[name] = time.monotonic() + self.dice.choice((0, self.dice.uniform(0, 1.5)))

    def start(self, name):
        {"daemon": self.rig.start_daemon, "hq": self.rig.start_hq, "broker": self.rig.start_broker}[name]()

    def all_back(self):
        for name in list(self.back):
            del self.back[name]
            self.start(name)


@pytest.mark.takes(25)
@pytest.mark.parametrize("seed", ROUNDS)
def test_kills_at_random_moments_lose_nothing_and_double_nothing(make_rig, say, seed):
    """Goal: however often daemon, HQ and broker are killed, every event that was acknowledged is at HQ once."""
    rig = make_rig(seed=seed).bring_up()
    killer = Killer(rig, seed)
    trade(rig, SECONDS, killer.step)
    killer.all_back()
    got = compare(rig)
    say(f"kills, seed {seed}: {dict(sorted(killer.kills.items()))}; {got['events']} events at HQ, "
        f"{got['till_messages']} till messages, {got['cost'].get('scans lost before their commit', 0)} of {got['scans']} "
        f"scans lost before their commit, drained in {got['drained_s']} s; 0 lost, 0 doubled")
