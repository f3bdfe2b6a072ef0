"""Row about which customers a store holds: how often it knows who stands there without asking, over its first 28 days."""

from pathlib import Path

CUSTOMERS = 20_000           # of ten stores
ROOM = (100, 50, 20, 10)     # percent of them that a store's card has room for


def share(days):
    return sum(known for known, _ in days) / sum(presented for _, presented in days)


def month(b):
    rows = []
    for room in ROOM:
        b.report.say(f"month: room for {room} % of the customers")
        folder = Path(b.work) / f"month-{room}"
        folder.mkdir()
        days = b.tool("month", dir=folder, events=CUSTOMERS, count=room)["days"]
        rows.append([f"{room} %", *(f"{share(days[a:z]):.3f}" for a, z in ((0, 1), (6, 8), (13, 15), (25, 28)))])
    b.report.table("month", f"Identifiers presented that HQ knew, answered from the shard without asking: {CUSTOMERS:,} customers, ten new stores",
                   ["room for", "day 1", "days 7, 8", "days 14, 15", "days 26 to 28"], rows)
