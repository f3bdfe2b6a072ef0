"""The comparison: what the simulator sent against what HQ holds. Reads the simulator's log and HQ's SQLite file only.

    acknowledged  is a subset of  what HQ holds  is a subset of  what was sent; each once; in sending order per source.

Every event is recomputed from what was sent, with all its fields (recompute.py, model.py); so are the person of each
basket and every profile. A one-way scan whose commit was never reported is a cost, not a difference. Prints a
summary as JSON; exits 1 when anything differs, with each difference on a line of its own.
"""

import argparse
import collections
import datetime
import json
import sqlite3
import sys
import zoneinfo
from decimal import Decimal
from pathlib import Path

from held import Held
from recompute import ZONE, Customers, Recompute, masked

ITEMS_MAX = 10  # of a profile
TIME_ROUNDING_US = 1000  # an event says milliseconds


class Oracle:
    def __init__(self, args):
        self.differences = []
        self.db = sqlite3.connect(f"file:{args.db}?mode=ro", uri=True)
        self.sent = [json.loads(l) for l in open(Path(args.sim) / "sent.jsonl")]
        tail = Path(args.sim) / "tail.jsonl"
        self.reported = set()
        for line in tail.read_text().splitlines() if tail.exists() else []:
            try:
                self.reported.add(json.loads(line)["messageId"])
            except ValueError:
                pass  # the stream was cut in the middle of a line
        hours, minutes = map(int, args.day_cut.split(":"))
        self.zone, self.day_cut = zoneinfo.ZoneInfo(args.zone), datetime.timedelta(hours=hours, minutes=minutes)
        self.held = Held(self.db, Path(args.keys), args.store, self.fail)
        self.cost = collections.Counter()
        self.scan_of = {}  # messageId of an Identifier Presented -> the record of its scan

    def fail(self, text):
        self.differences.append(text)

    # --- till messages: acknowledged, held, sent; once, in order ---

    def tills(self):
        sent, order, kept = {}, collections.defaultdict(list), {}
        for r in self.sent:
            if r["type"] == "till":
                key = (f"till:{r['till']}", r["message"]["source_message_id"])
                if key in sent:
                    self.fail(f"{key}: the simulator sent two messages under one id")
                sent[key] = r["message"]
                order[key[0]].append(key)
            elif r["type"] == "answer" and r["answer"]["type"] == "kept":
                key = (f"till:{r['till']}", r["answer"]["source_message_id"])
                first = kept.setdefault(key, r["answer"])
                if any(first[k] != r["answer"][k] for k in ("epoch", "seq", "count")):
                    self.fail(f"{key}: acknowledged as {first} and as {r['answer']}")
            elif r["type"] == "answer" and r["answer"]["type"] == "error":
                self.fail(f"{r['till']}: an error was answered: {r['answer']}")
        held = collections.defaultdict(list)
        for e in self.held.events:
            if e.id:
                held[e.source, e.id].append(e)
        for key, a in kept.items():
            self.acknowledged(key, a, held.get(key, []))
        for key in held.keys() - sent.keys():
            self.fail(f"{key}: HQ holds it, but it was never sent")
        for key, m in sent.items():
            if key not in held:
                told = " and acknowledged" if key in kept else ""
                self.fail(f"{key} ({m['type']}): sent{told}, HQ does not hold it")
        for source, keys in order.items():
            places = [e.place for k in keys for e in held.get(k, [])]
            if places != sorted(places):
                self.fail(f"{source}: not in sending order")
        self.messages = len(sent)

    def acknowledged(self, key, answer, events):
        at = [(e.epoch, e.seq) for e in events]
        if at != [(answer["epoch"], answer["seq"] + i) for i in range(answer["count"])]:
            self.fail(f"{key}: acknowledged as {answer['epoch']}:{answer['seq']}+{answer['count']}, HQ holds {at}")
        named = [e.properties.get("order_id") or e.properties.get("refund_id") for e in events
                 if e.name in ("Order Completed", "Order Refunded")]
        if named and answer.get("order_id", named[0]) != named[0]:
            self.fail(f"{key}: acknowledged as order {answer['order_id']}, HQ holds {named[0]}")

    # --- scans ---

    def scans(self):
        sent, held = collections.defaultdict(list), collections.defaultdict(list)
        for r in self.sent:
            if r["type"] == "scan":
                sent[r["source"]].append(r)
        again = {}  # a scan that was kept before it was known where it belongs is told again with its visit: that is one
        first = {}
        for e in self.held.events:
            if e.name == "Identifier Presented" and e.properties["method"] == "scan" \
                    and e.properties["outcome"] != "dropped":
                moment = (e.source, e.context["boot"], e.mono_us)
                if "visit_id" in e.context and moment in first:
                    again[e.message_id] = first[moment].message_id
                    continue
                if "visit_id" not in e.context:
                    first[moment] = e
                held[e.source].append(e)
        for source in set(sent) | set(held):
            self.one_scanner(source, sent[source], held[source])
        self.scan_of.update({m: self.scan_of[f] for m, f in again.items() if f in self.scan_of})
        for missing in sorted(self.reported - {e.message_id for e in self.held.events}):
            self.fail(f"{missing}: reported as kept, HQ does not hold it")
        self.scan_count = sum(map(len, sent.values()))

    def one_scanner(self, source, sent, held):
        """Each held scan is the next one sent; what was sent between two held ones was lost before its commit."""
        at = 0
        for e in held:
            value = (e.opened or {}).get("value")
            while at < len(sent) and masked(sent[at]) != value:
                at += 1
            if at == len(sent):
                self.fail(f"{source}: {e} is not what was sent, twice, or out of order")
                return
            self.scan_of[e.message_id] = sent[at]
            at += 1
        self.cost["scans lost before their commit"] += len(sent) - len(held)

    # --- who ---

    def owners(self):
        """basket_id -> HQ's id of its customer, as the last word on it says."""
        owner = {}
        for e in self.held.events:
            basket = e.properties.get("basket_id") or e.context.get("basket_id")
            if e.name in ("Customer Attached", "Order Claimed"):
                owner[basket] = (e.opened or {}).get("customer_id")
            elif e.name == "Customer Detached":
                owner.pop(basket, None)
        return owner

    def people(self, taps_lost):
        """The person who really stood there, of each basket; what a cashier tapped may be lost before its commit."""
        external = dict(self.db.execute("SELECT id, external FROM profile"))
        owner = self.owners()
        by_name = {(e.properties["till"], e.properties["till_basket"]): e.properties["basket_id"]
                   for e in self.held.events if e.name == "Basket Opened"}
        kept = {(s["source"], s["n"]) for s in self.scan_of.values()}
        scanned = collections.defaultdict(list)
        for r in self.sent:
            if r["type"] == "scan" and r["person"]:
                scanned[r["lane"], r["person"]].append((r["source"], r["n"]))
        baskets = [r for r in self.sent if r["type"] == "basket"]
        self.baskets = len(baskets)
        for r in baskets:
            is_now = external.get(owner.get(by_name.get((r["till"], r["basket"]))))
            if is_now == r["person"]:
                continue
            all_kept = all(s in kept for s in scanned.get((r["lane"], r["person"]), []))
            uncertain = not r["certain"] or not all_kept or (r["lane"], r["basket"]) in taps_lost
            if (is_now is None and uncertain) or (is_now is not None and is_now == r["perhaps"]):
                self.cost["baskets without their person"] += 1
                continue
            self.fail(f"basket {r['basket']} ({r['how']}): the person is {r['person']}, HQ says {is_now}")

    # --- profiles ---

    def times(self):
        """When each event was, as HQ works it out; within its bound of what the event says itself, for the clocks of
        these machines are one."""
        found = {}
        for epoch, seq, at_us, error_us in self.db.execute("SELECT epoch, seq, time_us, error_us FROM event_times"):
            found[epoch, seq] = (at_us, error_us)
        times = {}
        for e in self.held.events:
            at_us, error_us = found.get((e.epoch, e.seq), (None, None))
            times[e.message_id] = e.wall_us if at_us is None else at_us
            if at_us is not None and abs(at_us - e.wall_us) > (error_us or 0) + TIME_ROUNDING_US:
                self.fail(f"{e}: HQ says it was {at_us - e.wall_us} us later than it says itself, {error_us} at most")
        return times

    def profiles(self):
        """Visits, spend, last seen and last items, recomputed from the events."""
        owner, refunds, cancelled, orders = self.owners(), collections.Counter(), set(), {}
        times = self.times()
        for e in self.held.events:
            if e.name == "Order Refunded" and e.properties["original_order_id"] and not e.context["training"]:
                refunds[e.properties["original_order_id"]] += Decimal(e.properties["total"])
            elif e.name == "Order Cancelled":
                cancelled.add(e.properties["order_id"])
            elif e.name == "Order Completed" and not e.context["training"]:
                who = owner.get(e.properties["cart_id"])
                orders.setdefault(who, []).append(e)
        for pid, *held in self.db.execute("SELECT id, visits, spend, last_seen_us, last_items FROM profile"):
            mine = sorted(orders.get(pid, []), key=lambda e: (times[e.message_id], e.properties["order_id"]), reverse=True)
            counted = [e for e in mine if e.properties["order_id"] not in cancelled]
            spend = sum(Decimal(e.properties["total"]) - refunds[e.properties["order_id"]] for e in counted)
            items = [{k: q[k] for k in ("name", "quantity", "sku")} for e in counted[:ITEMS_MAX]
                     for q in e.properties["products"][:ITEMS_MAX]][:ITEMS_MAX]
            expected = [len({e.context["visit_id"] for e in mine}), int(spend * 100), times[mine[0].message_id] if mine else None,
                        items]
            held[3] = json.loads(held[3] or "[]")
            if held != expected:
                self.fail(f"profile {pid}: HQ says {held}, the events say {expected}")
        self.visited = len(orders.keys() - {None})

    def totals(self):
        """The simulator's own sums: an order's lines make its total."""
        for e in self.held.events:
            if e.name == "Order Completed":
                total = sum(Decimal(q["line_total"]) for q in e.properties["products"])
                if total != Decimal(e.properties["total"]):
                    self.fail(f"{e}: the lines make {total}, the order says {e.properties['total']}")

    def run(self):
        self.tills()
        self.scans()
        recompute = Recompute(self.held, self.sent, self.scan_of, Customers(self.db), self.fail, self.zone, self.day_cut)
        recompute.run()
        self.people({(r["lane"], r["basket"]) for r in recompute.taps})
        self.totals()
        self.profiles()
        for table in ("fork", "quarantine", "unreadable", "waiting", "alarm"):
            n = self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if n:
                self.fail(f"HQ's table {table} holds {n} rows")
        return {"events": len(self.held.events), "till_messages": self.messages, "scans": self.scan_count,
                "baskets": self.baskets, "customers_seen": self.visited, "cost": dict(+self.cost),
                "differences": len(self.differences)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--sim", "--db", "--keys", "--store"):
        p.add_argument(name, required=True)
    p.add_argument("--zone", default=str(ZONE), help="of the store")
    p.add_argument("--day-cut", default="04:00", help="when its business date changes")
    oracle = Oracle(p.parse_args())
    summary = oracle.run()
    for d in oracle.differences[:50]:
        print("DIFFERENT:", d, file=sys.stderr)
    print(json.dumps(summary))
    return 1 if oracle.differences else 0


if __name__ == "__main__":
    sys.exit(main())
