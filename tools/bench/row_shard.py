"""Rows about the shard: who is this, first fill, delta."""

import os
import tempfile
from pathlib import Path

from row_journal import Redis
from table import Figures

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
