"""Rows about the shard: who is this, first fill, delta."""

import os
import tempfile
import threading
import time
from pathlib import Path

from row_journal import Redis
from row_screen import screen_once
from table import Figures, rss_anon_kib

from rig import Rig, until  # noqa: E402

PROFILES = 1_000_000
FILLS_MAX = 3


def fill_once(b, folder, wire=True):
    boxed = {"bare": next((b.keys.parent / "keys").rglob("device-box.pub"))} if wire else {}
    return b.tool("shard-fill", keys=b.keys, dir=folder, count=PROFILES, **boxed)


def print_fill(b, fills):
    f = [(g["fill"], g["delta"]) for g in fills]
    b.report.table(
        "shard-fill", f"First fill of a shard with {PROFILES:,} profiles, then a delta of one in a hundred: pages of 500 lines, as HQ sends them, through the sync thread's "
        "calls; generating them is not counted", ["what", "first fill", "delta", "aim"],
        [["pages applied and committed, s", (Figures(a["seconds"] for a, _ in f), "{:.1f}"), (Figures(d["seconds"] for _, d in f), "{:.2f}"), "10; 0.2"],
         ["processor time of that, s", (Figures(a["cpu_seconds"] for a, _ in f), "{:.1f}"), (Figures(d["cpu_seconds"] for _, d in f), "{:.2f}"), ""],
         ["pages opened (box, zstd), s", (Figures(a["decode_seconds"] for a, _ in f), "{:.1f}"), (Figures(d["decode_seconds"] for _, d in f), "{:.3f}"), ""],
         ["the slowest page, ms", (Figures(a["slowest_us"] / 1000 for a, _ in f), "{:.0f}"), (Figures(d["slowest_us"] / 1000 for _, d in f), "{:.0f}"), ""],
         ["a profile's bytes: JSON", f"{f[0][0]['json']:.0f}", f"{f[0][1]['json']:.0f}", ""],
         ["on the wire, in its page", f"{f[0][0]['wire']:.0f}", f"{f[0][1]['wire']:.0f}", ""],
         ["in the file", (Figures(g["file"] / PROFILES for g in fills), "{:.0f}"), "", ""],
         ["anonymous memory meanwhile, above that of before, MiB", (Figures((a["memory_kib"] - g["before_kib"]) / 1024 for (a, _), g in zip(f, fills)), "{:.1f}"),
          (Figures((d["memory_kib"] - g["before_kib"]) / 1024 for (_, d), g in zip(f, fills)), "{:.1f}"), ""]])


def print_find(b, got):
    rounds = {}
    for one in got:
        rounds.setdefault(one["what"], []).append(one)
    kinds = {name: all_of[1:] for name, all_of in rounds.items()}   # the first round warms

    def against(name, limit, q):
        return (Figures(a[q] / l[q] for a, l in zip(kinds[name], kinds[limit])), "{:.2f}")
    rows = []
    for name, of in kinds.items():
        limit = {"shard": "limit", "shard, JSON": "limit, JSON", "Redis GET": "limit"}.get(name)
        rows.append([name, (Figures(x["p50"] / 1000 for x in of), "{:.2f}"), (Figures(x["p99"] / 1000 for x in of), "{:.2f}"),
                     *([against(name, limit, "p50"), against(name, limit, "p99")] if limit else ["", ""])])
    b.report.table(
        "shard-find", f"Who has this identifier, at {PROFILES:,} sealed profiles with three each, random ones, all warm; microseconds. The limit: a hash table in memory, HMAC and AES-256-GCM of "
        "the same bytes (of the head, which a lane needs; with the JSON: of both), with calls of the same library and a key for each profile. Redis: GET of the sealed head over a Unix socket, not opened",
        ["what", "p50", "p99", "p50 against the limit", "p99 against the limit"], rows)


def shard(b):
    fills, found = [], []
    for i in range(min(b.runs, FILLS_MAX)):
        b.report.say(f"shard: fill {i + 1}")
        with tempfile.TemporaryDirectory(dir=b.work) as d:
            fills.append(fill_once(b, d))
            fills[-1]["file"] = os.path.getsize(Path(d) / "shard.db")
            if i > 0:
                continue
            b.report.say("shard: lookups")
            server = Redis(tempfile.mkdtemp(dir=d), durable=False)
            try:
                found = b.tool("shard-find", keys=b.keys, dir=d, count=PROFILES, events=b.runs, link=server.socket)
            finally:
                server.close()
    print_find(b, found)
    print_fill(b, fills)
    screen_while_filling(b)


# --- the whole daemon: scans while its shard is filled over the wire ---

def watch_fill(rig, customers, out):
    """Until all profiles are there: how long that took, and the daemon's anonymous memory at its highest."""
    begun, memory = time.monotonic(), 0
    while True:
        memory = max(memory, rss_anon_kib(rig.processes["daemon"]))
        try:
            if rig.status()["sync"]["profiles"] >= customers:
                break
        except OSError:
            pass
        time.sleep(0.02)
    out.update(seconds=time.monotonic() - begun, memory_kib=memory)


def fill_with_scans(b, rig, cards, token, customers):
    rig.stop("daemon")
    for end in ("", "-wal", "-shm"):
        Path(f"{rig.work}/store/shard.db{end}").unlink(missing_ok=True)
    rig.start_daemon()
    filled = {}
    watch = threading.Thread(target=watch_fill, args=(rig, customers, filled))
    watch.start()
    us = []
    while watch.is_alive() or not us:
        us += screen_once(b, rig, cards, token, count=20)[0]
    watch.join()
    return sorted(us), filled


def screen_while_filling(b):
    customers = 3 * b.customers
    rig = Rig(b.work / "filling", customers=customers, lanes=("1", "2"))
    rig.setup()
    cards = b.work / "filling-cards"
    people = (rig.work / "customers.csv").read_text().splitlines()[1:]
    cards.write_text("".join(line.split(",")[3] + "\n" for line in people[:: max(1, customers // 5000)]))
    token = (rig.work / "pos.token").read_text().strip()
    runs, fills = [], []
    try:
        rig.start_broker()
        rig.start_hq()
        b.report.say(f"shard: HQ takes {customers:,} customers")
        rig.import_customers()
        rig.start_daemon()
        until(lambda: rig.status()["sync"]["profiles"] >= customers, 600, "the shard")
        rest = []
        for i in range(min(b.runs, FILLS_MAX)):
            b.report.say(f"shard: scans while it is filled, {i + 1}")
            rest.append(screen_once(b, rig, cards, token, count=60)[0])
            us, filled = fill_with_scans(b, rig, cards, token, customers)
            runs.append(us)
            fills.append(filled)
    finally:
        rig.stop_all()
    b.report.table(
        "shard-screen", f"Scan to screen while the shard of {customers:,} profiles is filled by HQ over the broker, and with it filled, in turn; 200 events/s beside it; ms",
        ["what", "p50", "p99", "fill, s", "anonymous memory of the daemon at its highest, MiB"],
        [["while it is filled", (Figures(u[len(u) // 2] / 1000 for u in runs), "{:.2f}"), (Figures(u[int(len(u) * 0.99)] / 1000 for u in runs), "{:.2f}"),
          (Figures(f["seconds"] for f in fills), "{:.1f}"), (Figures(f["memory_kib"] / 1024 for f in fills), "{:.1f}")],
         ["filled", (Figures(u[len(u) // 2] / 1000 for u in rest), "{:.2f}"), (Figures(u[int(len(u) * 0.99)] / 1000 for u in rest), "{:.2f}"), "", ""]])
