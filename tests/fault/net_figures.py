"""What is measured on a line in the hands of a test: by test_network.py and by the bench."""

import os
import subprocess
import threading
import time
from pathlib import Path

from rig import ROOT, until

PLAIN = ROOT / os.environ.get("LANEWAY_BUILD", "build")  # figures are taken without sanitizers


def scan_to_screen(rig, cards, count):
    """Milliseconds from the write into the pseudo-terminal to the bytes on the lane's stream; sorted."""
    argv = [*rig.prefix("sim"), str(PLAIN / "laneway-bench"), "screen", f"link={rig.sim_dir}/scanner-1", f"port={rig.http_port}",
            "lane=1", f"cards={cards}", f"count={count}"]
    p = subprocess.Popen(argv, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    until(lambda: rig.status()["sources"][0]["up"], 40, "the scanner")
    out, _ = p.communicate("\n")
    until(lambda: not rig.status()["sources"][0]["up"], 20, "the unplugging")
    got = sorted(int(x) / 1000 for x in out.split() if int(x) >= 0)
    assert len(got) > count * 0.9
    return got


def make_backlog(rig, events, settle):
    """A short day is recorded; then the journal is one that holds it again and again, of which HQ has nothing. How many events
    HQ holds before."""
    rig.bring_up()
    rig.start_sim(8, 40.0)
    settle(rig)
    assert rig.stop("daemon") == 0
    with rig.hq() as db:
        lines = [bytes(r[0]) for r in db.execute("SELECT line FROM event ORDER BY id")]
    recorded = rig.work / "recorded.jsonl"
    recorded.write_bytes(b"".join(l + b"\n" for l in lines))
    for f in (rig.work / "store").glob("journal*"):
        f.unlink()
    subprocess.run([PLAIN / "tests" / "fault" / "net_backlog", recorded, rig.work / "device", rig.work / "store", rig.store,
                    str(events), "1", str(rig.customers)], check=True)
    return len(lines)


def process_figures(pid):
    """RssAnon in KiB and the CPU seconds used."""
    text = Path(f"/proc/{pid}/status").read_text()
    rss = next((int(l.split()[1]) for l in text.splitlines() if l.startswith("RssAnon:")), 0)
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return rss, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

NEW_EVENTS = 4  # of a basket that is opened and voided: about as many are not the backlog's


class Drain:
    """A store with a long backlog, while it drains and sells on. Watches from the moment it is made (HQ holds `before` events,
    the journal `waiting` more); run() sells."""

    def __init__(self, rig, before, waiting):
        self.rig, self.before, self.waiting = rig, before, waiting
        self.late, self.memory, self.hq_memory, self.baskets, self.window = [], 0, 0, 0, 1 << 20
        self.seen, self.cpu, self.over = [], [], threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        while not self.over.wait(0.05):
            if not self.rig.alive("daemon"):
                continue
            figures = {n: process_figures(self.rig.processes[n].pid) for n in ("daemon", "broker", "hq")}
            self.memory = max(self.memory, figures["daemon"][0])
            self.hq_memory = max(self.hq_memory, figures["hq"][0])
            self.cpu.append([f[1] for f in figures.values()])
            with self.rig.hq() as db:
                held = db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0] - self.before
            self.seen.append((time.monotonic(), held - NEW_EVENTS * self.baskets))

    def new_event(self):
        """A basket that is opened now; s until HQ holds it."""
        self.baskets += 1
        basket = f"NEW{self.baskets:06d}"
        kept = self.till.kept("basket_opened", basket=basket)
        begun = time.monotonic()

        def there():
            with self.rig.hq() as db:
                return db.execute("SELECT 1 FROM event e JOIN epoch p ON p.id = e.epoch WHERE p.epoch = ? AND e.seq = ?",
                                  (bytes.fromhex(kept["epoch"]), kept["seq"])).fetchone()
        until(there, 60, "a new event at HQ")
        took = time.monotonic() - begun
        self.till.kept("basket_voided", basket=basket)
        return took

    def held_now(self):
        return self.seen[-1][1] if self.seen else 0

    def crossed(self, level):
        """When HQ held this many: which look, and the moment on a straight line between it and the one before."""
        for i, ((t0, h0), (t1, h1)) in enumerate(zip(self.seen, self.seen[1:])):
            if h1 >= level:
                return i + 1, t0 + (t1 - t0) * max(0, level - h0) / max(1, h1 - h0)
        return len(self.seen) - 1, self.seen[-1][0]

    def run(self, till, seconds=1800):
        """From the CONNACK on, until HQ holds all that waited."""
        self.till, start = till, time.monotonic()
        self.first = self.new_event()
        self.behind = self.waiting - self.held_now()
        self.late.append(self.first)
        while self.held_now() < self.waiting - NEW_EVENTS:
            self.window = min(self.window, self.rig.status()["sync"]["credit"])
            self.late.append(self.new_event())
            assert time.monotonic() - start < seconds
        until(self.rig.drained, 30, "the last events")
        self.over.set()
        self.watcher.join()
        self.late.sort()
        status = self.rig.status()
        self.again, self.kept = status["counters"]["laneway_batches_resent_total"], status["journal"]["events"]
        self.held = self.rig.hq_events() - self.before
        (i, begun), (j, ended) = self.crossed(0.05 * self.waiting), self.crossed(0.95 * self.waiting)
        self.jitter, self.took = begun - start, ended - begun
        self.rate = 0.9 * self.waiting / max(self.took, 0.05)
        self.cores = [(b - a) / max(self.seen[j][0] - self.seen[i - 1][0], 0.05) for a, b in zip(self.cpu[i - 1], self.cpu[j])]
        return self

    def __str__(self):
        return (f"a new event at HQ {self.first * 1000:.0f} ms later; backlog begun {max(self.jitter, 0):.1f} s after it, drained at "
                f"{self.rate:,.0f} events/s (cores: daemon {self.cores[0]:.1f}, broker {self.cores[1]:.1f}, HQ {self.cores[2]:.1f}); "
                f"{len(self.late)} new events meanwhile, the slowest {self.late[-1]:.2f} s; window {self.window // 1024} KiB at the least, "
                f"{self.again} batches sent again; RssAnon {self.memory / 1024:.1f} MiB, HQ's {self.hq_memory / 1024:.1f} MiB; HQ holds "
                f"{self.held:,} of {self.kept:,}")
