"""Days that pass: missed ones, those in which HQ was dark, and the one on which the clocks change, with the real daemon and HQ on
a machine whose clock the test turns."""

import datetime
import json

import pytest
from machine import Machine, build_shim
from rig import until
from store import Till

pytestmark = pytest.mark.takes(15)
DAY_S = 86400


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return build_shim(tmp_path_factory.mktemp("shim"))


class World:
    """A store and HQ that share one clock: what the kernel says is what HQ signs."""

    def __init__(self, rig, shim):
        self.rig, self.machine, self.receipts = rig, Machine(rig, shim), 0
        self.env = {"LD_PRELOAD": str(shim), "MACHINE_FILE": str(self.machine.path), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.machine.synced(True)
        self.machine.boot()

    def start_hq(self):
        self.rig.start("hq", [self.rig.build / "laneway-hq", "run", "-c", self.rig.work / "hq.conf"], self.env)
        until(lambda: self.rig._connects(self.rig.work / "hq.sock"), 20, "HQ")

    def sell(self):
        self.receipts += 1
        till = Till(self.rig, session=f"s{self.receipts}")
        till.sale(f"B{self.receipts}", f"{self.receipts:04}")
        till.close()

    def today(self):
        """The business date that is open."""
        return until(lambda: self.rig.statements()["open_since"], 10, "a day to be open")

    def closed(self):
        """The statements, oldest first, as (first, last, state)."""
        return [(s["first_date"], s["business_date"], s["state"]) for s in reversed(self.rig.statements()["statements"])]

    def wait_closed(self, expected, seconds=20):
        try:
            until(lambda: self.closed() == expected, seconds, "the days")
        except TimeoutError as e:
            raise AssertionError(self.closed()) from e

    def problems(self):
        said = self.rig.tool("laneway", "--socket", self.rig.work / "api.sock", "status", check=False)
        return [line for line in said.stdout.splitlines() if line.startswith("PROBLEM") and "scanner" not in line]


    def begin(self):
        self.rig.start_broker()
        self.start_hq()
        self.rig.import_customers()
        self.machine.start()
        until(lambda: self.rig.status()["sync"]["profiles"] == 5, 20, "the shard")
        return self


@pytest.fixture
def world(make_rig, shim):
    return World(make_rig(customers=5), shim).begin()


def day(date, n):
    return str(datetime.date.fromisoformat(date) + datetime.timedelta(days=n))


def test_01_days_on_which_the_box_was_off_are_one_statement_that_says_so(world):
    """Goal: off over three cuts, the store closes what it has as the days it spans; HQ countersigns and proves each of them."""
    rig = world.rig
    first = world.today()
    world.sell()
    until(rig.drained, 20, "the sale at HQ")
    rig.stop("daemon")
    rig.stop("hq")
    world.machine.passes(3 * DAY_S)
    world.machine.boot()
    world.start_hq()
    world.machine.start()
    world.wait_closed([(first, day(first, 2), "countersigned")])
    world.sell()
    assert world.today() == day(first, 3)
    world.machine.passes(DAY_S)
    world.wait_closed([(first, day(first, 2), "countersigned"), (day(first, 3), day(first, 3), "countersigned")])
    assert world.problems() == []
    for n in range(4):
        proof = rig.prove(day(first, n), "--json")
        said = json.loads(proof.stdout)
        assert proof.returncode == 0 and said["proven"], said
        assert [s["first_date"] for s in said["statements"]] == [first if n < 3 else day(first, 3)]
    shown = rig.tool("laneway-hq", "statements", "-c", rig.work / "hq.conf").stdout
    assert f"{first} to {day(first, 2)}" in shown


def test_02_days_on_which_hq_was_dark_are_closed_each_and_said_to_wait(world):
    """Goal: three cuts without HQ are three statements; the status says in one line what waits; then HQ has its word on all."""
    rig = world.rig
    first = world.today()
    rig.stop("hq")
    for n in range(3):
        world.sell()
        world.machine.passes(DAY_S)
        world.wait_closed([(day(first, k), day(first, k), "waiting") for k in range(n + 1)])
    assert any(f"3 days are not countersigned, the oldest is {first}: HQ has not answered on it" in p for p in world.problems())
    assert rig.status()["days"] == {"blocked": None, "open_since": day(first, 3), "not_countersigned": 3, "oldest": first,
                                    "state": "waiting", "missing": 0}
    world.start_hq()
    world.wait_closed([(day(first, k), day(first, k), "countersigned") for k in range(3)], 60)
    until(lambda: world.problems() == [], 10, "nothing to be wrong any more")
    assert all(rig.prove(day(first, k)).returncode == 0 for k in range(3))


# When the test begins in UTC, then hours that pass and the days that are closed after them: at the cut, 02:30, which does not come in
# the one night and comes twice in the other.
NIGHTS = {
    "an hour that is missing": ("2027-03-27T23:00", [(1.75, 0), (1, 1), (23, 2)]),
    "an hour that comes twice": ("2027-10-30T22:00", [(2.25, 0), (0.5, 1), (1, 1), (23, 1), (1, 2)]),
}


@pytest.mark.parametrize("night", NIGHTS)
def test_03_the_cut_comes_once_in_a_night_with(make_rig, shim, night):
    """Goal: where the clocks change at the cut each day is closed once, and proven."""
    start, steps = NIGHTS[night]
    start = datetime.datetime.fromisoformat(start + "+00:00")
    rig = make_rig(customers=5)
    rig.timezone, rig.day_cut = "Europe/Berlin", "02:30"
    rig.write_store_conf()
    world = World(rig, shim)
    world.machine.shows(start.timestamp())
    world.begin()
    first = world.today()
    assert first == start.date().isoformat()
    for hours, days in steps:
        world.sell()
        world.machine.passes(hours * 3600)
        if days == len(world.closed()):
            until(lambda at=rig.status()["uptime_s"]: rig.status()["uptime_s"] > at + 1, 10, "the clock to have been looked at")
        world.wait_closed([(day(first, k), day(first, k), "countersigned") for k in range(days)])
    assert all(rig.prove(day(first, k)).returncode == 0 for k in range(2))
