"""The bench's part about the line to HQ: a long backlog's drain, and scan to screen while the line swallows packets.

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


def at_rest(rig):
    rig.processes["sim"].wait(120)
    until(rig.drained, 60, "the drain")


def drain_once(folder, events):
    with Net() as net:
        rig = NetRig(folder, net=net, build=PLAIN, customers=500, store="bench")
        rig.setup()
        try:
            before = make_backlog(rig, events, at_rest)
            begun = time.time()
            rig.start_daemon()
            till = inside(net.store, lambda: Till(rig))
            rig.connected_after(begun, 30)
            return Drain(rig, till, before).run()
        finally:
            rig.stop_all()


def drain(work, runs, events, table, spread):
    got = [drain_once(work / f"drain{i}", events) for i in range(runs)]
    table(f"A backlog of {events:,} events, one to a pack, drains to HQ over mutual TLS, while the store sells on ({runs} runs)",
          ["what", "figure"],
          [["events/s", spread([d.rate for d in got], "{:,.0f}")],
           ["cores used: daemon", spread([d.cores[0] for d in got])],
           ["cores used: broker", spread([d.cores[1] for d in got])],
           ["cores used: HQ", spread([d.cores[2] for d in got])],
           ["a new event to HQ meanwhile, median, ms", spread([statistics.median(d.late) * 1000 for d in got], "{:.0f}")],
           ["and the slowest, ms", spread([d.late[-1] * 1000 for d in got], "{:.0f}")],
           ["window at its smallest, KiB (under 1,024: HQ's commits set the pace)", spread([d.window / 1024 for d in got], "{:.0f}")],
           ["RssAnon of the daemon, MiB", spread([d.memory / 1024 for d in got], "{:.1f}")],
           ["RssAnon of HQ, MiB", spread([d.hq_memory / 1024 for d in got], "{:.1f}")]])


def black_hole(work, runs, table, spread):
    with Net() as net:
        rig = NetRig(work / "hole", net=net, build=PLAIN, lanes=("1",), customers=500)
        rig.setup()
        try:
            rig.bring_up()
            cards = work / "hole.cards"
            cards.write_text("".join(c["loyalty"] + "\n" for c in customers(rig)))
            runs_of = {"a line": [], "a black hole, not noticed yet": [], "a black hole, connects that nobody answers": []}
            with_line, fresh, noticed = runs_of.values()
            for _ in range(runs):
                with_line.append(scan_to_screen(rig, cards, 200))
                net.swallow()
                fresh.append(scan_to_screen(rig, cards, 200))
                rig.lost(40)
                noticed.append(scan_to_screen(rig, cards, 200))
                net.heal()
                rig.connected_after(time.time(), 30)
        finally:
            rig.stop_all()
    rows = []
    for name, got in runs_of.items():
        p50, p99 = ([r[int(len(r) * q)] for r in got] for q in (0.5, 0.99))
        ratio = [r[int(len(r) * 0.5)] / w[int(len(w) * 0.5)] for r, w in zip(got, with_line)]
        rows.append([name, spread(p50), spread(p99), spread(ratio)])
    table("Scan to screen and the line to HQ, ms; in turn, in one run", ["with", "p50", "p99", "ratio of p50 to a line's"], rows)


def line(work, runs, events, table, spread):
    lack = lacking()
    if lack:
        print(f"\nThe line to HQ: not measured ({lack})")
        return
    black_hole(work, runs, table, spread)
    drain(work, min(runs, 3), events, table, spread)
