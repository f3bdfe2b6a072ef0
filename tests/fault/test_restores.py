"""HQ's database is brought back from a copy while stores trade, again and again: nothing is lost, nothing doubled."""

import random
import shutil
import time

import copies
import pytest
from rig import until
from trade import LONG, compare, trade

pytestmark = pytest.mark.takes(11)

SECONDS = 60 if LONG else 5
SEEDS = range(1, 7) if LONG else (1,)


class Restorer:
    """Takes copies of HQ's files now and then, and brings one back."""

    def __init__(self, rig, random_):
        self.rig, self.random = rig, random_
        self.copies, self.restores, self.at = [], {"hq.db alone": 0, "all of HQ": 0}, time.monotonic() + 0.7

    def take(self):
        folder = self.rig.work / f"copy{len(self.copies)}"
        folder.mkdir()
        copies.back_up(self.rig.work / "hq" / "hq.db", folder / "hq.db")
        shutil.copy2(self.rig.work / "hq" / "hq.mark", folder / "hq.mark")
        self.copies.append(folder)

    def bring_back(self):
        folder = self.random.choice(self.copies)
        self.rig.kill("hq")
        copies.restore(folder / "hq.db", self.rig.work / "hq" / "hq.db")
        everything = self.random.random() < 0.5
        if everything:
            shutil.copy2(folder / "hq.mark", self.rig.work / "hq" / "hq.mark")
        self.restores["all of HQ" if everything else "hq.db alone"] += 1
        self.rig.start_hq()

    def step(self):
        if time.monotonic() > self.at:
            self.at = time.monotonic() + self.random.uniform(0.3, 1.5)
            if self.copies and self.random.random() < 0.5:
                self.bring_back()
            else:
                self.take()
        time.sleep(0.02)


@pytest.mark.parametrize("seed", SEEDS)
def test_hq_is_brought_back_under_load(make_rig, say, seed):
    """Goal: whatever copy comes back at whatever moment, in the end HQ holds what was sent, once, with its bytes."""
    rig = make_rig(customers=300, seed=seed).bring_up()
    restorer = Restorer(rig, random.Random(seed))
    trade(rig, SECONDS, restorer.step)
    restorer.take()
    restorer.bring_back()
    until(lambda: rig.status()["sync"]["connected"], 30, "the store to be connected")
    # A store that HQ has not heard of its restore from is not drained, whatever it thinks.
    until(lambda: copies.hq_status(rig)["generation"] == rig.status()["sync"]["generation"], 90, "both to mean one generation")
    found = compare(rig)
    status = copies.hq_status(rig)
    assert status["forked"] == 0 and status["lost"] == [] and status["quarantined"] == 0
    say(f"restores of HQ (seed {seed}, {SECONDS} s): {len(restorer.copies)} copies taken, brought back: {restorer.restores}; "
        f"{len(status['generations'])} new generations; {found}")
