"""Power back: how soon after the daemon's start a card is kept, a name is shown, a till is answered, with a journal of weeks."""

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from box import Tail
from rig import ROOT, until
from store import Scanner, Till, customers, lane

pytestmark = [pytest.mark.alone, pytest.mark.xdist_group("start")]
SCANS_S, NAMES_S = 5, 15  # promised
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def slowcard(tmp_path_factory):
    out = tmp_path_factory.mktemp("shim") / "slowcard.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-w", "-shared", "-fPIC", "-o", out, HERE / "slowcard.c", "-ldl"], check=True)
    return {"LD_PRELOAD": str(out)}


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


class Start:
    """One start of the daemon: scans are shown from before it, a till knocks at once; when each was answered."""

    def __init__(self, rig, env, card, till_says):
        self.rig, self.card, self.times = rig, card, {}
        self.scanner = Scanner(rig, "1")
        self.began = time.monotonic()
        rig.start("daemon", [rig.build / "lanewayd", "-c", rig.work / "store.conf"], env)
        self.stop = False
        threads = [threading.Thread(target=t, daemon=True) for t in (self.scan, self.watch, lambda: self.knock(till_says))]
        for t in threads:
            t.start()
        for t in threads:
            t.join(600)

    def now(self, name):
        self.times.setdefault(name, time.monotonic() - self.began)

    def scan(self):
        """Until the first is kept; a scanner that is not open yet loses what it reads."""
        tail = until(self.tail, 60, "the local socket")
        while not tail.find("Identifier Presented"):
            self.scanner.scan(self.card)
            time.sleep(0.05)
        self.now("scan")
        self.first = tail.find("Identifier Presented")[0]
        self.tail_ = tail

    def tail(self):
        try:
            return Tail(self.rig)
        except OSError:
            return None

    def watch(self):
        while "name" not in self.times and time.monotonic() - self.began < 120:
            try:
                view = lane(self.rig)
                if view["state"] == "starting":
                    self.now("starting")
                    assert view["prompt"] == "Cards are kept, names in a moment"
                if view["person"]["state"] == "known":
                    self.now("name")
                    self.view = view
            except OSError:
                pass
            time.sleep(0.02)

    def knock(self, says):
        till = until(self.till, 60, "the till's connection")
        self.welcome = next(a for a in till.answers if a["type"] == "welcome")
        self.now("welcome")
        self.answer = till.kept(*says[0], **says[1])
        self.now("till")
        till.close()

    def till(self):
        try:
            till = Till(self.rig, hello=False, session=f"s{self.began}")
            till.sock.settimeout(300)
            till.raw({"type": "hello", "protocol": 1, "till": "T1", "lane": "1",
                      "token": (self.rig.work / "pos.token").read_text().strip()})
            till.wait("welcome")
            till.made(0)
            return till
        except ConnectionError:
            return None


@pytest.mark.parametrize("card_is", ["fast", "slow"])
def test_power_back_with_a_journal_of_weeks(filled, slowcard, say, card_is):
    """Goal: scans within 5 s, names within 15 s, whatever the journal's size; the open basket goes on, its scan is tied to it."""
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
    start = Start(rig, slowcard if card_is == "slow" else {}, card["loyalty"],
                  (("line_added",), {**till.line(basket, 2)}))
    times = start.times
    say(f"start of {rig.status()['journal']['events']} events, {card_is} card: "
        + ", ".join(f"{k} {times[k]:.2f} s" for k in ("starting", "scan", "name", "welcome", "till") if k in times))
    assert times["scan"] <= SCANS_S
    assert times["name"] <= NAMES_S
    assert start.welcome["baskets"] == [basket]
    assert start.view["restored"] and start.view["restored_cause"] == "crash"
    attached = until(lambda: start.tail_.find("Customer Attached"), 10, "the customer's basket")
    assert attached[0]["context"]["laneway"]["lane"] == "1"
    assert start.view["basket"]["lines"][0]["line_id"] == "1"
    again = Till(rig, session=f"after-{card_is}")
    again.kept("basket_voided", basket=basket)
    again.close()
