"""One start of the daemon, watched from outside; used by the test of starts and by the bench."""

import subprocess
import threading
import time
from pathlib import Path

from box import Tail
from rig import until
from store import Scanner, Till, lane

SHIM = Path(__file__).resolve().parent / "slowcard.c"


def slowcard(folder):
    """What a daemon on a slow card is started with."""
    out = Path(folder) / "slowcard.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-w", "-shared", "-fPIC", "-o", out, SHIM, "-ldl"], check=True)
    return {"LD_PRELOAD": str(out)}


class Start:
    """One start of the daemon: scans are shown from before it, a till knocks at once; when each was answered."""

    def __init__(self, rig, env, card, till_says, on="1"):
        self.rig, self.card, self.lane, self.times = rig, card, on, {}
        self.scanner = Scanner(rig, on)
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
                view = lane(self.rig, self.lane)
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
