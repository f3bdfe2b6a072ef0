"""Days are closed, countersigned and proven, by the real processes."""

import json
import random
import shutil
import signal
import sqlite3

import copies
from copies import Box2, Told
from rig import until


def traded(make_rig, seconds=3):
    rig = make_rig(customers=200, lanes=("1", "2"))
    rig.bring_up()
    rig.start_sim(seconds, 40.0)
    until(lambda: not rig.alive("sim"), seconds + 30, "the simulator to end")
    until(rig.drained, 30, "every event to be confirmed")
    return rig


def test_a_day_is_closed_countersigned_and_proven_until_a_byte_is_changed(make_rig):
    """Goal: prove prints what was received and agrees with the tills; one changed byte of any stored event fails it."""
    rig = traded(make_rig)
    day = rig.close_day()
    until(lambda: rig.countersigned(day), 30, "HQ to countersign the day")
    shown = rig.tool("laneway", "--socket", rig.work / "api.sock", "statements").stdout
    assert f"{day}  " in shown and "countersigned, version 1" in shown
    assert f"{day}  countersigned, version 1" in rig.tool("laneway-hq", "statements", "-c", rig.work / "hq.conf").stdout
    proof = rig.prove(day)
    assert proof.returncode == 0, proof.stdout
    assert proof.stdout.endswith("PROVEN\n") and "agrees" in proof.stdout and "(100.00 %)" in proof.stdout
    said = json.loads(rig.prove(day, "--json").stdout)
    assert said["proven"] and said["received"] == said["stated"] > 50 and len(said["tills"]) == 2
    assert rig.prove("2026-01-01").returncode == 1
    assert rig.prove("yesterday").returncode == 2
    tamper(rig, day)


def tamper(rig, day):
    """Seeded places; HQ keeps running beside it."""
    dice = random.Random(7)
    db = sqlite3.connect(rig.work / "hq" / "hq.db", timeout=10)
    last = db.execute("SELECT s.last_seq FROM statement s").fetchone()[0]
    for _ in range(8):
        row, seq, epoch, line = dice.choice(db.execute(
            "SELECT v.id, v.seq, lower(hex(e.epoch)), v.line FROM event v JOIN epoch e ON e.id = v.epoch"
            " WHERE v.seq <= ?", (last,)).fetchall())
        at = dice.randrange(len(line))
        changed = line[:at] + bytes([line[at] ^ 1 << dice.randrange(8)]) + line[at + 1:]
        with db:
            db.execute("UPDATE event SET line = ? WHERE id = ?", (changed, row))
        proof = rig.prove(day)
        assert proof.returncode == 1 and f"epoch {epoch} seq {seq}: the stored bytes are not" in proof.stdout
        with db:
            db.execute("UPDATE event SET line = ? WHERE id = ?", (line, row))
    db.close()
    assert rig.prove(day).returncode == 0


def test_a_day_that_hq_has_not_heard_of_waits(make_rig):
    """Goal: a store closes its day without HQ; the statement waits, and is countersigned when HQ is back."""
    rig = traded(make_rig)
    rig.kill("hq")
    day = rig.close_day()
    assert rig.statements()["statements"][0]["state"] == "waiting"
    assert "waits for HQ" in rig.tool("laneway", "--socket", rig.work / "api.sock", "statements").stdout
    assert "has not closed this day" in rig.prove(day).stdout
    rig.start_hq()
    until(lambda: rig.countersigned(day), 60, "HQ to countersign the day")
    assert rig.prove(day).returncode == 0
    files = list((rig.work / "store" / "statements").glob(f"{day}-*.v1.json"))
    assert len(files) == 1 and json.loads(files[0].read_text())["version"] == 1


