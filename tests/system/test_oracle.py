"""The comparison itself: it is quiet after an honest day, and each lie in the log or in HQ's file makes it speak."""

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from rig import BUILD, Rig, until
from store import applied

pytestmark = [pytest.mark.xdist_group("oracle"), pytest.mark.takes(25)]

ORACLE = Path(__file__).resolve().parents[2] / "tools" / "demo" / "oracle.py"


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A few seconds of trade with a kill in them. The seed has each rare message in it, more than once."""
    rig = Rig(tmp_path_factory.mktemp("day"), build=BUILD, lanes=tuple("123456"), customers=200, aim=True, seed=5)
    rig.setup()
    try:
        rig.bring_up()
        rig.start_sim(8, 100.0)
        until(lambda: rig.hq_events() > 100, 20, "events at HQ")
        rig.kill("daemon")
        rig.start_daemon()
        assert rig.processes["sim"].wait(60) == 0
        until(rig.drained, 30, "the drain")
        until(lambda: applied(rig), 10, "HQ to have folded every event")
    finally:
        rig.stop_all()
    return rig


def compare(rig, sim, db):
    p = subprocess.run(["/usr/bin/python3", ORACLE, "--sim", sim, "--db", db, "--keys", rig.keys, "--store", rig.store,
                        "--zone", rig.timezone, "--day-cut", rig.day_cut],
                       text=True, capture_output=True)
    return p.returncode, p.stdout, p.stderr


def sent(rig):
    return [json.loads(line) for line in open(rig.sim_dir / "sent.jsonl", encoding="utf-8")]


def first(records, test):
    return next(r for r in records if test(r))


def message(records, kind, test=lambda m: True):
    return first(records, lambda r: r["type"] == "till" and r["message"]["type"] == kind and test(r["message"]))["message"]


def with_log(rig, folder, records):
    sim = folder / "sim"
    sim.mkdir()
    (sim / "sent.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    shutil.copy(rig.sim_dir / "tail.jsonl", sim)
    return sim


def test_an_honest_day_has_no_differences(day):
    code, out, err = compare(day, day.sim_dir, day.work / "hq" / "hq.db")
    assert code == 0 and err == "" and json.loads(out)["events"] > 100, err


LIES = {
    "a line's price": lambda r: message(r, "line_added").update(price="77.77"),
    "a line's way of entry": lambda r: message(r, "line_added").update(entry_method="typed"),
    "the name of a line that was removed": lambda r: message(
        r, "line_added", lambda m: m["line"] == message(r, "line_removed")["line"]
        and m["basket"] == message(r, "line_removed")["basket"]).update(name="Another"),
    "why a line was removed": lambda r: message(r, "line_removed").update(reason="other"),
    "a changed quantity": lambda r: message(r, "line_changed").update(quantity="99"),
    "who approved": lambda r: message(r, "line_changed").update(approver_ref="S99"),
    "who stood at the till": lambda r: message(r, "basket_opened").update(staff_ref="S99"),
    "a value at the subtotal": lambda r: message(r, "tender_started").update(value="0.01"),
    "a product of an order": lambda r: message(r, "order_completed")["products"][0].update(tax_rate="7.0"),
    "a tender": lambda r: message(r, "order_completed")["tenders"][0].update(type="voucher"),
    "who approved a price": lambda r: message(
        r, "line_changed", lambda m: "price" in m).update(approver_ref="S99"),
    "a changed price": lambda r: message(r, "line_changed", lambda m: "price" in m).update(price="0.01"),
    "a price before it was changed": lambda r: message(
        r, "line_added", lambda m: any(x["type"] == "till" and x["message"]["type"] == "line_changed"
                                       and (x["message"]["basket"], x["message"]["line"]) == (m["basket"], m["line"])
                                       for x in r)).update(price="77.77"),
    "why a refund had no receipt": lambda r: message(
        r, "refund", lambda m: "no_receipt_reason" in m).update(no_receipt_reason="other"),
    "why a customer was removed": lambda r: message(r, "customer_removed").update(reason="other"),
    "a cancelled order": lambda r: message(r, "order_cancelled").update(order_id="demo/T1/2026-01-01/1"),
    "a basket that was for training": lambda r: message(
        r, "basket_opened", lambda m: m.get("training")).update(training=False),
    "a refund's order": lambda r: message(r, "refund").update(original_order_id="demo/T1/2026-01-01/1"),
    "a typed number": lambda r: message(r, "customer_chosen").update(value="+4915123000000"),
    "a message that was never sent": lambda r: r.remove(first(
        r, lambda x: x["type"] == "till" and x["message"]["type"] == "line_added")),
    "a message that HQ does not hold": lambda r: r.append(
        {"type": "till", "till": "T1", "lane": "1", "t_us": 1,
         "message": {"type": "basket_voided", "basket": "B", "source_message_id": "x:1"}}),
    "an acknowledgement elsewhere": lambda r: first(
        r, lambda x: x["type"] == "answer" and x["answer"]["type"] == "kept")["answer"].update(seq=9999),
    "another card": lambda r: first(
        r, lambda x: x["type"] == "scan" and x["what"] == "known").update(payload="2600100000014"),
    "what a scanner read": lambda r: first(r, lambda x: x["type"] == "scan").update(symbology="]Q3"),
    "a tap that nobody made": lambda r: r.remove(first(r, lambda x: x["type"] == "tap")),
    "another customer in a basket": lambda r: first(
        r, lambda x: x["type"] == "basket" and x["person"]).update(person="X000199"),
    "a time before it was sent": lambda r: [x.update(t_us=x["t_us"] + 60_000_000) for x in r if x["type"] == "till"],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_in_the_log_is_found(day, tmp_path, lie):
    records = sent(day)
    LIES[lie](records)
    code, _, err = compare(day, with_log(day, tmp_path, records), day.work / "hq" / "hq.db")
    assert code == 1 and "DIFFERENT" in err, lie


def test_two_messages_that_changed_places_are_found(day, tmp_path):
    records = sent(day)
    at = [i for i, r in enumerate(records) if r["type"] == "till" and r["till"] == "T1"][3:5]
    records[at[0]], records[at[1]] = records[at[1]], records[at[0]]
    code, _, err = compare(day, with_log(day, tmp_path, records), day.work / "hq" / "hq.db")
    assert code == 1 and "not in sending order" in err


@pytest.mark.parametrize("sql", [
    "DELETE FROM event WHERE id = (SELECT max(id) FROM event)",
    "DELETE FROM event WHERE id = 40",
    "DELETE FROM visit_key WHERE id = (SELECT min(id) FROM visit_key)",
    "UPDATE profile SET spend = spend + 1 WHERE visits > 0",
    "UPDATE profile SET visits = 1 WHERE n = (SELECT min(n) FROM profile WHERE visits = 0)",
    "UPDATE event SET line = CAST(replace(CAST(line AS TEXT), '\"training\":false', '\"training\":true') AS BLOB)"
    " WHERE id = (SELECT min(id) FROM event WHERE CAST(line AS TEXT) LIKE '%\"training\":false%')",
    "INSERT INTO fork(epoch, seq, leaf, line, reason, arrived_us) VALUES(1, 1, x'00', x'00', 'other_leaf', 0)",
])
def test_a_lie_in_hqs_file_is_found(day, tmp_path, sql):
    db = tmp_path / "hq.db"
    with sqlite3.connect(day.work / "hq" / "hq.db") as held, sqlite3.connect(db) as copy:
        held.backup(copy)
    with sqlite3.connect(db) as copy:
        assert copy.execute(sql).rowcount > 0
    code, _, err = compare(day, day.sim_dir, db)
    assert code == 1 and "DIFFERENT" in err
