"""Power back: how soon after the daemon's start a card is kept, a name is shown, a till is answered, with a journal of weeks."""

import os
import subprocess

import pytest
from power import Start, slowcard
from rig import ROOT, until
from store import Till, customers

pytestmark = [pytest.mark.alone, pytest.mark.xdist_group("start")]
SCANS_S, NAMES_S, TILLS_S = 5, 15, 15  # promised


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    return slowcard(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def filled(make_rig_of_module, long):
    """A store that has traded for weeks, and whose shard came from HQ."""
    rig = make_rig_of_module(customers=100_000 if long else 2000)
    rig.build = ROOT / os.environ.get("LANEWAY_BUILD", "build")  # without sanitizers: times are measured
    subprocess.run([rig.build / "tests" / "fault" / "start_fill", rig.work / "device", rig.work / "store", rig.store, str(2_000_000 if long else 40_000), "1"],
                   check=True, stdout=subprocess.DEVNULL)
    rig.start_broker()
    rig.start_hq()
    rig.import_customers()
    rig.start_daemon()
    until(lambda: rig.status()["sync"]["profiles"] == rig.customers, 300, "the profiles")
    rig.stop("hq")
    rig.stop("broker")
    return rig


def card_of(rig, n):
    return customers(rig)[n]


@pytest.mark.parametrize("card_is", ["fast", "slow"])
def test_power_back_with_a_journal_of_weeks(filled, slow, say, card_is):
    """Goal: scans within 5 s, names and tills within 15 s, whatever the journal's size; the open basket goes on, its scan is tied to it."""
    rig = filled
    if not rig.alive("daemon"):
        rig.start_daemon()
    until(lambda: rig.status()["start"] == "ready", 300, "the start")
    till = Till(rig, session=f"before-{card_is}")
    basket = f"B-{card_is}"
    till.kept("basket_opened", basket=basket)
    till.kept("line_added", **till.line(basket))
    till.close()
    rig.kill("daemon")

    card = card_of(rig, 7)
    start = Start(rig, slow if card_is == "slow" else {}, card["loyalty"],
                  (("line_added",), {**till.line(basket, 2)}))
    times = start.times
    say(f"start of {rig.status()['journal']['events']} events, {card_is} card: "
        + ", ".join(f"{k} {times[k]:.2f} s" for k in ("starting", "scan", "name", "welcome", "till") if k in times))
    assert times["scan"] <= SCANS_S
    assert times["name"] <= NAMES_S
    assert times["till"] <= TILLS_S
    assert start.welcome["baskets"] == [basket]
    assert start.view["restored"] and start.view["restored_cause"] == "crash"
    attached = until(lambda: start.tail_.find("Customer Attached"), 10, "the customer's basket")
    assert attached[0]["context"]["laneway"]["lane"] == "1"
    assert start.view["basket"]["lines"][0]["line_id"] == "1"
    again = Till(rig, session=f"after-{card_is}")
    again.kept("basket_voided", basket=basket)
    again.close()
