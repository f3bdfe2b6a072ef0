"""make bench: speeds as ratios, side by side with peers and the physical limit in the same run.

Every figure is the median of interleaved runs with its spread (minimum to maximum). Machines are noisy: quote the ratios.

    make bench                        everything, about seventeen minutes
    make bench ONLY=durable,bytes     these rows; duplicates, so named, with 1,000,000 customers, else with a fifth of them
    make bench JSON=FILE              the figures as JSON, too
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from table import Report, Tool

import row_hints  # noqa: E402
import row_journal  # noqa: E402
import row_line  # noqa: E402
import row_month  # noqa: E402
import row_screen  # noqa: E402
import row_shard  # noqa: E402
import row_sync  # noqa: E402
from rig import Rig, until  # noqa: E402

ROWS = {"durable": row_journal.durable, "commit": row_journal.commit, "bytes": row_sync.on_the_wire, "start": row_journal.start,
        "kills": row_sync.bridge, "line": row_line.line, "month": row_month.month, "screen": row_screen.screen,
        "shard": row_shard.shard, "quality": row_hints.quality, "duplicates": row_hints.duplicates}


class Bench:
    """What a row gets: a folder, the tool, lines of a simulated day and the keys of its store."""

    def __init__(self, work, build, args, report):
        self.work, self.tool, self.report = Path(work), Tool(build), report
        self.runs, self.customers, self.named = args.runs, args.customers, bool(args.only)
        self.lines, self.keys = self.work / "lines.jsonl", None

    def record(self):
        """A short day of the simulator: what the events look like."""
        self.report.say("recording a simulated day")
        rig = Rig(self.work / "record", customers=500)
        rig.setup()
        try:
            rig.bring_up()
            rig.start_sim(25, 40.0)
            rig.processes["sim"].wait(90)
            until(rig.drained, 60, "the drain")
        finally:
            rig.stop_all()
        with rig.hq() as db:
            rows = db.execute("SELECT line FROM event ORDER BY seq").fetchall()
        self.lines.write_bytes(b"".join(bytes(r[0]) + b"\n" for r in rows))
        self.keys = rig.work / "device"
        return len(rows), sum(len(r[0]) for r in rows) // len(rows)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--runs", type=int, default=9)
    p.add_argument("--customers", type=int, default=100000)
    p.add_argument("--only", default="", help="rows, joined by commas: " + ", ".join(ROWS))
    p.add_argument("--json", metavar="FILE", help="write the figures there, too")
    args = p.parse_args()
    only = [r for r in args.only.split(",") if r] or list(ROWS)
    unknown = [r for r in only if r not in ROWS]
    if unknown:
        p.error(f"{', '.join(unknown)}: there are {', '.join(ROWS)}")
    report, begun = Report(sys.stdout), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="laneway-bench-", dir=os.environ.get("LANEWAY_BENCH_DIR")) as work:
        b = Bench(work, os.environ.get("LANEWAY_BUILD", "build"), args, report)
        n, size = b.record()
        print(f"events: {n} of a simulated day, {size} bytes each; {args.runs} interleaved runs; median (min to max)", flush=True)
        for row in only:
            ROWS[row](b)
    report.say(f"{time.monotonic() - begun:.0f} s")
    if args.json:
        Path(args.json).write_text(json.dumps(report.all, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
