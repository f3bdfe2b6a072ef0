"""Copies of boxes and databases, and what must be true afterwards: nothing lost, every branch kept, each counted once."""

import json
import shutil
import sqlite3
import subprocess

from rig import free_port, until
from store import Till, applied


class Box2:
    """A second box at the rig's store: its own ports and data, its own device or a copy of the first one's."""

    def __init__(self, rig, name, device="box-1", device_dir=None):
        self.rig, self.name, self.work, self.store = rig, name, rig.work / name, rig.store
        self.data, self.sim_dir = self.work / "data", self.work / "sim"
        self.http_port, self.pos_port = free_port(), free_port()
        for d in (self.work, self.data, self.sim_dir):
            d.mkdir(parents=True, exist_ok=True)
        shutil.copy2(rig.work / "pos.token", self.work / "pos.token")
        text = (rig.work / "store.conf").read_text()
        for old, new in ((f'"{rig.work}/store"', f'"{self.data}"'), ('device = "box-1"', f'device = "{device}"'),
                         (f'"{rig.work}/device"', f'"{device_dir or rig.work / "device"}"'),
                         (f"port = {rig.http_port}", f"port = {self.http_port}"),
                         (f"port = {rig.pos_port}", f"port = {self.pos_port}"),
                         (f'"{rig.work}/api.sock"', f'"{self.work}/api.sock"'),
                         (f"{rig.sim_dir}/", f"{self.sim_dir}/")):
            assert old in text, old
            text = text.replace(old, new)
        (self.work / "store.conf").write_text(text)

    def start(self):
        self.rig.start(self.name, [self.rig.build / "lanewayd", "-c", self.work / "store.conf"])
        self.rig._need(self.name, self.status, 20)
        return self

    def status(self):
        p = self.rig.tool("laneway", "--socket", self.work / "api.sock", "--json", "status", check=False)
        try:
            return json.loads(p.stdout)
        except ValueError:
            return None

    def drained(self):
        s = self.status()
        return bool(s and s["journal"]["events"] == s["journal"]["confirmed"])


class Told:
    """What tills were told is kept: (store's till, message id, epoch, seq, count)."""

    def __init__(self):
        self.kept = []

    def till(self, box, name, session, lane="1"):
        till = Till(box, name, lane, session)
        till.told = self
        return till

    def sale(self, till, name, basket, receipt, customer=None):
        """A whole sale; every answer is remembered."""
        first = till.counter + 1
        till.kept("basket_opened", basket=basket)
        if customer:
            till.kept("customer_chosen", basket=basket, kind="loyalty", value=customer["loyalty"])
        till.kept("line_added", **till.line(basket))
        till.kept("tender_started", basket=basket, value="1.49")
        till.kept("order_completed", **till.order(basket, receipt))
        for a in till.answers:
            if a["type"] == "kept" and int(a["source_message_id"].split(":")[1]) >= first:
                self.kept.append((name, a["source_message_id"], a["epoch"], a["seq"], a["count"]))


def hq_rows(rig, sql, *args):
    with rig.hq() as db:
        return db.execute(sql, args).fetchall()


def hq_status(rig):
    return json.loads(rig.tool("laneway-hq", "status", "--json", "-c", rig.work / "hq.conf").stdout)


def hq_show(rig, *args):
    return rig.tool("laneway-hq", *args, "-c", rig.work / "hq.conf").stdout


def all_held(rig, told):
    """Every event that a till was told of is at HQ under that name, counted or raw, and says so itself."""
    lines = {}
    for epoch, seq, line in hq_rows(
            rig, "SELECT lower(hex(epoch.epoch)), seq, line FROM (SELECT epoch, seq, line FROM event UNION ALL"
                 " SELECT epoch, seq, line FROM fork) r JOIN epoch ON epoch.id = r.epoch"):
        lines.setdefault((epoch, seq), []).append(json.loads(line)["context"]["laneway"])
    for till, message, epoch, seq, count in told.kept:
        for at in range(seq, seq + count):
            said = [(c["source"], c.get("source_message_id")) for c in lines.get((epoch, at), [])]
            assert (f"till:{till}", message) in said, f"{till} was told that {message} is kept as {epoch}:{at}; HQ has {said}"


def every_branch_whole(rig):
    """No gap in what HQ holds of any epoch."""
    for epoch, first, held in hq_rows(rig, "SELECT epoch, min(seq), max(seq) - count(*) FROM events GROUP BY epoch"):
        assert (first, held) == (1, 0), f"epoch {epoch} has gaps"


def sales(rig):
    return {number.split("/")[-1]: amount for number, amount in hq_rows(rig, "SELECT order_id, amount FROM sale")}


def settled(rig, *boxes):
    for box in boxes:
        until(box.drained, 60, f"every event of {getattr(box, 'name', 'the box')} to be confirmed")
    until(lambda: applied(rig), 20, "HQ to have folded every event")


def alarms(rig):
    return sorted(a["kind"] for a in hq_status(rig)["alarms"])


def back_up(source, to):
    """A consistent copy of a database that is in use, as a nightly backup makes it."""
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as a, sqlite3.connect(to) as b:
        a.backup(b)
    b.close()


def restore(copy, to):
    for suffix in ("", "-wal", "-shm"):
        to.with_name(to.name + suffix).unlink(missing_ok=True)
    shutil.copy2(copy, to)


def prove(rig, day):
    return subprocess.run([str(rig.build / "laneway-hq"), "prove", rig.store, day, "-c", str(rig.work / "hq.conf")], text=True,
                          capture_output=True, check=False)


def age_journal(rig, days):
    """The store's packs are so much older, and nothing but their confirmation keeps them. The daemon is not running."""
    db = sqlite3.connect(rig.work / "store" / "journal.db")
    with db:
        db.execute("UPDATE pack SET wall_us = wall_us - ? WHERE wall_us > 0", (days * 86400 * 1000000,))
        db.execute("DELETE FROM awaited")
        db.execute("DELETE FROM meta WHERE name = 'mark.covered'")
    db.close()


def deleted_through(rig, epoch):
    with sqlite3.connect(f"file:{rig.work}/store/journal.db?mode=ro", uri=True, timeout=5) as db:
        row = db.execute("SELECT deleted FROM epoch WHERE epoch = ?1 UNION ALL SELECT last FROM past WHERE epoch = ?1",
                         (bytes.fromhex(epoch),)).fetchone()
    return row[0] if row else 0

