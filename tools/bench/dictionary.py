"""Make dictionaries: three stores trade for a while and close their day, their lines are stripped of what is theirs alone,
and of what is left the pieces are taken that save the most bytes.

    python3 tools/bench/dictionary.py NUMBER FILE [NUMBER FILE ...]   (daemon/store/dictionary/NUMBER.zdict; then dictionary.c names it)

Odd numbers are for the texts of squeezed batches, even ones for whole lines, in packs (WIRE.md section 7.4).

A dictionary that was shipped stays as it is for ever, because there are payloads that need it; a better one gets the next
number. What makes it is not repeatable bit for bit (the stores run in real time), what it saves is: `make bench ONLY=bytes`.
"""

import argparse
import collections
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import zstandard

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from rig import Rig, until  # noqa: E402

STORES = [dict(store="s1", seed=11, lanes=("1",), aim=False), dict(store="hamburg-altona-2", seed=12, lanes=("1", "2", "3"), aim=True),
          dict(store="b77", seed=13, lanes=("1", "2", "3", "4", "5", "6"), aim=True)]
# ... of which this goes as raw bytes, in which nothing is looked for.
RAW = ("sku",)
SECONDS = 45
# zstd's level; bytes of a dictionary with what is taken of lines alone and then of batches of some lines. A third more saves a third of a byte an event.
ROOM = {"texts": (9, {1: 40000, 20: 48000}), "lines": (1, {1: 32000})}
FOUND = 13   # bytes that zstd takes for a piece that stands in the dictionary
# What is a store's own: articles, amounts, people, numbers of receipts and sessions.
OWN = ("sku", "name", "price", "line_total", "staff_ref", "approver_ref", "version", "till_basket", "source_message_id",
       "receipt_number", "order_id", "refund_id", "original_order_id", "exchange_id", "as_of")


def trade(rig, scale):
    """A day with a restart and a crash in it, closed at its end."""
    rig.noon()
    rig.setup()
    try:
        rig.bring_up()
        for part in range(3):
            rig.start_sim(SECONDS // 3, scale)
            rig.processes["sim"].wait(SECONDS + 60)
            (rig.stop if part else rig.kill)("daemon")
            rig.start_daemon()
        rig.close_day()
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


def other(dice, key, text):
    """Something else; an article's number keeps a check digit that is right."""
    out = like(dice, text)
    if key in RAW and re.fullmatch("[0-9]{13}", out):
        return out[:12] + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(out[:12])) % 10)
    return out


def replace(value, own, key=""):
    """A copy of an event in which own() of it stands where something of the store's own stood."""
    if isinstance(value, dict):
        return {k: replace(v, own, k) for k, v in value.items()}
    if isinstance(value, list):
        return [replace(v, own, key) for v in value]
    return own(key, value) if key in OWN and isinstance(value, str) else value


def without_ids(value):
    """A copy in which nothing stands that has a digit or is as long as an id."""
    if isinstance(value, dict):
        return {k: without_ids(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_ids(v) for v in value]
    if isinstance(value, str):
        return "?" if re.search(r"[0-9]|^[A-Za-z0-9_-]{16,}$", value) else value
    return value if isinstance(value, bool) or value in (None, 0, 1) else 0


def without_numbers(event):
    """A copy whose properties count and measure nothing, and name no epoch."""
    def less(value):
        if isinstance(value, dict):
            return {k: less(v) for k, v in value.items()}
        if isinstance(value, list):
            return [less(v) for v in value]
        if isinstance(value, str):
            return re.sub("^[0-9a-f]{16}$", "?", value)
        return 0 if isinstance(value, int) and abs(value) > 99 else value
    return {**event, "properties": less(event["properties"])}


def write(path, events, own):
    """Once for each reason to trust the clock, and each with an offset from UTC: where this runs there is only one."""
    with open(path, "w") as f:
        for clock, offset in (("kernel", 60), ("hq", 120), ("none", 0)):
            for event in events:
                event["context"]["laneway"].update(clock=clock, utc_offset_min=offset)
                f.write(json.dumps(replace(event, own), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")


def pieces(path):
    """What a dictionary may hold, and how often it was seen."""
    data, at, got = Path(path).read_bytes(), 0, collections.Counter()
    while at < len(data):
        n, = struct.unpack_from("<I", data, at)
        got[data[at + 4:at + 4 + n]] += 1
        at += 4 + n
    return got


def choose(seen, room, level, content):
    """Piece by piece, in front of the content that is there, the one that saves the most for each of its bytes; zstd finds the last ones cheapest."""
    left = dict(seen)

    def saves(piece):
        known = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if content else None
        params = zstandard.ZstdCompressionParameters.from_level(level, source_size=len(piece))
        return left[piece] * (len(zstandard.ZstdCompressor(dict_data=known, compression_params=params).compress(piece)) - FOUND)
    while True:
        fitting = [p for p in left if 0 < len(p) <= room - len(content)]
        best = max(fitting, key=lambda p: saves(p) / len(p), default=None)
        if best is None or saves(best) <= 0:
            return content
        content = best + content
        del left[best]


def make(tool, work, events, number, path):
    kind, dice = "texts" if number % 2 else "lines", random.Random(number)
    # Pieces are looked for where nothing is a store's own (nor random, where whole lines are looked at); how often each byte stands is counted where all is there.
    write(work / "bare", list(map(without_numbers if kind == "texts" else without_ids, events)),
          lambda key, text: text if kind == "texts" and key in RAW else "?")
    write(work / "full", events, lambda key, text: other(dice, key, text))
    level, rooms = ROOM[kind]
    content = b""
    for events_each, room in rooms.items():
        subprocess.run([tool, "pieces", f"lines={work}/bare", f"out={work}/pieces", f"count={number}", f"events={events_each}"], check=True)
        content = choose(pieces(work / "pieces"), room, level, content)
    (work / "content").write_bytes(content)
    subprocess.run([tool, "train", f"bare={work}/content", f"lines={work}/full", f"out={path}", f"count={number}"], check=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("made", nargs="+", metavar="NUMBER FILE")
    p.add_argument("--events", type=Path, help="the stores' events as JSON: taken from there, or left there if there are none")
    args = p.parse_args()
    events, build = [], Path(os.environ.get("LANEWAY_BUILD", "build")).resolve()
    if args.events and args.events.exists():
        events = json.loads(args.events.read_text())
    with tempfile.TemporaryDirectory(prefix="laneway-dictionary-") as work:
        for s in STORES if not events else ():
            got = trade(Rig(Path(work) / s["store"], build=build, customers=500, **s), 30.0)
            print(f"{s['store']}: {len(got)} events", file=sys.stderr)
            events += map(json.loads, got)
        if args.events:
            args.events.write_text(json.dumps(events))
        for number, path in zip(args.made[::2], args.made[1::2]):
            make(build / "laneway-bench", Path(work), events, int(number), path)


if __name__ == "__main__":
    main()
