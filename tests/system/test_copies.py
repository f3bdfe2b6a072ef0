"""Copies: a backup brought back, a cloned card, two boxes at a store, a swapped box, HQ's database of yesterday."""

import copies
import forge
import pytest
from copies import Box2, Told
from peer import as_device
from rig import until
from store import customers, hq_profile, lane, post

pytestmark = pytest.mark.takes(12)

PHONE = "0172 8394057"


def test_01_a_store_brought_back_from_its_backup(rig):
    """Goal: HQ holds what came between backup and restore; what tills send again counts once; the branch is shown."""
    told, anna = Told(), customers(rig)[3]
    till = told.till(rig, "T1", "day")
    told.sale(till, "T1", "B1", "0001", anna)
    copies.back_up(rig.work / "store" / "journal.db", rig.work / "backup.db")
    between = till.counter
    told.sale(till, "T1", "B2", "0002", anna)
    copies.settled(rig, rig)
    held = rig.hq_events()
    old = rig.status()["epoch"]

    # HQ and the broker are gone; a third sale is kept, but the till never hears of it, and then the box is set back.
    rig.kill("hq")
    rig.kill("broker")
    unheard = till.counter
    for kind, members in (("basket_opened", {"basket": "B3"}), ("line_added", till.line("B3")),
                          ("order_completed", till.order("B3", "0003"))):
        till.send(kind, **members)
    rig.kill("daemon")
    till.close()
    copies.restore(rig.work / "backup.db", rig.work / "store" / "journal.db")
    rig.start_broker()
    rig.start_hq()
    rig.start_daemon()

    # The till sends again what it was not told of: this time from its last sale on, as one does that lost its memory.
    till = told.till(rig, "T1", "day")
    till.counter = between
    told.sale(till, "T1", "B2", "0002", anna)
    assert till.counter == unheard
    till.kept("basket_opened", basket="B3")
    till.kept("line_added", **till.line("B3"))
    till.kept("order_completed", **till.order("B3", "0003"))
    copies.settled(rig, rig)

    assert copies.hq_rows(rig, "SELECT count(*) FROM events WHERE epoch = ?", old)[0][0] >= held - 1
    copies.all_held(rig, told)
    copies.every_branch_whole(rig)
    assert copies.sales(rig) == {"0001": 149, "0002": 149, "0003": 149}
    assert hq_profile(rig, anna["customer_id"])[1:] == (2, 298)
    status = copies.hq_status(rig)
    assert copies.alarms(rig) == ["successor_below"] and status["forked"] == 0
    assert status["came_twice"] == unheard - between
    shown = copies.hq_show(rig, "forks")
    assert "brought back from a backup" in shown and old in shown
    assert rig.status()["sync"]["notes"] == []


def test_02_a_cloned_card(rig):
    """Goal: two boxes run from one journal under one name; both branches are at HQ whole, and an alarm says so."""
    told = Told()
    told.sale(told.till(rig, "T1", "a"), "T1", "B1", "0001")
    rig.kill("hq")  # what both have not sent yet is the same
    told.sale(told.till(rig, "T2", "b", "2"), "T2", "B2", "0002")
    assert rig.stop("daemon") == 0
    clone = Box2(rig, "clone")
    for f in (rig.work / "store").iterdir():
        if f.is_file():
            (clone.data / f.name).write_bytes(f.read_bytes())
    rig.start_hq()
    rig.start_daemon()
    clone.start()
    for n in range(3, 6):
        told.sale(told.till(rig, "T1", f"a{n}"), "T1", f"B{n}", f"000{n}")
        told.sale(told.till(clone, "T3", f"c{n}", "3"), "T3", f"C{n}", f"001{n}")
    copies.settled(rig, rig, clone)
    copies.all_held(rig, told)
    copies.every_branch_whole(rig)
    assert copies.sales(rig) == {r: 149 for r in
                                 ("0001", "0002", "0003", "0004", "0005", "0013", "0014", "0015")}
    assert copies.alarms(rig) == ["two_successors"]
    shown = copies.hq_show(rig, "forks", rig.store)
    assert "2 epochs follow it" in shown and rig.status()["epoch"] in shown and clone.status()["epoch"] in shown


