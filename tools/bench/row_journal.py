"""Rows about the journal alone: durable events a second, commits at a rate, starts."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import Figures, rss_anon_kib

from rig import Rig, until  # noqa: E402
from store import customers  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/fault"))
from power import Start, slowcard  # noqa: E402

REDIS_CONNECTIONS = {1: (1,), 100: (1, 10), 1000: (1, 10, 100)}
STORED = 2_000_000  # events of a start
FREE_LANES = [str(n) for n in range(10, 28)]  # where the recorded day left no basket; one for each start


class Redis:
    """A server of its own, synced on every write, or one that keeps everything in memory."""

    def __init__(self, folder, durable=True):
        self.socket = Path(folder) / "redis.sock"
        self.log = open(Path(folder) / "redis.log", "wb")
        self.process = subprocess.Popen(
            [shutil.which("redis-server"), "--port", "0", "--unixsocket", str(self.socket), "--dir", str(folder), "--save", "",
             "--appendonly", "yes" if durable else "no", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"],
            stdout=self.log, stderr=subprocess.STDOUT)
        until(self.socket.exists, 10, "Redis")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def packs(folder):
    db = sqlite3.connect(f"{folder}/journal.db")
    counts = [c for (c,) in db.execute("SELECT count FROM pack ORDER BY id")]
    db.close()
    return counts


def durable_once(b, flight, events, delay):
    """Events a second: the journal, the bare append in its batches, Redis; and events of a commit, bytes of the file."""
    with tempfile.TemporaryDirectory(dir=b.work) as d:
        ours = b.tool("journal", lines=b.lines, keys=b.keys, dir=d, events=events, flight=flight, delay=delay)
        counts = packs(d)
        size = os.path.getsize(f"{d}/journal.db")
        (Path(d) / "batches").write_text("\n".join(map(str, counts)))
        raw = b.tool("raw", lines=b.lines, dir=d, batches=f"{d}/batches", delay=delay)
        redis = []
        for connections in REDIS_CONNECTIONS[flight] if not delay else ():
            server = Redis(tempfile.mkdtemp(dir=d))
            try:
                got = b.tool("redis", lines=b.lines, link=server.socket, events=min(events, 40000), flight=flight, count=connections)
            finally:
                server.close()
            redis.append(got["events"] / got["seconds"])
    return {"ours": ours["events"] / ours["seconds"], "raw": raw["events"] / raw["seconds"], "redis": redis,
            "commit": ours["events"] / max(1, ours["packs"]), "file": size / ours["events"]}


def durable(b):
    rows = []
    for disk, flight, events, delay in (("this disk", 1, 6000, 0), ("this disk", 100, 200000, 0), ("this disk", 1000, 300000, 0),
                                        ("6 ms card", 1, 100, 6000), ("6 ms card", 100, 5000, 6000)):
        b.report.say(f"durable: {disk}, {flight} in flight")
        got = [durable_once(b, flight, events, delay) for _ in range(b.runs)]
        rows.append([disk, flight, (Figures(g["ours"] for g in got), "{:,.0f}"), (Figures(g["raw"] for g in got), "{:,.0f}"),
                     (Figures(g["ours"] / g["raw"] for g in got), "{:.2f}"),
                     "-" if delay else (Figures(g["ours"] / g["redis"][0] for g in got), "{:.2f}"),
                     "-" if delay else (Figures(g["ours"] / max(g["redis"]) for g in got), "{:.2f}"),
                     f"{Figures(g['commit'] for g in got).median:.1f}", f"{Figures(g['file'] for g in got).median:,.0f}"])
    b.report.table("durable", "Durable events/s, sealed and chained, against a raw preallocated append + fdatasync of the same lines in the "
                   "same batches, and against a Redis stream with appendfsync always (XADD of the lines, as many in flight: pipelined "
                   "over one connection, and over the number of them that suits Redis best); a 6 ms card is this disk with 6 ms added to every fdatasync",
                   ["disk", "in flight", "journal", "raw append", "to raw", "to Redis, one", "to Redis, best", "events/commit", "file bytes/event"], rows)


def paced(b, rate, events):
    with tempfile.TemporaryDirectory(dir=b.work) as d:
        return b.tool("journal", lines=b.lines, keys=b.keys, dir=d, events=events, rate=rate)


def one_by_one(b, events, delay):
    """One event a commit, as fast as it goes: long enough for checkpoints; what a raw append makes the disk write."""
    with tempfile.TemporaryDirectory(dir=b.work) as d:
        ours = b.tool("journal", lines=b.lines, keys=b.keys, dir=d, events=events, flight=1, delay=delay)
        (Path(d) / "batches").write_text("1\n" * events)
        raw = b.tool("raw", lines=b.lines, dir=d, batches=f"{d}/batches", delay=delay)
    return {**ours, "raw_us": raw["seconds"] / events * 1e6, "raw_written": raw["written"]}


def commit(b):
    rows = []
    for what, run in (("2 events/s", lambda: paced(b, 2, 6)), ("10 events/s", lambda: paced(b, 10, 20)),
                      ("1,000 events/s", lambda: paced(b, 1000, 2000)), ("one after the other", lambda: one_by_one(b, 6000, 0)),
                      ("one after the other, 6 ms card", lambda: one_by_one(b, 200, 6000))):
        b.report.say(f"commit: {what}")
        got = [run() for _ in range(b.runs)]
        raw = [g["raw_written"] / g["events"] for g in got if "raw_written" in g]
        rows.append([what, (Figures(g["p50_us"] for g in got), "{:,.0f}"), (Figures(g["p99_us"] / g["p50_us"] for g in got), "{:.1f}") if got[0]["events"] >= 100 else "-",
                     (Figures(g["max_us"] / 1000 for g in got), "{:.1f}"),
                     (Figures(g["written"] / g["events"] for g in got), "{:,.0f}"), f"{Figures(raw).median:,.0f}" if raw else "-",
                     f"{Figures(g['events'] / max(1, g['packs']) for g in got).median:.1f}"])
    b.report.table("commit", "From putting an event to hearing that it is kept, checkpoints included where there are any (one after the other); "
                   "bytes that the process made the disk write (/proc/self/io), and a raw append with one event a write; at 2 and 10 events/s "
                   "no checkpoint falls into so few events: with them it is what one after the other shows, which has one event to a commit, too",
                   ["events come", "p50, us", "p99 / p50", "worst, ms", "bytes written/event", "raw append's", "events/commit"], rows)


def start(b):
    rig = Rig(b.work / "start", customers=2000, lanes=("1", *FREE_LANES))
    rig.setup()
    slow, times, memory = slowcard(b.work), {"fast": [], "slow": []}, {"fast": [], "slow": []}
    try:
        rig.bring_up()
        card = customers(rig)[7]["loyalty"]
        rig.stop("daemon")
        for name in ("hq", "broker"):
            rig.stop(name)
        b.report.say(f"start: {STORED:,} events")
        subprocess.run([rig.build / "tests/fault/start_fill", rig.work / "device", rig.work / "store", rig.store, str(STORED), "8"],
                       check=True, stdout=subprocess.DEVNULL)
        opened = [b.tool("open", lines=b.lines, keys=rig.work / "device", dir=rig.work / "store", store=rig.store) for _ in range(b.runs)]
        for i, lane in enumerate(FREE_LANES[:2 * b.runs]):
            disk = ("fast", "slow")[i % 2]
            started = Start(rig, slow if disk == "slow" else {}, card, (("till_opened",), {}), lane)
            times[disk].append(started.times)
            memory[disk].append(rss_anon_kib(rig.processes["daemon"]) / 1024)
            started.scanner.unplug()
            rig.kill("daemon")
        mib = os.path.getsize(rig.work / "store" / "journal.db") / 2**20
    finally:
        rig.stop_all()
    b.report.table("start", f"Start with {STORED:,} events in the journal ({mib:,.0f} MiB, eight tills), no network; the daemon was killed before each; a slow card: "
                   "500 us for a seek, 20 MB/s, no cache, 6 ms for a sync", ["what", "this disk, ms", "slow card, ms"],
                   [["journal: open", (Figures(o["open_us"] / 1000 for o in opened), "{:.1f}"), "-"],
                    ["journal: open and the first commit", (Figures(o["first_us"] / 1000 for o in opened), "{:.1f}"), "-"],
                    *([f"daemon: from its start until {what}", *((Figures(t[key] * 1000 for t in times[disk]), "{:,.0f}") for disk in times)]
                      for key, what in (("scan", "a scan is kept"), ("name", "a name is shown"), ("welcome", "a till is greeted"), ("till", "a till is answered"))),
                    ["anonymous memory then, MiB", *((Figures(m), "{:.0f}") for m in memory.values())]])
