"""The comparison: what the simulator sent against what HQ holds. Reads the simulator's log and HQ's SQLite file only.

    acknowledged  is a subset of  what HQ holds  is a subset of  what was sent; each once; in sending order per source.

A one-way scan whose commit was never reported is a cost, not a difference. Prints a summary as JSON; exits 1
when anything differs, with each difference on a line of its own.
"""

import argparse
import base64
import collections
import hashlib
import json
import sqlite3
import sys
from decimal import Decimal
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ZERO = "0" * 64
# Till message -> the event that carries it, and (member of the message -> property).
LINE = {"line": "line_id", "sku": "sku", "name": "name", "quantity": "quantity", "unit": "unit", "price": "price",
        "entry_method": "entry_method"}
ORDER = {k: k for k in ("receipt_number", "subtotal", "discount", "tax", "rounding", "total", "revenue",
                        "prices_include_tax", "sale_kind", "change", "tenders")}
MAIN = {
    "basket_opened": ("Basket Opened", {"basket": "till_basket"}),
    "line_added": ("Product Added", LINE),
    "line_removed": ("Product Removed", {"line": "line_id", "reason": "reason"}),
    "line_changed": ("Basket Line Changed", {"line": "line_id", "quantity": "to", "reason": "reason"}),
    "tender_started": ("Checkout Started", {"value": "value"}),
    "customer_chosen": ("Identifier Presented", {"kind": "kind"}),
    "order_completed": ("Order Completed", ORDER),
    "basket_voided": ("Basket Abandoned", {"reason": "reason"}),
    "refund": ("Order Refunded", {k: k for k in ("original_order_id", "total", "tax", "tenders")}),
}
PRODUCT = {"line": "line_id", "sku": "sku", "name": "name", "quantity": "quantity", "unit": "unit", "price": "price",
           "line_total": "line_total", "discount": "discount", "tax_rate": "tax_rate", "line_kind": "line_kind"}