def test_a_box_without_a_signing_key_gets_one(make_rig):
    """Goal: a device that was set up before days were signed works, says what is missing, and closes its days later."""
    rig = make_rig(customers=50, lanes=("1",))
    (rig.work / "device" / "device-sign.key").unlink()
    (rig.keys / "stores" / rig.store / "box-1" / "device-sign.pub").unlink()
    rig.bring_up()
    until(lambda: rig.statements()["blocked"] == "no_key", 10, "the box to say what is missing")
    shown = rig.tool("laneway", "--socket", rig.work / "api.sock", "statements", check=False)
    assert shown.returncode == 1 and "laneway-hq ca sign" in shown.stdout
    made = rig.tool("laneway-hq", "ca", "sign", rig.keys, rig.store, "box-1", "--out", rig.work / "device")
    assert "device-sign.key" in made.stdout and "device-sign.pub" in made.stdout
    again = rig.tool("laneway-hq", "ca", "sign", rig.keys, rig.store, "box-1", "--out", rig.work / "device", check=False)
    assert again.returncode == 1 and "is not replaced" in again.stderr
    rig.stop("daemon")
    rig.start_daemon()
    until(lambda: rig.statements()["open_since"], 10, "the days to begin")
    day = rig.close_day()
    until(lambda: rig.countersigned(day), 30, "HQ to countersign the day")
    assert rig.prove(day).returncode == 0


def test_the_stores_folder_of_statements_comes_back(make_rig):
    """Goal: what HQ countersigned is told anew to a store that lost its folder."""
    rig = traded(make_rig, 1)
    day = rig.close_day()
    until(lambda: rig.countersigned(day), 30, "HQ to countersign the day")
    rig.stop("daemon")
    shutil.rmtree(rig.work / "store" / "statements")
    rig.start_daemon()
    until(lambda: rig.countersigned(day), 30, "the statement to be told anew")


def close_day_of(rig, box):
    conf = box.work / "store.conf"
    conf.write_text(conf.read_text().replace('day_cut = "23:00"', 'day_cut = "01:00"'))
    rig.signal(box.name, signal.SIGHUP)


def test_two_boxes_close_one_day_and_hq_is_restored(make_rig):
    """Goal: each device closes its own ranges, prove takes them together; a restored HQ gives no version twice."""
    rig = make_rig(customers=50)
    rig.bring_up()
    rig.tool("laneway-hq", "ca", "device", rig.keys, rig.store, "box-2", "--out", rig.work / "device2")
    told, other = Told(), Box2(rig, "second", "box-2", rig.work / "device2").start()
    told.sale(told.till(rig, "T1", "a"), "T1", "B1", "0001")
    told.sale(told.till(other, "T5", "b"), "T5", "C1", "1001")
    copies.settled(rig, rig, other)
    copies.back_up(rig.work / "hq" / "hq.db", rig.work / "noon.db")
    day = rig.close_day()
    close_day_of(rig, other)
    until(lambda: rig.countersigned(day), 30, "HQ to countersign the first box")
    until(lambda: rig.prove(day).returncode == 0, 30, "both boxes to have closed, and HQ to have countersigned")
    proof = json.loads(rig.prove(day, "--json").stdout)
    assert [s["device"] for s in proof["statements"]] == ["box-1", "box-2"]
    assert [(t["till"], t["orders"]["received"]) for t in proof["tills"]] == [("T1", 1), ("T5", 1)]
    first = (rig.work / "store" / "statements").glob(f"{day}-*.v1.json").__next__().read_bytes()

    rig.kill("hq")
    copies.restore(rig.work / "noon.db", rig.work / "hq" / "hq.db")
    rig.start_hq()
    until(lambda: any(s["version"] >= 2 for s in rig.statements()["statements"]), 90, "HQ to give the next version")
    until(lambda: rig.prove(day).returncode == 0, 60, "the day to be proven again")
    version = [v for s in json.loads(rig.prove(day, "--json").stdout)["statements"] if s["device"] == "box-1"
               for v in s["versions"]][-1]
    assert version["version"] >= 2 and version["reason"] == "restored"
    assert (rig.work / "store" / "statements").glob(f"{day}-*.v1.json").__next__().read_bytes() == first
