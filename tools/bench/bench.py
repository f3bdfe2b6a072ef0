"""make bench: speeds as ratios, side by side with the physical limit in the same run.

Every figure is the median of interleaved runs with its spread (minimum to maximum). Machines are noisy: quote the ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from line import line  # noqa: E402
from rig import Rig, until  # noqa: E402


def spread(values, form="{:.2f}"):
    return (form + " ({} to {})").format(statistics.median(values), form.format(min(values)), form.format(max(values)))


def table(title, head, rows):
    print(f"\n{title}\n")
    widths = [max(len(str(r[i])) for r in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * w for w in widths], *rows]:
        print("  " + "  ".join(str(c).ljust(w) for c, w in zip(row, widths)).rstrip())
    sys.stdout.flush()


class Bench:
    def __init__(self, work, build, runs):
        self.work, self.runs = Path(work), runs
        self.exe = str(Path(build).resolve() / "laneway-bench")

    def call(self, name, **options):
        out = subprocess.run([self.exe, name, *(f"{k}={v}" for k, v in options.items())], text=True, capture_output=True)
        if out.returncode:
            raise RuntimeError(f"{name}: {out.stderr}")
        return json.loads(out.stdout)

    # --- what the events look like: a short day of the simulator ---

    def record(self):
        rig = Rig(self.work / "record", customers=500)
        rig.setup()
        try:
            rig.start_broker()
            rig.start_hq()
            rig.import_customers()
            rig.start_daemon()
            until(lambda: rig.status()["sync"]["profiles"] >= 500, 30, "the shard")
            rig.start_sim(8, 60.0)
            rig.processes["sim"].wait(60)
            until(rig.drained, 60, "the drain")
        finally:
            rig.stop_all()
        self.lines = self.work / "lines.jsonl"
        with rig.hq() as db:
            rows = db.execute("SELECT line FROM event ORDER BY id").fetchall()
        self.lines.write_bytes(b"".join(bytes(r[0]) + b"\n" for r in rows))
        self.keys = rig.work / "device"
        return len(rows), sum(len(r[0]) for r in rows) // len(rows)

    # --- durable events ---

    def durable_once(self, flight, events, delay):
        with tempfile.TemporaryDirectory(dir=self.work) as d:
            ours = self.call("journal", lines=self.lines, keys=self.keys, dir=d, events=events, flight=flight,
                             delay=delay)
            import sqlite3
            db = sqlite3.connect(f"{d}/journal.db")
            counts = [c for (c,) in db.execute("SELECT count FROM pack ORDER BY id")]
            db.close()
            size = os.path.getsize(f"{d}/journal.db")
            (Path(d) / "batches").write_text("\n".join(map(str, counts)))
            raw = self.call("raw", lines=self.lines, dir=d, batches=f"{d}/batches", delay=delay)
        return ours["events"] / ours["seconds"], raw["events"] / raw["seconds"], len(counts), size / ours["events"]

    def durable(self):
        rows = []
        for card, flight, events, delay in (("this disk", 1, 1500, 0), ("this disk", 100, 60000, 0),
                                            ("this disk", 1000, 200000, 0), ("6 ms card", 1, 100, 6000),
                                            ("6 ms card", 100, 5000, 6000)):
            got = [self.durable_once(flight, events, delay) for _ in range(self.runs)]
            rows.append([card, flight, spread([o for o, _, _, _ in got], "{:,.0f}"), spread([r for _, r, _, _ in got], "{:,.0f}"),
                         spread([o / r for o, r, _, _ in got]),
                         f"{statistics.median(events / p for _, _, p, _ in got):.1f}",
                         f"{statistics.median(b for _, _, _, b in got):,.0f}"])
        table("Durable events/s, sealed and chained, against a raw preallocated append + fdatasync of the same lines in the "
              "same batches; a 6 ms card is this disk with 6 ms added to every fdatasync", ["disk", "in flight", "journal", "raw append", "ratio", "events/commit", "file bytes/event"], rows)

    # --- scan to screen ---

    def screen(self, customers):
        rig = Rig(self.work / "screen", customers=customers, lanes=("1", "2"))
        rig.setup()
        cards = self.work / "cards"
        people = (rig.work / "customers.csv").read_text().splitlines()[1:]
        cards.write_text("".join(l.split(",")[3] + "\n" for l in people[:: max(1, customers // 5000)]))
        token = (rig.work / "pos.token").read_text().strip()
        p50, p99, worst, lost = [], [], [], 0
        try:
            rig.start_broker()
            rig.start_hq()
            rig.import_customers()
            rig.start_daemon()
            until(lambda: rig.status()["sync"]["profiles"] >= customers, 180, f"{customers} profiles in the shard")
            idle, rss_idle = self.idle(rig)
            for _ in range(self.runs):
                us, n = self.screen_once(rig, cards, token)
                lost += n - len(us)
                us.sort()
                p50.append(us[len(us) // 2] / 1000)
                p99.append(us[int(len(us) * 0.99)] / 1000)
                worst.append(us[-1] / 1000)
            rss = self.rss(rig)
        finally:
            rig.stop_all()
        table(f"Scan (write into the pseudo-terminal) to screen (read from the lane's stream by another process), "
              f"{customers:,} profiles, 200 events/s beside it; ms",
              ["p50", "p99", "worst", "scans that showed nothing"], [[spread(p50), spread(p99), spread(worst), lost]])
        table("The daemon at rest and at work", ["what", "figure"],
              [["RssAnon with the shard filled, at rest", f"{rss_idle / 1024:.1f} MiB"],
               ["RssAnon after the runs above", f"{rss / 1024:.1f} MiB"], ["CPU at rest, % of a core", f"{idle:.2f}"]])

    def screen_once(self, rig, cards, token, count=200):
        load = subprocess.Popen([self.exe, "load", f"port={rig.pos_port}", f"token={token}", "lane=2", "rate=200",
                                 f"seconds={count // 10}"])
        scan = subprocess.Popen([self.exe, "screen", f"link={rig.sim_dir}/scanner-1", f"port={rig.http_port}", "lane=1",
                                 f"cards={cards}", f"count={count}"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        scan.stdout.readline()
        until(lambda: next(s["up"] for s in rig.status()["sources"] if s["name"] == "scan-1"), 20, "the scanner")
        out, _ = scan.communicate("\n")
        load.kill()
        load.wait()
        us = [int(x) for x in out.split()]
        until(lambda: not next(s["up"] for s in rig.status()["sources"] if s["name"] == "scan-1"), 20, "the unplugging")
        return [x for x in us if x >= 0], len(us)

    @staticmethod
    def rss(rig):
        for line in Path(f"/proc/{rig.processes['daemon'].pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        return 0

    def idle(self, rig, seconds=20):
        def ticks():
            f = Path(f"/proc/{rig.processes['daemon'].pid}/stat").read_text().rsplit(")", 1)[1].split()
            return int(f[11]) + int(f[12])
        until(rig.drained, 60, "the drain")
        time.sleep(3)
        before = ticks()
        time.sleep(seconds)
        return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds * 100, self.rss(rig)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--runs", type=int, default=9)
    p.add_argument("--customers", type=int, default=100000)
    p.add_argument("--only", choices=("durable", "screen", "line"))
    p.add_argument("--backlog", type=int, default=300000, help="events of the backlog that drains")
    args = p.parse_args()
    build = os.environ.get("LANEWAY_BUILD", "build")
    with tempfile.TemporaryDirectory(prefix="laneway-bench-", dir=os.environ.get("LANEWAY_BENCH_DIR")) as work:
        b = Bench(work, build, args.runs)
        if args.only in (None, "durable"):
            n, size = b.record()
            print(f"events: {n} of a simulated day, {size} bytes each; {args.runs} interleaved runs; median (min to max)")
            b.durable()
        if args.only in (None, "screen"):
            b.screen(args.customers)
        if args.only in (None, "line"):
            line(Path(work), args.runs, args.backlog, table, spread)
    return 0


if __name__ == "__main__":
    sys.exit(main())
