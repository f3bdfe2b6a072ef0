"""Rows about the whole daemon: from a scan to the screen, at rest and at work."""

import subprocess
import time

from table import Figures, cpu_seconds, rss_anon_kib

from rig import Rig, until  # noqa: E402


def screen_once(b, rig, cards, token, count=120):
    load = subprocess.Popen([b.tool.exe, "load", f"port={rig.pos_port}", f"token={token}", "lane=2", "rate=200",
                             f"seconds={count // 5}"])
    scan = subprocess.Popen([b.tool.exe, "screen", f"link={rig.sim_dir}/scanner-1", f"port={rig.http_port}", "lane=1",
                             f"cards={cards}", f"count={count}"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    scan.stdout.readline()
    until(lambda: next(s["up"] for s in rig.status()["sources"] if s["name"] == "scan-1"), 20, "the scanner")
    out, _ = scan.communicate("\n")
    load.kill()
    load.wait()
    us = [int(x) for x in out.split()]
    until(lambda: not next(s["up"] for s in rig.status()["sources"] if s["name"] == "scan-1"), 20, "the unplugging")
    return sorted(x for x in us if x >= 0), len(us)


def at_rest(rig, seconds=20):
    """CPU in % of a core, RssAnon in MiB."""
    until(rig.drained, 60, "the drain")
    time.sleep(3)
    daemon = rig.processes["daemon"]
    before = cpu_seconds(daemon)
    time.sleep(seconds)
    return (cpu_seconds(daemon) - before) / seconds * 100, rss_anon_kib(daemon) / 1024


def screen(b):
    rig = Rig(b.work / "screen", customers=b.customers, lanes=("1", "2"))
    rig.setup()
    cards = b.work / "cards"
    people = (rig.work / "customers.csv").read_text().splitlines()[1:]
    cards.write_text("".join(line.split(",")[3] + "\n" for line in people[:: max(1, b.customers // 5000)]))
    token = (rig.work / "pos.token").read_text().strip()
    runs, lost = [], 0
    try:
        rig.start_broker()
        rig.start_hq()
        b.report.say(f"screen: {b.customers:,} profiles")
        rig.import_customers()
        rig.start_daemon()
        until(lambda: rig.status()["sync"]["profiles"] >= b.customers, 180, f"{b.customers} profiles in the shard")
        cpu, rss_rest = at_rest(rig)
        for i in range(b.runs):
            b.report.say(f"screen: {i + 1} of {b.runs}")
            us, n = screen_once(b, rig, cards, token)
            lost += n - len(us)
            runs.append(us)
        rss_work = rss_anon_kib(rig.processes["daemon"]) / 1024
    finally:
        rig.stop_all()
    b.report.table("screen", f"Scan (write into the pseudo-terminal) to screen (read from the lane's stream by another process), "
                   f"{b.customers:,} profiles, 200 events/s beside it; ms", ["p50", "p99", "worst", "scans that showed nothing"],
                   [[(Figures(r[len(r) // 2] / 1000 for r in runs), "{:.2f}"), (Figures(r[int(len(r) * 0.99)] / 1000 for r in runs), "{:.2f}"),
                     (Figures(r[-1] / 1000 for r in runs), "{:.2f}"), lost]])
    b.report.table("rest", "The daemon at rest and at work", ["what", "figure"],
                   [["RssAnon with the shard filled, at rest, MiB", f"{rss_rest:.1f}"],
                    ["RssAnon after the runs above, MiB", f"{rss_work:.1f}"], ["CPU at rest, % of a core", f"{cpu:.2f}"]])
