"""A store without broker and HQ, for what is refused at its doors: it never gets that far."""

import json
import socket
import threading

from rig import until
from store import Scanner, Till, get, lane


def with_check_digit(digits):
    """EAN: weights 3 and 1 from the right."""
    return digits + str(-sum(int(d) * (1 if i % 2 else 3) for i, d in enumerate(reversed(digits))) % 10)


class Tail:
    """The kept lines, as the local socket tells them."""

    def __init__(self, rig):
        self.lines, self.ended = [], False
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(rig.work / "api.sock"))
        self.sock.sendall(b"GET /api/v1/tail HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self.file = self.sock.makefile("rb")
        while self.file.readline() not in (b"\r\n", b""):
            pass
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.file:
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))
        self.ended = True

    def find(self, event, **properties):
        return [e for e in list(self.lines) if e["event"] == event and
                all(e["properties"].get(k) == v for k, v in properties.items())]


class Box:
    """The store, and what has been acknowledged to its tills so far."""

    def __init__(self, rig, begun=False):
        self.rig, self.acknowledged, self.numbers = rig, [], 0
        if not begun:
            rig.start_daemon()
        self.tail = Tail(rig)
        self.scanner = Scanner(rig, "1")
        until(lambda: self.source("scan-1")["up"], 10, "the scanner")
        self.slow = self.connect_http()
        self.slow.sendall(b"POST /api/v1/lanes/1/choose HTTP/1.1\r\nHost: localhost\r\nContent-")

    def status(self):
        return get(self.rig, "/api/v1/status")

    def count(self, name):
        return self.status()["counters"][f"laneway_{name}_total"]

    def source(self, name):
        return next(s for s in self.status()["sources"] if s["name"] == name)

    def connect_pos(self):
        return socket.create_connection(("127.0.0.1", self.rig.pos_port), timeout=20)

    def connect_http(self):
        return socket.create_connection(("127.0.0.1", self.rig.http_port), timeout=20)

    def good(self, till=None):
        """A whole message is still kept, on this connection or on a new one."""
        self.numbers += 1
        own = till or Till(self.rig, f"T{self.numbers}", "2", f"good{self.numbers}")
        answer = own.kept("basket_opened", basket=f"B{self.numbers}")
        if till is None:
            self.acknowledged.append((f"T{self.numbers}", own.session, f"B{self.numbers}", answer))
        own.kept("basket_voided", basket=f"B{self.numbers}")
        if till is None:
            own.close()

    def good_scan(self, scanner=None, name="1"):
        """A card that nobody has seen is on the screen at once and kept."""
        self.numbers += 1
        value = with_check_digit(f"26{self.numbers:010d}")
        kept = len(self.tail.find("Identifier Presented", outcome="unknown"))
        before = lane(self.rig, name)["rev"]
        (scanner or self.scanner).scan(value)
        until(lambda: (v := lane(self.rig, name))["rev"] > before and v["person"]["state"] == "unknown", 10,
              "the card on the screen")
        until(lambda: len(self.tail.find("Identifier Presented", outcome="unknown")) > kept, 10, "the card's event")
