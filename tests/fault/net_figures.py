"""What is measured on a line in the hands of a test: by test_network.py and by the bench."""

import os
import subprocess
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


class Drain:
    """A store with a long backlog, while it drains and sells on."""

    def __init__(self, rig, till, before):
        self.rig, self.till, self.before = rig, till, before
        self.late, self.memory, self.hq_memory, self.baskets, self.seen, self.window = [], 0, 0, 0, [], 1 << 20

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

    def look(self):
        self.memory = max(self.memory, process_figures(self.rig.processes["daemon"].pid)[0])
        self.hq_memory = max(self.hq_memory, process_figures(self.rig.processes["hq"].pid)[0])
        with self.rig.hq() as db:
            held = db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0] - self.before
        self.seen.append((time.monotonic(), held))
        return held

    def crossed(self, level):
        """When HQ held this many; between two looks on a straight line."""
        for (t0, h0), (t1, h1) in zip(self.seen, self.seen[1:]):
            if h1 >= level:
                return t0 + (t1 - t0) * (level - h0) / max(1, h1 - h0)
        return self.seen[-1][0]

    def cpu(self):
        return [process_figures(self.rig.processes[n].pid)[1] for n in ("daemon", "broker", "hq")]

    def run(self, seconds=1800):
        """From the CONNACK on, until everything is confirmed."""
        start, waiting = time.monotonic(), self.rig.status()["journal"]["events"]
        self.first = self.new_event()
        self.behind = waiting - self.look()
        self.late.append(self.first)
        while self.look() < 1000 + 6 * self.baskets:  # until it is not only what is sold now
            self.late.append(self.new_event())
            time.sleep(0.05)
        begun, cpu = time.monotonic(), self.cpu()
        self.jitter = begun - start
        while self.look() < waiting:
            self.window = min(self.window, self.rig.status()["sync"]["credit"])
            self.late.append(self.new_event())
            assert time.monotonic() - begun < seconds
        took = self.took = time.monotonic() - begun
        until(self.rig.drained, 30, "the last events")
        self.late.sort()
        self.again = self.rig.status()["counters"]["laneway_batches_resent_total"]
        self.held, self.kept = self.look(), self.rig.status()["journal"]["events"]
        self.rate = 0.9 * self.held / (self.crossed(0.95 * self.held) - self.crossed(0.05 * self.held))
        self.cores = [(b - a) / took for a, b in zip(cpu, self.cpu())]
        return self

    def __str__(self):
        cores = f"(cores: daemon {self.cores[0]:.2f}, broker {self.cores[1]:.2f}, HQ {self.cores[2]:.2f})"
        speed = f"drained at {self.rate:,.0f} events/s {cores}" if self.took > 2 else f"gone within {self.took + 1:.0f} s"
        return (f"a new event at HQ {self.first * 1000:.0f} ms later; backlog begun after {self.jitter:.1f} s, {speed}; {len(self.late)} new events "
                f"meanwhile, the slowest {self.late[-1]:.2f} s; window {self.window // 1024} KiB at the least, {self.again} batches sent again; RssAnon {self.memory / 1024:.1f} MiB, HQ's {self.hq_memory / 1024:.1f} MiB; "
                f"HQ holds {self.held:,} of {self.kept:,}")
