"""Row about which customers a store holds: how often it knows who stands there without asking, over its first 28 days."""

from pathlib import Path

CUSTOMERS = 20_000           # of ten stores
ROOM = (100, 70, 50, 20, 10)     # percent of them that a store's card has room for
SEED = 7                     # what is chosen was tried out with 1
WAYS = ("who came last", "who came most", "law known", "habits known", "tomorrow known")


def share(days):
    return sum(known for known, _ in days) / sum(presented for _, presented in days)


def month(b):
    rows, peers = [], []
    for room in ROOM:
        b.report.say(f"month: room for {room} % of the customers")
        folder = Path(b.work) / f"month-{room}"
        folder.mkdir()
        got = b.tool("month", dir=folder, events=CUSTOMERS, count=room, seed=SEED)
        days = got["days"]
        peers.append([f"{room} %", f"{share(days[25:28]):.3f}", *(f"{got[w]:.3f}" for w in WAYS)])
        rows.append([f"{room} %", *(f"{share(days[a:z]):.3f}" for a, z in ((0, 1), (6, 8), (13, 15), (25, 28)))])
    b.report.table("month", f"Identifiers presented that HQ knew, answered from the shard without asking: {CUSTOMERS:,} customers, ten new stores",
                   ["room for", "day 1", "days 7, 8", "days 14, 15", "days 26 to 28"], rows)
    b.report.table("month-peers", "... days 26 to 28, next to what a store's own visits alone would have chosen each night, and what nobody can know: by what law the customers were "
                   "made (the best guess that visits allow); everybody's habits but not the dice; who comes tomorrow", ["room for", "HQ's choice", *WAYS], peers)
