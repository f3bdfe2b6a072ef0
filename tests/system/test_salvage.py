"""A damaged journal, and a rescued card: what can be read comes to HQ under its own names, once."""

import json
import os
import shutil

from rig import until
from store import Scanner, Till, applied, customers, hq_lines, lane, post, up

PAGE = 4096


def names(rig):
    """Every event HQ holds, by (epoch, seq)."""
    with rig.hq() as db:
        return [tuple(row) for row in db.execute("SELECT hex(e.epoch), v.seq FROM event v JOIN epoch e ON e.id = v.epoch")]


def salvage(rig, file, *args, check=True):
    done = rig.tool("laneway-hq", "salvage", file, "--json", "-c", rig.work / "hq.conf", *args, check=check)
    return json.loads(done.stdout)


def sell(rig, receipts, session="t"):
    till = Till(rig, session=session)
    anna = customers(rig)[0]
    for receipt in receipts:
        basket = f"B{receipt}"
        till.kept("basket_opened", basket=basket)
        till.kept("customer_chosen", basket=basket, kind="loyalty", value=anna["loyalty"])
        till.kept("line_added", **till.line(basket))
        till.kept("order_completed", **till.order(basket, receipt))
    till.close()


def orders(rig):
    return sorted(line["properties"]["receipt_number"] for line in hq_lines(rig, "Order Completed"))


def test_a_rescued_card_is_taken_in_once_with_names(make_rig, tmp_path):
    """Goal: a box that dies with unsent sales loses none of them, and HQ knows whose they were."""
    rig = make_rig()
    rig.bring_up()
    sell(rig, ["0001", "0002"])
    until(rig.drained, 30, "the first sales at HQ")
    rig.stop("hq")
    sell(rig, ["0003", "0004", "0005"], session="u")
    rig.kill("daemon")
    card = tmp_path / "card"
    card.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        shutil.copy(rig.work / "store" / name, card / name)
    before = {f: (card / f).read_bytes() for f in os.listdir(card)}

    report = salvage(rig, card / "journal.db")
    new = sum(e["new"] for e in report["epochs"])
    assert report["store"] == "demo" and new > 0
    assert report["keys"]["device_only"] == 0
    assert salvage(rig, card / "journal.db", "--ingest")["ingested"] == new
    assert salvage(rig, card / "journal.db", "--ingest")["ingested"] == 0
    assert orders(rig) == ["0001", "0002", "0003", "0004", "0005"]

    # A running HQ takes it too; and the box, which was not dead after all, adds nothing.
    rig.start_hq()
    assert salvage(rig, card / "journal.db", "--ingest")["ingested"] == 0
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    rig.start_daemon()
    until(rig.drained, 30, "the store's events to be confirmed")
    held = names(rig)
    assert len(held) == len(set(held))
    assert orders(rig) == ["0001", "0002", "0003", "0004", "0005"]
    with rig.hq() as db:
        assert db.execute("SELECT count(*) FROM fork").fetchone() == (0,)
        # Every sale has its owner: the visit keys came along.
        assert db.execute("SELECT count(*), count(owner) FROM sale").fetchone() == (5, 5)
    assert {f: (card / f).read_bytes() for f in os.listdir(card)} == before


def test_a_running_hq_takes_a_card_in(make_rig):
    """Goal: nobody has to stop HQ for it."""
    rig = make_rig()
    rig.bring_up()
    rig.stop("broker")
    sell(rig, ["0001"])
    rig.kill("daemon")
    new = sum(e["new"] for e in salvage(rig, rig.work / "store" / "journal.db")["epochs"])
    assert salvage(rig, rig.work / "store" / "journal.db", "--ingest")["ingested"] == new >= 4
    assert orders(rig) == ["0001"]


def test_a_damaged_journal_is_set_aside_and_comes_back(make_rig):
    """Goal: the store sells on at once, and what can be read of the damaged file reaches HQ under its old names."""
    rig = make_rig()
    rig.bring_up()
    rig.stop("hq")
    sell(rig, [f"{n:04}" for n in range(1, 21)])
    epoch = rig.status()["epoch"]
    rig.stop("daemon")
    journal = rig.work / "store" / "journal.db"
    with open(journal, "r+b") as f:
        f.write(bytes(PAGE))
    rig.start_daemon()
    status = rig.status()
    assert status["epoch"] != epoch
    sell(rig, ["0021"], session="v")
    until(lambda: not rig.status()["journal"]["salvage"]["running"], 20, "the salvage")
    rig.start_hq()
    until(rig.drained, 30, "the store's events to be confirmed")
    assert orders(rig) == [f"{n:04}" for n in range(1, 22)]
    held = names(rig)
    assert len(held) == len(set(held))
    assert epoch.upper() in {name for name, _ in held}
    files = rig.status()["journal"]["salvage"]["files"]
    assert [f["damaged"] for f in files.values()] == [[]]
    rig.tool("laneway", "--socket", rig.work / "api.sock", "journal", "verify")


