"""What HQ holds of a store: its SQLite file read in epoch order, the chain recomputed, what is sealed opened."""

import base64
import collections
import datetime
import hashlib
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def b64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unb64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Event:
    """One event: its line as an object, its place, and the plain text of `sealed`."""

    def __init__(self, line, place, epoch, seq, opened):
        self.name, self.properties = line["event"], line["properties"]
        self.line, self.context = line, line["context"]["laneway"]
        self.place, self.epoch, self.seq = place, epoch, seq
        self.opened = opened
        self.source, self.id = self.context["source"], self.context.get("source_message_id")
        self.message_id = line["messageId"]
        self.mono_us = self.context["mono_us"]
        time = datetime.datetime.fromisoformat(line["originalTimestamp"].replace("Z", "+00:00"))
        self.wall_us = round(time.timestamp() * 1000) * 1000

    def __repr__(self):
        return f"{self.message_id} {self.name}"


class Held:
    def __init__(self, db, keys, store, fail):
        self.fail, self.store = fail, store
        self.vault = AESGCM(bytes.fromhex((keys / "hq-vault.key").read_text().strip()))
        self.visit_keys = {bytes(i): bytes(w) for i, w in db.execute("SELECT id, wrapped FROM visit_key")}
        by_epoch = collections.defaultdict(list)
        for epoch, seq, leaf, line in db.execute(
                "SELECT epoch, seq, leaf, line FROM events WHERE store = ? ORDER BY epoch, seq", (store,)):
            by_epoch[epoch].append((seq, bytes(leaf), bytes(line)))
        self.runs = collections.defaultdict(list)
        for epoch, *run in db.execute("SELECT lower(hex(e.epoch)), r.first, r.last, r.h_last FROM run r JOIN epoch e"
                                      " ON e.id = r.epoch JOIN store s ON s.id = e.store WHERE s.name = ?", (store,)):
            self.runs[epoch].append(tuple(run))
        self.events, self.end = [], (None, 0, bytes(32))
        for epoch in self.order(by_epoch):
            self.read_epoch(epoch, by_epoch[epoch])

    @staticmethod
    def order(by_epoch):
        """The epochs, each behind the one that its first line names."""
        before = {e: json.loads(rows[0][2])["properties"].get("prev_epoch") for e, rows in by_epoch.items()}
        done = []
        while ready := sorted(e for e, p in before.items() if e not in done and (p in done or p not in before)):
            done += ready
        return done + sorted(e for e in before if e not in done)

    def read_epoch(self, epoch, rows):
        prev, h = self.end, bytes(32)
        for at, (seq, leaf, line) in enumerate(rows, 1):
            if seq != at:
                self.fail(f"epoch {epoch}: seq {at} is missing")
                return
            if hashlib.sha256(line).digest() != leaf:
                self.fail(f"epoch {epoch} seq {seq}: the leaf is not the line's")
            h = hashlib.sha256(h + bytes.fromhex(epoch) + seq.to_bytes(8, "big") + leaf).digest()
            parsed = json.loads(line)
            event = Event(parsed, len(self.events), epoch, seq, self.open(parsed, epoch, seq))
            if event.message_id != f"{self.store}:{epoch}:{seq}":
                self.fail(f"epoch {epoch} seq {seq}: messageId is {event.message_id}")
            if seq == 1:
                self.check_opened(event, prev)
            self.events.append(event)
        self.end = (epoch, len(rows), h)
        if self.runs[epoch] != [(1, len(rows), h)]:
            self.fail(f"epoch {epoch}: {len(rows)} events are held with another end than was confirmed")

    def check_opened(self, event, prev):
        """An epoch names the end of the one before it."""
        p = event.properties
        named = (p.get("prev_epoch"), p.get("prev_last_seq"), p.get("prev_h"))
        if event.name != "Epoch Opened" or named != (prev[0], prev[1], prev[2].hex()):
            self.fail(f"{event}: names {named} as the end before it, that was {prev[0], prev[1], prev[2].hex()}")

    def open(self, line, epoch, seq):
        """The plain text of `sealed`, or None."""
        sealed = line["context"]["laneway"].get("sealed")
        if not sealed:
            return None
        kid = b64(sealed["k"])
        if kid not in self.visit_keys:
            self.fail(f"{line['messageId']}: HQ has no key for its sealed field")
            return None
        w = self.visit_keys[kid]
        ad = self.store.encode() + b"\0" + bytes.fromhex(epoch) + seq.to_bytes(8, "big")
        try:
            key = self.vault.decrypt(w[:12], w[12:], b"visit-key\0" + kid)
            return json.loads(AESGCM(key).decrypt(b64(sealed["n"]), b64(sealed["c"]), ad))
        except InvalidTag:
            self.fail(f"{line['messageId']}: its sealed field does not open")
            return None
