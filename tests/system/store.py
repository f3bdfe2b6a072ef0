"""A till and a scanner in the hands of a test, and what a test asks."""

import csv
import json
import os
import pty
import socket
import tty
import urllib.request


class Till:
    """One till connection: sends messages, keeps every answer."""

    def __init__(self, rig, till="T1", lane="1", session="t", hello=True, unsent=False):
        """unsent: it has messages to send again; `made(0)` says that they are through."""
        self.sock = socket.create_connection(("127.0.0.1", rig.pos_port), timeout=20)
        self.file = self.sock.makefile("rb")
        self.session, self.counter, self.answers = session, 0, []
        if hello:
            self.raw({"type": "hello", "protocol": 1, "till": till, "lane": lane,
                      "token": (rig.work / "pos.token").read_text().strip()})
            assert self.wait("welcome")["till"] == till
            if not unsent:
                self.made(0)

    def made(self, before_ms):
        """What follows was made so long before the welcome."""
        self.raw({"type": "made", "before_ms": before_ms})

    def raw(self, message):
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.sock.sendall(data + b"\n")

    def read(self):
        line = self.file.readline()
        if not line:
            raise EOFError("the till connection was closed")
        self.answers.append(json.loads(line))
        return self.answers[-1]

    def wait(self, kind, /, **members):
        """The next answer of this type with these members; others are kept in `answers`. A message that is refused instead
        fails the test with the box's words."""
        while True:
            a = self.read()
            if a["type"] == kind and all(a.get(k) == v for k, v in members.items()):
                return a
            assert kind != "kept" or a["type"] != "error" or a.get("source_message_id") != members.get("source_message_id"), a

    def send(self, kind, /, **members):
        self.counter += 1
        message = {"type": kind, "source_message_id": f"{self.session}:{self.counter}", **members}
        self.raw(message)
        return message["source_message_id"]

    def kept(self, kind, /, **members):
        return self.wait("kept", source_message_id=self.send(kind, **members))

    def line(self, basket, n=1, **over):
        return {"basket": basket, "line": str(n), "sku": "4006381333931", "name": "Highlighter", "quantity": "1",
                "unit": "piece", "price": "1.49", "entry_method": "scanned", **over}

    def order(self, basket, receipt):
        product = {"line": "1", "sku": "4006381333931", "name": "Highlighter", "quantity": "1", "unit": "piece",
                   "price": "1.49", "line_total": "1.49", "discount": "0.00", "tax_rate": "19.0", "line_kind": "goods"}
        return {"basket": basket, "receipt_number": receipt, "subtotal": "1.49", "discount": "0.00", "tax": "0.24",
                "rounding": "0.00", "total": "1.49", "revenue": "1.25", "prices_include_tax": True, "sale_kind": "sale",
                "products": [product], "tenders": [{"type": "cash", "amount": "1.49"}], "change": "0.00"}

    def sale(self, basket, receipt):
        """A whole sale of one article; the answer to its order."""
        self.kept("basket_opened", basket=basket)
        self.kept("line_added", **self.line(basket))
        self.kept("tender_started", basket=basket, value="1.49")
        return self.kept("order_completed", **self.order(basket, receipt))

    def close(self):
        self.file.close()
        self.sock.close()


class Scanner:
    """A pseudo-terminal where the configuration expects lane N's scanner."""

    def __init__(self, rig, lane="1"):
        self.link = rig.sim_dir / f"scanner-{lane}"
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        if self.link.is_symlink():
            self.link.unlink()
        self.link.symlink_to(os.ttyname(self.slave))

    def scan(self, text):
        os.write(self.master, (text if isinstance(text, bytes) else text.encode()) + b"\r")

    def unplug(self):
        self.link.unlink()
        os.close(self.slave)
        os.close(self.master)


def customers(rig):
    with open(rig.work / "customers.csv", newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def up(rig, source="scan-1"):
    return next(s["up"] for s in rig.status()["sources"] if s["name"] == source)


def get(rig, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{rig.http_port}{path}", timeout=10) as r:
        return json.load(r)


def post(rig, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{rig.http_port}{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as r:
        return json.load(r)


def lane(rig, name="1"):
    return get(rig, f"/api/v1/lanes/{name}")


def hq_lines(rig, event=None):
    """The lines HQ holds, as objects, in the order of epochs as they arrived."""
    with rig.hq() as db:
        rows = [json.loads(r[0]) for r in db.execute("SELECT line FROM event ORDER BY epoch, seq")]
    return [r for r in rows if event is None or r["event"] == event]


def applied(rig):
    with rig.hq() as db:
        last = db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        return int(db.execute("SELECT value FROM meta WHERE name = 'applied'").fetchone()[0]) >= last


def hq_profile(rig, external):
    with rig.hq() as db:
        return db.execute("SELECT id, visits, spend FROM profile WHERE external = ?", (external,)).fetchone()


def cached(rig, customer_id):
    p = rig.tool("laneway", "--socket", rig.work / "api.sock", "--json", "profile", customer_id, check=False)
    return json.loads(p.stdout) if p.returncode == 0 else {}