def refund(rig, number):
    product = {"line": "1", "sku": "4006381333931", "name": "Highlighter", "quantity": "1", "unit": "piece",
               "price": "1.49", "line_total": "1.49", "discount": "0.00", "tax_rate": "19.0", "line_kind": "goods"}
    return {"type": "refund", "refund_number": number, "original_order_id": None, "no_receipt_reason": "lost",
            "products": [product], "total": "1.49", "tax": "0.24", "tenders": [{"type": "cash", "amount": "1.49"}]}


def say(till, counter, message):
    till.raw({"source_message_id": f"r:{counter}", **message})
    return till.wait("kept", source_message_id=f"r:{counter}")


def test_a_till_that_sends_again_what_stands_in_a_damaged_journal_is_counted_once(make_rig):
    """Goal: kept in the damaged file, sent again in front of its salvage and behind it: no restart is needed to know it."""
    rig = make_rig()
    rig.bring_up()
    rig.stop("hq")
    till = Till(rig)
    first = [say(till, n, refund(rig, f"{n:04}")) for n in range(1, 41)]
    till.close()
    rig.stop("daemon")
    journal, aside = rig.work / "store" / "journal.db", rig.work / "aside"
    shutil.move(journal, aside)
    journal.write_bytes(bytes(16 * PAGE))  # nothing of it can be read, so far
    rig.start_daemon()
    until(lambda: rig.status()["start"] == "ready", 10, "tills to be heard")
    till = Till(rig)
    again = say(till, 1, refund(rig, "0001"))
    assert again["epoch"] != first[0]["epoch"]
    till.close()
    rig.stop("daemon")
    shutil.move(aside, f"{journal}.unreadable-20261121T170203123Z")  # now it can
    rig.start_daemon()
    until(lambda: rig.status()["journal"]["salvage"]["events"] >= 40, 20, "the salvage")
    until(lambda: rig.status()["journal"]["salvage"]["known"], 10, "its message ids")
    till = Till(rig)
    for n in range(2, 41):
        back = say(till, n, refund(rig, f"{n:04}"))
        assert (back["epoch"], back["seq"], back["order_id"]) == tuple(first[n - 1][k] for k in ("epoch", "seq", "order_id"))
    rig.start_hq()
    until(rig.drained, 30, "the store's events to be confirmed")
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    held = [line["context"]["laneway"]["source_message_id"] for line in hq_lines(rig, "Order Refunded")]
    assert sorted(held) == sorted(["r:1", *(f"r:{n}" for n in range(1, 41))])
    with rig.hq() as db:
        assert db.execute("SELECT count(*), sum(same) FROM message WHERE same IS NOT NULL").fetchone() == (2, 1)
        assert db.execute("SELECT count(*) FROM alarm WHERE kind = 'id_reused'").fetchone() == (0,)


def test_a_customer_enrolled_before_the_damage_is_known_again_without_a_restart(make_rig):
    """Goal: whom a damaged journal brings back is known on the lanes when it has come back, not after the next start."""
    card = "2600047110113"
    rig = make_rig()
    rig.bring_up()
    rig.stop("hq")
    scanner, till = Scanner(rig, "1"), Till(rig)
    until(lambda: up(rig, "scan-1"), 15, "the scanner")
    till.kept("basket_opened", basket="B1")
    scanner.scan(card)
    until(lambda: lane(rig, "1")["new_card"], 5, "the new card")
    post(rig, "/api/v1/lanes/1/enrol", {"first_name": "Mia", "phone": "0172 8394057"})
    for end in (till.close, scanner.unplug):
        end()
    rig.stop("daemon")
    journal = rig.work / "store" / "journal.db"
    with open(journal, "r+b") as f:
        f.write(bytes(PAGE))
    rig.start_daemon()
    scanner, till = Scanner(rig, "1"), Till(rig, session="v")
    until(lambda: rig.status()["journal"]["salvage"]["known"] and not rig.status()["journal"]["salvage"]["running"], 30,
          "what came back")
    assert rig.status()["pending"]["events"] == 1
    until(lambda: up(rig, "scan-1"), 15, "the scanner")
    till.kept("basket_opened", basket="B2")
    scanner.scan(card)
    until(lambda: lane(rig, "1")["person"]["first_name"] == "Mia", 5, "her name")
    rig.start_hq()
    until(lambda: rig.status()["pending"]["events"] == 0, 30, "HQ to include her")
    scanner.unplug()
    till.close()
