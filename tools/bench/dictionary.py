"""Make a dictionary for batches: three stores trade for a while, their lines are stripped of what is theirs alone,
and zstd's trainer looks for what is left.

    python3 tools/bench/dictionary.py NUMBER FILE        (daemon/store/dictionary/NUMBER.zdict; then dictionary.c names it)

1 is for the texts of wire version 2, 2 for whole lines (WIRE.md section 7.3).

A dictionary that was shipped stays as it is for ever, because there are payloads that need it; a better one gets the next
number. What makes it is not repeatable bit for bit (the stores run in real time), what it saves is: `make bench ONLY=bytes`.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from rig import Rig, until  # noqa: E402

STORES = [dict(store="s1", seed=11, lanes=("1",), aim=False), dict(store="hamburg-altona-2", seed=12, lanes=("1", "2", "3"), aim=True),
          dict(store="b77", seed=13, lanes=("1", "2", "3", "4", "5", "6"), aim=True)]
SECONDS = 45
# What is a store's own: articles, amounts, people, numbers of receipts and sessions.
OWN = ("sku", "name", "price", "line_total", "staff_ref", "approver_ref", "version", "till_basket", "source_message_id",
       "receipt_number", "order_id", "refund_id", "original_order_id", "exchange_id", "as_of")


def trade(rig, scale):
    """A day with a restart and a crash in it."""
    rig.setup()
    try:
        rig.bring_up()
        for part in range(3):
            rig.start_sim(SECONDS // 3, scale)
            rig.processes["sim"].wait(SECONDS + 60)
            (rig.stop if part else rig.kill)("daemon")
            rig.start_daemon()
        until(rig.drained, 60, "the drain")
    finally:
        rig.stop_all()
    with rig.hq() as db:
        return [bytes(line) for (line,) in db.execute(
            "SELECT e.line FROM event e JOIN epoch p ON p.id = e.epoch ORDER BY p.rank, e.seq")]


def like(dice, text):
    """Its own letters and digits in another order: something of the same form with the same bytes."""
    out = list(text)
    for kind in (str.isdigit, str.islower, str.isupper):
        at = [i for i, c in enumerate(out) if kind(c)]
        for i, c in zip(at, dice.sample([out[i] for i in at], len(at))):
            out[i] = c
    return "".join(out)


def replace(value, own, key=""):
    """A copy of an event in which own() of it stands where something of the store's own stood."""
    if isinstance(value, dict):
        return {k: replace(v, own, k) for k, v in value.items()}
    if isinstance(value, list):
        return [replace(v, own, key) for v in value]
    return own(value) if key in OWN and isinstance(value, str) else value


def without_ids(value):
    """A copy in which nothing stands that has a digit or is as long as an id."""
    if isinstance(value, dict):
        return {k: without_ids(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_ids(v) for v in value]
    if isinstance(value, str):
        return "?" if re.search(r"[0-9]|^[A-Za-z0-9_-]{16,}$", value) else value
    return value if isinstance(value, bool) or value in (None, 0, 1) else 0


def write(path, events, own):
    """Once for each reason to trust the clock: where this runs there is only one."""
    with open(path, "w") as f:
        for clock in ("kernel", "hq", "none"):
            for event in events:
                event["context"]["laneway"]["clock"] = clock
                f.write(json.dumps(replace(event, own), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("number", type=int)
    p.add_argument("file")
    p.add_argument("--keep", help="leave what was trained on in this folder")
    args = p.parse_args()
    dice, events = random.Random(args.number), []
    build = Path(os.environ.get("LANEWAY_BUILD", "build")).resolve()
    with tempfile.TemporaryDirectory(prefix="laneway-dictionary-") as work:
        for i, s in enumerate(STORES):
            got = trade(Rig(Path(work) / s["store"], build=build, customers=500, **s), 30.0)
            print(f"{s['store']}: {len(got)} events", file=sys.stderr)
            events += map(json.loads, got)
        # Texts are looked for where nothing is a store's own (nor random, where whole lines are looked at); how often each byte stands is counted where all is there.
        write(Path(work) / "bare", events if args.number == 1 else list(map(without_ids, events)), lambda text: "?")
        write(Path(work) / "full", events, lambda text: like(dice, text))
        if args.keep:
            subprocess.run(["cp", f"{work}/bare", f"{work}/full", args.keep], check=True)
        return subprocess.run([build / "laneway-bench", "train", f"bare={work}/bare", f"lines={work}/full",
                               f"out={args.file}", f"count={args.number}"]).returncode


if __name__ == "__main__":
    sys.exit(main())