def b64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Held:
    """What HQ holds, in epoch order, with what is sealed opened."""

    def __init__(self, db, keys, store, fail):
        self.fail, self.store = fail, store
        self.vault = AESGCM(bytes.fromhex((keys / "hq-vault.key").read_text().strip()))
        self.visit_keys = {bytes(i): bytes(w) for i, w in db.execute("SELECT id, wrapped FROM visit_key")}
        by_epoch = collections.defaultdict(list)
        for epoch, seq, leaf, line in db.execute(
                "SELECT epoch, seq, leaf, line FROM events WHERE store = ? ORDER BY epoch, seq", (store,)):
            by_epoch[epoch].append((seq, bytes(leaf), bytes(line)))
        self.events = []
        for epoch in self.order(by_epoch):
            self.check_epoch(epoch, by_epoch[epoch])

    @staticmethod
    def order(by_epoch):
        before = {}
        for epoch, rows in by_epoch.items():
            before[epoch] = json.loads(rows[0][2])["properties"]["prev_epoch"]
        done = []
        while len(done) < len(before):
            ready = sorted(e for e, p in before.items() if e not in done and (p in done or p not in before))
            done += ready
        return done

    def check_epoch(self, epoch, rows):
        h = bytes(32)
        for at, (seq, leaf, line) in enumerate(rows, 1):
            if seq != at:
                self.fail(f"epoch {epoch}: seq {at} is missing")
                return
            if hashlib.sha256(line).digest() != leaf:
                self.fail(f"epoch {epoch} seq {seq}: the leaf is not the line's")
            h = hashlib.sha256(h + bytes.fromhex(epoch) + seq.to_bytes(8, "big") + leaf).digest()
            event = json.loads(line)
            if event["messageId"] != f"{self.store}:{epoch}:{seq}":
                self.fail(f"epoch {epoch} seq {seq}: messageId is {event['messageId']}")
            event["_at"] = (len(self.events), epoch, seq)
            event["_lane"] = event["context"]["laneway"]
            self.events.append(event)

    def open(self, event):
        """The plain text of `sealed`, or None."""
        sealed, c = event["_lane"].get("sealed"), event["_lane"]
        if not sealed:
            return None
        kid = b64(sealed["k"])
        if kid not in self.visit_keys:
            self.fail(f"{event['messageId']}: HQ has no key for its sealed field")
            return None
        w = self.visit_keys[kid]
        key = self.vault.decrypt(w[:12], w[12:], b"visit-key\0" + kid)
        ad = self.store.encode() + b"\0" + bytes.fromhex(c["epoch"]) + c["seq"].to_bytes(8, "big")
        return json.loads(AESGCM(key).decrypt(b64(sealed["n"]), b64(sealed["c"]), ad))


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
        self.held = Held(self.db, Path(args.keys), args.store, self.fail)
        self.cost = collections.Counter()
        self.scans_kept = set()

    def fail(self, text):
        self.differences.append(text)

    # --- till messages ---

    def tills(self):
        sent, order, kept = {}, collections.defaultdict(list), {}
        for r in self.sent:
            if r["type"] == "till":
                m = r["message"]
                key = (f"till:{r['till']}", m["source_message_id"])
                sent[key] = m
                order[key[0]].append(key)
            elif r["type"] == "answer" and r["answer"]["type"] == "kept":
                key = (f"till:{r['till']}", r["answer"]["source_message_id"])
                kept.setdefault(key, r["answer"])
            elif r["type"] == "answer" and r["answer"]["type"] == "error":
                self.fail(f"{r['till']}: an error was answered: {r['answer']}")
        held = collections.defaultdict(list)
        for e in self.held.events:
            if e["_lane"].get("source_message_id"):
                held[e["_lane"]["source"], e["_lane"]["source_message_id"]].append(e)
        for key, a in kept.items():
            at = [(e["_at"][1], e["_at"][2]) for e in held.get(key, [])]
            if at != [(a["epoch"], a["seq"] + i) for i in range(a["count"])]:
                self.fail(f"{key}: acknowledged as {a['epoch']}:{a['seq']}+{a['count']}, HQ holds {at}")
        for key in held:
            if key not in sent:
                self.fail(f"{key}: HQ holds it, but it was never sent")
        for key, m in sent.items():
            self.one_message(key, m, held.get(key, []), key in kept)
        for source, keys in order.items():
            places = [held[k][0]["_at"][0] for k in keys if k in held]
            if places != sorted(places):
                self.fail(f"{source}: not in sending order")
        self.messages = len(sent)

    def one_message(self, key, m, events, acknowledged):
        if not events:
            self.fail(f"{key} ({m['type']}): sent{' and acknowledged' if acknowledged else ''}, HQ does not hold it")
            return
        places = [e["_at"][0] for e in events]
        if places != list(range(places[0], places[0] + len(places))):
            self.fail(f"{key}: its events are not in one run: {places}")
        name, fields = MAIN[m["type"]]
        main = [e for e in events if e["event"] == name]
        if len(main) != 1:
            self.fail(f"{key} ({m['type']}): {len(main)} times {name}")
            return
        p = main[0]["properties"]
        for member, prop in fields.items():
            if p.get(prop) != m.get(member):
                self.fail(f"{key} ({m['type']}): {member} was sent as {m.get(member)!r}, HQ holds {p.get(prop)!r}")
        if m["type"] == "customer_chosen" and self.held.open(main[0]) != {"value": m["value"]}:
            self.fail(f"{key}: the chosen identifier differs")
        if "products" in m:
            got = [{k: q.get(v) for k, v in PRODUCT.items()} for q in p["products"]]
            if got != m["products"]:
                self.fail(f"{key} ({m['type']}): products differ")

    # --- scans ---

    @staticmethod
    def masked(scan):
        return "*" * (len(scan["payload"]) - 4) + scan["payload"][-4:] if scan["what"] == "payment" else scan["payload"]

    def scans(self):
        sent = collections.defaultdict(list)
        for r in self.sent:
            if r["type"] == "scan":
                sent[r["source"]].append(r)
        held = collections.defaultdict(list)
        for e in self.held.events:
            if e["event"] == "Identifier Presented" and e["properties"]["method"] == "scan" \
                    and e["properties"]["outcome"] != "dropped":
                held[e["_lane"]["source"]].append(e)
        for source in set(sent) | set(held):
            self.one_scanner(source, sent[source], held[source])
        ids = {e["messageId"] for e in self.held.events}
        for missing in sorted(self.reported - ids):
            self.fail(f"{missing}: reported as kept, HQ does not hold it")
        self.scan_count = sum(map(len, sent.values()))

    def one_scanner(self, source, sent, held):
        at = 0
        for e in held:
            value = (self.held.open(e) or {}).get("value")
            while at < len(sent) and self.masked(sent[at]) != value:
                self.cost["scans lost before their commit"] += 1
                at += 1
            if at == len(sent):
                self.fail(f"{source}: {e['messageId']} is not what was sent, twice, or out of order")
                return
            expected = {"known": ("matched", "held"), "next": ("held", "matched"), "unknown": ("unknown",),
                        "payment": ("refused_pan",)}[sent[at]["what"]]
            if e["properties"]["outcome"] not in expected:
                self.fail(f"{source}: {e['messageId']} ({sent[at]['what']}) came out as {e['properties']['outcome']}")
            if e["properties"]["symbology"] != sent[at]["symbology"]:
                self.fail(f"{source}: {e['messageId']} has symbology {e['properties']['symbology']}, sent was "
                          f"{sent[at]['symbology']}")
            self.scans_kept.add((source, sent[at]["n"]))
            at += 1
        self.cost["scans lost before their commit"] += len(sent) - at

    # --- who ---

    def people(self):
        external = dict(self.db.execute("SELECT id, external FROM profile"))
        owner, by_name = {}, {}
        for e in self.held.events:
            p, kind = e["properties"], e["event"]
            if kind == "Basket Opened":
                by_name[p["till"], p["till_basket"]] = p["basket_id"]
            elif kind == "Customer Attached":
                owner[p["basket_id"]] = external.get((self.held.open(e) or {}).get("customer_id"))
            elif kind == "Order Claimed":
                owner[e["_lane"]["basket_id"]] = external.get((self.held.open(e) or {}).get("customer_id"))
            elif kind == "Customer Detached":
                owner.pop(p["basket_id"], None)
        scanned = collections.defaultdict(list)
        for r in self.sent:
            if r["type"] == "scan" and r["person"]:
                scanned[r["lane"], r["person"]].append((r["source"], r["n"]))
        self.baskets = 0
        for r in self.sent:
            if r["type"] != "basket":
                continue
            self.baskets += 1
            is_now = owner.get(by_name.get((r["till"], r["basket"])))
            if is_now == r["person"]:
                continue
            kept = all(s in self.scans_kept for s in scanned.get((r["lane"], r["person"]), []))
            if is_now is None and (not r["certain"] or not kept):
                self.cost["baskets without their person"] += 1
                continue
            self.fail(f"basket {r['basket']} ({r['how']}): the person is {r['person']}, HQ says {is_now}")

    # --- what Laneway makes itself ---

    def own_events(self):
        count = collections.Counter()
        for e in self.held.events:
            p = e["properties"]
            if e["event"] in ("Visit Started", "Visit Ended"):
                count[e["event"], e["_lane"]["visit_id"]] += 1
            elif e["event"] in ("Basket Opened", "Order Completed", "Basket Abandoned"):
                count[e["event"], e["_lane"]["visit_id"]] += 1
            if e["event"] == "Order Completed":
                total = sum(Decimal(q["line_total"]) for q in p["products"])
                if total != Decimal(p["total"]):
                    self.fail(f"{e['messageId']}: the lines make {total}, the order says {p['total']}")
        for (event, visit), n in count.items():
            if n != 1:
                self.fail(f"visit {visit}: {n} times {event}")
            if event in ("Order Completed", "Basket Abandoned") and count["Visit Ended", visit] != 1:
                self.fail(f"visit {visit}: {event} without Visit Ended")
            if event == "Basket Opened" and count["Visit Started", visit] != 1:
                self.fail(f"visit {visit}: Basket Opened without Visit Started")

    def profiles(self):
        """Visits and spend, recomputed from the lines."""
        order_of, spend, visits = {}, collections.Counter(), collections.defaultdict(set)
        attached, totals, refunds, cancelled = {}, {}, collections.Counter(), set()
        for e in self.held.events:
            p, kind = e["properties"], e["event"]
            if kind in ("Customer Attached", "Order Claimed"):
                basket = p.get("basket_id") or e["_lane"]["basket_id"]
                attached[basket] = (self.held.open(e) or {}).get("customer_id")
            elif kind == "Customer Detached":
                attached.pop(p["basket_id"], None)
            elif kind == "Order Completed":
                order_of[p["order_id"]] = p["cart_id"]
                totals[p["order_id"]] = (Decimal(p["total"]), e["_lane"]["visit_id"])
            elif kind == "Order Refunded" and p["original_order_id"]:
                refunds[p["original_order_id"]] += Decimal(p["total"])
            elif kind == "Order Cancelled":
                cancelled.add(p["order_id"])
        for order, (total, visit) in totals.items():
            who = attached.get(order_of[order])
            if who and order not in cancelled:
                spend[who] += total - refunds[order]
                visits[who].add(visit)
        for pid, n, minor in self.db.execute("SELECT id, visits, spend FROM profile"):
            if (n, Decimal(minor) / 100) != (len(visits[pid]), spend[pid]):
                self.fail(f"profile {pid}: HQ says {n} visits and {Decimal(minor) / 100}, the events say "
                          f"{len(visits[pid])} and {spend[pid]}")
        self.visited = sum(1 for v in visits.values() if v)

    def run(self):
        self.tills()
        self.scans()
        self.people()
        self.own_events()
        self.profiles()
        for table in ("fork", "quarantine", "unreadable"):
            n = self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if n:
                self.fail(f"HQ's table {table} holds {n} rows")
        return {"events": len(self.held.events), "till_messages": self.messages, "scans": self.scan_count,
                "baskets": self.baskets, "customers_seen": self.visited, "cost": dict(self.cost),
                "differences": len(self.differences)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--sim", "--db", "--keys", "--store"):
        p.add_argument(name, required=True)
    oracle = Oracle(p.parse_args())
    summary = oracle.run()
    for d in oracle.differences[:50]:
        print("DIFFERENT:", d, file=sys.stderr)
    print(json.dumps(summary))
    return 1 if oracle.differences else 0


if __name__ == "__main__":
    sys.exit(main())