def test_03_two_boxes_at_one_store(rig):
    """Goal: two devices, each with its own epochs: both drain, nothing is an alarm, neither minds the other's words."""
    rig.tool("laneway-hq", "ca", "device", rig.keys, rig.store, "box-2", "--out", rig.work / "device2")
    told, other = Told(), Box2(rig, "second", "box-2", rig.work / "device2").start()
    for n in range(1, 4):
        told.sale(told.till(rig, "T1", f"a{n}"), "T1", f"B{n}", f"000{n}")
        told.sale(told.till(other, "T5", f"b{n}"), "T5", f"C{n}", f"100{n}")
    copies.settled(rig, rig, other)
    copies.all_held(rig, told)
    copies.every_branch_whole(rig)
    assert len(copies.sales(rig)) == 6
    status = copies.hq_status(rig)
    assert status["alarms"] == [] and status["came_twice"] == 0
    assert sorted({e["device"] for s in status["stores"] for e in s["epochs"]}) == ["box-1", "box-2"]
    for box in (rig, other):
        sync = box.status()["sync"]
        assert (sync["forked"], sync["foreign"], sync["lost"], sync["notes"]) == (0, 0, 0, [])
    until(lambda: other.status()["sync"]["profiles"] == rig.customers, 20, "the second box's own shard")


def test_04_a_swapped_box(rig):
    """Goal: a box dies with events that were never sent; another takes its place; the old one's card is read at HQ."""
    told = Told()
    told.sale(told.till(rig, "T1", "a"), "T1", "B1", "0001")
    copies.settled(rig, rig)
    rig.kill("broker")
    told.sale(told.till(rig, "T1", "b"), "T1", "B2", "0002")
    rig.kill("daemon")
    rig.start_broker()
    rig.tool("laneway-hq", "ca", "device", rig.keys, rig.store, "box-2", "--out", rig.work / "device2")
    other = Box2(rig, "second", "box-2", rig.work / "device2").start()
    told.sale(told.till(other, "T1", "c"), "T1", "B3", "0003")
    copies.settled(rig, other)
    assert copies.sales(rig) == {"0001": 149, "0003": 149}
    for _ in range(2):  # a card that is read twice is the same events
        copies.hq_show(rig, "salvage", rig.work / "store" / "journal.db", "--ingest")
        until(lambda: copies.sales(rig) == {"0001": 149, "0002": 149, "0003": 149}, 20, "what was on the card to count")
        copies.all_held(rig, told)
        copies.every_branch_whole(rig)
        status = copies.hq_status(rig)
        assert (status["alarms"], status["forked"], status["quarantined"], status["came_twice"]) == ([], 0, 0, 0)


def test_05_an_hq_database_of_yesterday(make_rig):
    """Goal: only hq.db is brought back: HQ notices by itself, the store sends the difference, nothing differs."""
    rig = make_rig().bring_up()
    rig.start_sim(2, 20.0)
    until(lambda: not rig.alive("sim"), 60, "the first day")
    copies.settled(rig, rig)
    before = rig.status()["sync"]["generation"]
    copies.back_up(rig.work / "hq" / "hq.db", rig.work / "yesterday.db")
    kept = rig.hq_events()
    told = Told()
    till = told.till(rig, "T1", "next-day")
    for n in range(1, 4):
        told.sale(till, "T1", f"X{n}", f"900{n}")
    copies.settled(rig, rig)
    batches = rig.status()["counters"]["laneway_batches_sent_total"]
    rig.kill("hq")
    copies.restore(rig.work / "yesterday.db", rig.work / "hq" / "hq.db")
    rig.start_hq()
    assert rig.hq_events() == kept
    until(lambda: rig.status()["sync"]["generation"] != before, 70, "the store to hear the new generation")
    copies.settled(rig, rig)
    until(lambda: rig.status()["sync"]["profiles"] == rig.customers, 20, "the shard to be fetched anew")
    copies.all_held(rig, told)
    copies.every_branch_whole(rig)
    assert {f"900{n}" for n in range(1, 4)} <= set(copies.sales(rig))
    status = copies.hq_status(rig)
    assert [g["cause"] for g in status["generations"]] == ["mark"] and status["lost"] == [] and status["forked"] == 0
    assert "RESTORED" in copies.hq_show(rig, "status")
    # Only what HQ lacked went again.
    assert rig.status()["counters"]["laneway_batches_sent_total"] - batches <= 3
    assert "HQ's database was restored" in rig.log_of("daemon")


