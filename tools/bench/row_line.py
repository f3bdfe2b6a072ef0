"""Rows about the line to HQ: a long backlog's drain, and scan to screen while the line swallows packets.

Store and HQ stand in two network namespaces (tests/fault/net.py); without the means for that it says so.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tests" / d) for d in ("fault", "system")]
from net import Net, NetRig, inside, lacking  # noqa: E402
from net_figures import PLAIN, Drain, make_backlog, scan_to_screen  # noqa: E402
from rig import until  # noqa: E402
from store import Till, customers  # noqa: E402
from table import Figures  # noqa: E402

DRAINED = 300_000  # events of the backlog
RUNS_MAX = 2       # of either: a black hole that is to be noticed takes 40 s


def at_rest(rig):
    rig.processes["sim"].wait(120)
    until(rig.drained, 60, "the drain")


def drain_once(folder, events):
    with Net() as net:
        rig = NetRig(folder, net=net, build=PLAIN, customers=500, store="bench")
        rig.setup()
        try:
            before = make_backlog(rig, events, at_rest)
            begun, drain = time.time(), Drain(rig, before, events)
            rig.start_daemon()
            till = inside(net.store, lambda: Till(rig))
            rig.connected_after(begun, 30)
            return drain.run(till)
        finally:
            rig.stop_all()


def drain(b, runs):
    got = []
    for i in range(runs):
        b.report.say(f"line: drain {i + 1} of {runs}")
        got.append(drain_once(b.work / f"line-drain-{i}", DRAINED))
    b.report.table("line-drain", f"A backlog of {DRAINED:,} events, one to a pack, drains to HQ over mutual TLS, while the store sells on",
                   ["what", "figure"],
                   [["events/s", (Figures(d.rate for d in got), "{:,.0f}")],
                    *[[f"cores used: {who}", (Figures(d.cores[i] for d in got), "{:.2f}")] for i, who in enumerate(("daemon", "broker", "HQ"))],
                    ["a new event to HQ meanwhile, median, ms", (Figures(statistics.median(d.late) * 1000 for d in got), "{:.0f}")],
                    ["and the slowest, ms", (Figures(d.late[-1] * 1000 for d in got), "{:.0f}")],
                    ["window at its smallest, KiB (under 1,024: HQ's commits set the pace)", (Figures(d.window / 1024 for d in got), "{:.0f}")],
                    ["RssAnon of the daemon, MiB", (Figures(d.memory / 1024 for d in got), "{:.1f}")],
                    ["RssAnon of HQ, MiB", (Figures(d.hq_memory / 1024 for d in got), "{:.1f}")]])


def black_hole(b, runs):
    with Net() as net:
        rig = NetRig(b.work / "hole", net=net, build=PLAIN, lanes=("1",), customers=500)
        rig.setup()
        try:
            rig.bring_up()
            cards = b.work / "hole.cards"
            cards.write_text("".join(c["loyalty"] + "\n" for c in customers(rig)))
            runs_of = {"a line": [], "a black hole, not noticed yet": [], "a black hole, connects that nobody answers": []}
            with_line, fresh, noticed = runs_of.values()
            for i in range(runs):
                b.report.say(f"line: black hole {i + 1} of {runs}")
                with_line.append(scan_to_screen(rig, cards, 200))
                net.swallow()
                fresh.append(scan_to_screen(rig, cards, 200))
                rig.lost(40)
                noticed.append(scan_to_screen(rig, cards, 200))
                healed = net.heal()
                rig.connected_after(healed, 30)
        finally:
            rig.stop_all()
    rows = []
    for name, got in runs_of.items():
        p50, p99 = ([r[int(len(r) * q)] for r in got] for q in (0.5, 0.99))
        ratio = [r[int(len(r) * 0.5)] / w[int(len(w) * 0.5)] for r, w in zip(got, with_line)]
        rows.append([name, (Figures(p50), "{:.2f}"), (Figures(p99), "{:.2f}"), (Figures(ratio), "{:.2f}")])
    b.report.table("line-screen", "Scan to screen and the line to HQ, ms; in turn, in one run", ["with", "p50", "p99", "ratio of p50 to a line's"], rows)


def line(b):
    lack = lacking()
    if lack:
        b.report.say(f"the line to HQ: not measured ({lack})")
        return
    black_hole(b, min(b.runs, RUNS_MAX))
    drain(b, min(b.runs, RUNS_MAX))