def test_06_all_of_hq_of_yesterday_and_what_was_deleted_since(rig):
    """Goal: HQ's whole folder is brought back: the store proves it; what it had deleted since is listed as lost."""
    told = Told()
    told.sale(told.till(rig, "T1", "a"), "T1", "B1", "0001")
    copies.settled(rig, rig)
    rig.stop("hq")
    (rig.work / "yesterday").mkdir()
    for f in (rig.work / "hq").iterdir():
        (rig.work / "yesterday" / f.name).write_bytes(f.read_bytes())
    held = rig.hq_events()
    rig.start_hq()
    told.sale(told.till(rig, "T1", "b"), "T1", "B2", "0002")
    copies.settled(rig, rig)
    gone, last = rig.status()["epoch"], rig.status()["seq"]
    rig.stop("daemon")
    copies.age_journal(rig, 30)
    rig.start_daemon()
    until(lambda: copies.deleted_through(rig, gone) == last, 60, "the old events to be deleted at the store")
    before = rig.status()["sync"]["generation"]
    rig.stop("hq")
    copies.restore(rig.work / "hq" / "hq.db", rig.work / "newest.db")
    for f in (rig.work / "hq").iterdir():
        if f.is_file():
            f.unlink()
    for f in (rig.work / "yesterday").iterdir():
        (rig.work / "hq" / f.name).write_bytes(f.read_bytes())
    rig.start_hq()
    until(lambda: rig.status()["sync"]["generation"] not in (before, None), 70, "the store to prove the restore")
    until(lambda: rig.status()["sync"]["lost"] == last - held, 30, "the store to list what is lost")
    status = copies.hq_status(rig)
    assert [g["cause"] for g in status["generations"]] == ["store"]  # by itself HQ could not know
    assert [(x["epoch"], x["first"], x["last"]) for x in status["lost"]] == [(gone, held + 1, last)]
    assert [(n["kind"], n["epoch"], n["first"], n["last"]) for n in rig.status()["sync"]["notes"]] == [
        ("lost", gone, held + 1, last)]
    shown = rig.tool("laneway", "--socket", rig.work / "api.sock", "status", check=False)
    assert shown.returncode == 1 and "lost at HQ" in shown.stdout and gone in shown.stdout
    assert "LOST" in copies.hq_show(rig, "status")
    until(rig.drained, 30, "what is still held to be confirmed again")
    # A newer copy of hq.db turns up after all: nothing is lost any more, on both sides.
    told.sale(told.till(rig, "T1", "c"), "T1", "B3", "0003")
    copies.settled(rig, rig)
    rig.stop("hq")
    copies.restore(rig.work / "newest.db", rig.work / "hq" / "hq.db")
    rig.start_hq()
    until(lambda: rig.status()["sync"]["lost"] == 0, 70, "nothing to be lost any more")
    copies.settled(rig, rig)
    copies.all_held(rig, told)
    copies.every_branch_whole(rig)
    status = copies.hq_status(rig)
    assert status["lost"] == [] and len(copies.sales(rig)) == 3
    assert [g["cause"] for g in status["generations"]] == ["mark"]


def test_07_a_person_says_that_hq_was_restored(rig):
    """Goal: the command works with HQ running; every store asks, has nothing to send, and fetches its profiles anew."""
    told = Told()
    told.sale(told.till(rig, "T1", "a"), "T1", "B1", "0001")
    copies.settled(rig, rig)
    before = rig.status()["sync"]["generation"]
    assert "begins: every store asks" in copies.hq_show(rig, "restored")
    until(lambda: rig.status()["sync"]["generation"] != before, 20, "the store to hear it")
    copies.settled(rig, rig)
    assert [g["cause"] for g in copies.hq_status(rig)["generations"]] == ["command"]
    until(lambda: rig.status()["sync"]["profiles"] == rig.customers, 20, "the shard to be fetched anew")
    copies.all_held(rig, told)


def test_08_a_machine_that_was_set_back_while_it_ran(rig):
    """Goal: another copy went on in the same epoch: what HQ refuses stays at the store, shown, not sent for ever, until settled."""
    told = Told()
    told.sale(told.till(rig, "T1", "a"), "T1", "B1", "0001")
    until(lambda: "clock: trusted" in rig.log_of("daemon"), 20, "the box's own events of its start")
    copies.settled(rig, rig)
    epoch, seq = bytes.fromhex(rig.status()["epoch"]), rig.status()["seq"]
    h, = copies.hq_rows(rig, "SELECT h_last FROM run JOIN epoch ON epoch.id = run.epoch WHERE epoch.epoch = ?", epoch)[0]
    others = [forge.event(rig.store, epoch, seq + 1 + i, "Basket Opened", {"other": i}) for i in range(3)]
    device = as_device(rig)
    device.publish(f"laneway/1/{rig.store}/up", forge.batch(epoch, seq + 1, others, h))
    until(lambda: copies.hq_rows(rig, "SELECT max(last) FROM run")[0][0] == seq + 3, 10, "HQ to hold the other copy's events")
    device.close()
    rig.kill("broker")  # so that ours go in one batch, and HQ refuses all of it
    told.sale(told.till(rig, "T2", "b", "2"), "T2", "B2", "0002")
    last = rig.status()["seq"]
    rig.start_broker()
    until(lambda: rig.status()["sync"]["forked"] == last - seq, 30, "HQ to refuse ours")
    journal = rig.status()["journal"]  # HQ's "through" is the other copy's
    assert journal["events"] - journal["confirmed"] >= last - seq
    copies.all_held(rig, told)
    runs = [(n["kind"], n["first"], n["last"], n["reason"]) for n in rig.status()["sync"]["notes"]]
    assert sorted(runs) == [("forked", seq + 1, seq + 3, "other_leaf"), ("forked", seq + 4, last, "chain")]
    shown = rig.tool("laneway", "--socket", rig.work / "api.sock", "status", check=False).stdout
    assert "refused by HQ" in shown and f"seq {seq + 1} to {seq + 3} of epoch {epoch.hex()}: other_leaf" in shown
    batches = rig.status()["counters"]["laneway_batches_sent_total"] + rig.status()["counters"]["laneway_batches_resent_total"]

    rig.kill("daemon")
    rig.start_daemon()
    told.sale(told.till(rig, "T1", "c"), "T1", "B3", "0003")
    until(lambda: rig.status()["sync"]["unsent"] == last - seq, 60, "all but what is refused to be confirmed")
    assert rig.status()["sync"]["forked"] == last - seq
    counters = rig.status()["counters"]
    assert counters["laneway_batches_resent_total"] == 0 and batches < 30
    assert copies.sales(rig) == {"0001": 149, "0003": 149}

    shown = copies.hq_show(rig, "forks", rig.store)
    assert f"{last - seq} forked events, {last - seq} of them open" in shown and epoch.hex() in shown
    raw = copies.hq_show(rig, "forks", "--raw", f"{epoch.hex()}:{seq + 1}")
    assert "held at store" in raw and "forked at store" in raw and others[0].decode() in raw
    assert f"{last - seq} forked events are settled" in copies.hq_show(rig, "forks", rig.store, "--settle", epoch.hex())
    copies.settled(rig, rig)
    assert rig.status()["sync"]["forked"] == 0 and rig.status()["sync"]["notes"] == []
    copies.all_held(rig, told)


def test_09_what_a_refused_branch_says_of_customers_is_not_given_up(rig):
    """Goal: HQ includes the other copy's events of the same names; whom ours enrolled stays known on the lanes, after a start too."""
    until(lambda: "clock: trusted" in rig.log_of("daemon"), 20, "the box's own events of its start")
    copies.settled(rig, rig)
    epoch, seq = bytes.fromhex(rig.status()["epoch"]), rig.status()["seq"]
    h, = copies.hq_rows(rig, "SELECT h_last FROM run JOIN epoch ON epoch.id = run.epoch WHERE epoch.epoch = ?", epoch)[0]
    others = [forge.event(rig.store, epoch, seq + 1 + i, "Basket Opened", {"other": i}) for i in range(60)]
    device = as_device(rig)
    device.publish(f"laneway/1/{rig.store}/up", forge.batch(epoch, seq + 1, others, h))
    until(lambda: copies.hq_rows(rig, "SELECT max(last) FROM run")[0][0] == seq + 60, 10, "HQ to hold the other copy's events")
    device.close()
    rig.kill("broker")
    till = Told().till(rig, "T1", "a")
    till.kept("basket_opened", basket="B1")
    post(rig, "/api/v1/lanes/1/enrol", {"first_name": "Mia", "phone": PHONE})
    assert rig.status()["pending"]["events"] == 1 and rig.status()["seq"] < seq + 60
    rig.start_broker()
    until(lambda: rig.status()["sync"]["forked"] > 0, 30, "HQ to refuse ours")
    (rig.work / "more.csv").write_text("customer_id,first_name\nMORE,Nils\n")
    before = rig.status()["sync"]["profiles"]
    rig.tool("laneway-hq", "import", "-c", rig.work / "hq.conf", rig.work / "more.csv")
    until(lambda: rig.status()["sync"]["profiles"] > before, 30, "a round in which HQ says what it includes")
    assert rig.status()["pending"]["events"] == 1
    till.kept("basket_voided", basket="B1")
    till.close()
    for run in range(2):
        till = Told().till(rig, "T1", f"b{run}")
        till.kept("basket_opened", basket=f"C{run}")
        till.kept("customer_chosen", basket=f"C{run}", kind="phone", value=PHONE)
        assert lane(rig)["person"]["first_name"] == "Mia"
        till.kept("basket_voided", basket=f"C{run}")
        till.close()
        rig.kill("daemon")
        rig.start_daemon()
    assert rig.status()["pending"]["events"] == 1
