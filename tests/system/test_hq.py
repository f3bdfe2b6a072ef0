"""HQ among real processes: what comes twice, what is wrong, what is told on, and what is brought in."""

import csv
import hashlib
import itertools
import json
import random
import sqlite3
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import forge
import pytest
import wire
from peer import as_device, as_hq, header
from rig import until
from store import Till, applied, cached, customers, hq_lines, hq_profile, post

UP = "laneway/1/demo/up"


@pytest.fixture
def peers():
    """Peers that are closed when the test ends."""
    opened = []

    def open_as(make, *args):
        opened.append(make(*args))
        return opened[-1]

    yield open_as
    for peer in opened:
        peer.close()


def rows(rig, sql, *args):
    with rig.hq() as db:
        return db.execute(sql, args).fetchall()


def hq_status(rig):
    return json.loads(rig.tool("laneway-hq", "status", "--json", "-c", rig.work / "hq.conf").stdout)


def settled(rig):
    """Everything the store has is at HQ, confirmed and folded."""
    until(rig.drained, 30, "the store's events to be confirmed")
    until(lambda: applied(rig), 10, "HQ to have folded every event")


def identified_sale(till, anna, basket, receipt):
    """A sale with this customer; the answer to its order."""
    till.kept("basket_opened", basket=basket)
    till.kept("customer_chosen", basket=basket, kind="loyalty", value=anna["loyalty"])
    till.kept("line_added", **till.line(basket))
    return till.kept("order_completed", **till.order(basket, receipt))


def about(epoch, test):
    """A confirmation whose word on this epoch passes the test."""
    def check(payload):
        return any(e["epoch"] == epoch.hex() and test(e) for e in header(payload).get("epochs", []))
    return check


def of(word, epoch):
    """What a confirmation says of this epoch; it may name the store's own as well."""
    return next(e for e in word["epochs"] if e["epoch"] == epoch.hex())


def answer_to(device, payload, what, test):
    """Publish as the store; the header of HQ's signed answer that passes the test."""
    since = len(device.heard)
    device.publish(UP, payload)
    return header(device.wait(what, test, since)[1])


def carries(rig, event):
    """Does this payload carry such an event?"""
    def check(payload):
        return any(e["event"] == event for e in wire.read_batch(payload, rig.store)["events"])
    return check


def money(rig, anna):
    """(visits, spend) at HQ."""
    return hq_profile(rig, anna["customer_id"])[1:]


# ---- what comes twice, and what is wrong ----

def test_a_batch_that_comes_again_is_confirmed_again_and_counted_once(rig, peers):
    """Goal: a delivery is repeated by a broker, twice; HQ holds and counts what it held and counted."""
    hq, device, anna = peers(as_hq, rig), peers(as_device, rig), customers(rig)[3]
    identified_sale(Till(rig), anna, "B1", "0001")
    settled(rig)
    payload = hq.wait("the order's batch", carries(rig, "Order Completed"))[1]
    before = rows(rig, "SELECT * FROM event ORDER BY id"), money(rig, anna)
    b = wire.read_batch(payload, rig.store)
    for _ in range(2):
        answer_to(device, payload, "HQ to confirm again",
                  about(b["epoch"], lambda e: e["through"] >= b["first"] + b["count"] - 1))
    assert (rows(rig, "SELECT * FROM event ORDER BY id"), money(rig, anna)) == before
    assert before[1] == (1, 149)
    status = hq_status(rig)
    assert (status["forked"], status["quarantined"], status["unreadable"], status["alarms"]) == (0, 0, 0, [])


def test_another_body_under_a_held_seq_is_a_fork(rig, peers):
    """Goal: kept raw, shown, said in the signed confirmation, never counted; the first body stands."""
    hq, device, anna = peers(as_hq, rig), peers(as_device, rig), customers(rig)[3]
    identified_sale(Till(rig), anna, "B1", "0001")
    settled(rig)
    b = wire.read_batch(hq.wait("the order's batch", carries(rig, "Order Completed"))[1], rig.store)
    at = next(i for i, e in enumerate(b["events"]) if e["event"] == "Order Completed")
    lines = b["lines"][:]
    lines[at] = forge.with_other_body(lines[at], total="999.00")
    seq = b["first"] + at
    before = rows(rig, "SELECT * FROM event ORDER BY id")
    since = len(device.heard)
    device.publish(UP, forge.batch(b["epoch"], b["first"], lines, b["h_prev"]))
    said = device.wait("the fork to be named", about(b["epoch"], lambda e: e.get("forked")), since)[1]
    signed, _ = wire.read_frame(b"LNWC", said, rig.store, wire.public_key(rig.keys / "hq-sign.pub"))
    word = next(e for e in signed["epochs"] if e["epoch"] == b["epoch"].hex())
    refused = forge.h_after(b["h_prev"], b["epoch"], b["first"], lines[:at + 1])
    assert word["forked"] == [{"seq": seq, "reason": "other_leaf", "h": refused.hex()}]
    assert rows(rig, "SELECT seq, leaf, line, reason FROM fork") == [
        (seq, wire.leaf(lines[at]), lines[at], "other_leaf")]
    status = hq_status(rig)
    assert status["forked"] == 1 and [a["kind"] for a in status["alarms"]] == ["fork"]
    assert [(r["what"], r["epoch"], r["seq"], r["reason"]) for r in status["raw"]] == [
        ("fork", b["epoch"].hex(), seq, "other_leaf")]
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    assert rows(rig, "SELECT * FROM event ORDER BY id") == before and money(rig, anna) == (1, 149)
    until(lambda: rig.status()["sync"]["foreign"] == 1, 10, "the store to say that another copy of it speaks")
    sync = rig.status()["sync"]
    assert sync["forked"] == 0 and [(n["kind"], n["first"], n["last"]) for n in sync["notes"]] == [("foreign", seq, seq)]


def test_a_second_history_is_a_fork_and_the_first_goes_on(rig, peers):
    """Goal: lines behind the last held seq that do not continue its chain are kept raw; the true ones still count."""
    hq, device = peers(as_hq, rig), peers(as_device, rig)
    till = Till(rig)
    till.sale("B1", "0001")
    settled(rig)
    b = wire.read_batch(hq.wait("the order's batch", carries(rig, "Order Completed"))[1], rig.store)
    seq = rig.status()["seq"] + 1
    false = forge.event(rig.store, b["epoch"], seq, "Basket Opened", {})
    word = answer_to(device, forge.batch(b["epoch"], seq, [false], bytes(32)), "the fork to be named",
                     about(b["epoch"], lambda e: e.get("forked")))
    refused = forge.h_after(bytes(32), b["epoch"], seq, [false]).hex()
    assert {"seq": seq, "reason": "chain", "h": refused} in of(word, b["epoch"])["forked"]
    assert of(word, b["epoch"])["through"] < seq
    assert rows(rig, "SELECT seq, line, reason FROM fork") == [(seq, false, "chain")]
    till.sale("B2", "0002")
    until(lambda: len(hq_lines(rig, "Order Completed")) == 2, 20, "the true events of that seq")
    assert false not in [line for line, in rows(rig, "SELECT line FROM event")]


def test_a_payload_that_cannot_be_read_is_named_by_its_hash(rig, peers):
    """Goal: rubbish on `up`, and lines that do not give the h they claim: named, kept raw, none of it an event."""
    hq, device = peers(as_hq, rig), peers(as_device, rig)
    till, epoch = Till(rig), forge.new_epoch()
    till.sale("B1", "0001")
    settled(rig)
    real = hq.wait("the order's batch", carries(rig, "Order Completed"))[1]
    lines = [forge.opening(rig.store, epoch), forge.event(rig.store, epoch, 2, "Box Started", {})]
    bad = [b"rubbish", real[:-1], real + b"\0", b"LNWB\x09" + real[5:], bytes(3000),
           forge.batch(epoch, 1, lines, h_last=bytes(32)), forge.batch(epoch, 1, lines[::-1])[:60] + bytes(100)]
    before = rig.hq_events()
    for payload in bad:
        answer_to(device, payload, "its hash in a confirmation",
                  lambda p, digest=forge.sha256(payload): digest in header(p).get("unreadable", []))
    assert {(bytes(s).hex(), bytes(p)) for s, p in rows(rig, "SELECT sha256, payload FROM unreadable")} == {
        (forge.sha256(p), p) for p in bad}
    assert rig.hq_events() == before and rows(rig, "SELECT 1 FROM epoch WHERE epoch = ?", epoch) == []
    assert hq_status(rig)["unreadable"] == len(bad)
    till.sale("B2", "0002")
    settled(rig)
    assert len(hq_lines(rig, "Order Completed")) == 2


def test_a_batch_that_hq_cannot_read_comes_again_one_event_at_a_time(rig, peers):
    """Goal: HQ names a real batch unreadable; its events come alone, and nothing is missing in the end."""
    hq, device = peers(as_hq, rig), peers(as_device, rig)
    settled(rig)
    generation = hq_status(rig)["generation"]
    rig.kill("hq")
    till = Till(rig)
    till.sale("B1", "0001")
    payload = hq.wait("a batch of several events", lambda p: wire.read_batch(p, rig.store)["count"] > 1)[1]
    b = wire.read_batch(payload, rig.store)
    since = len(hq.heard)
    word = {"v": 1, "generation": generation, "credit": 262144,
            "accepts": {"wire": [1], "schemas": 1, "dictionaries": [0]}, "epochs": [],
            "unreadable": [hashlib.sha256(payload).hexdigest()]}
    hq.publish(f"laneway/1/{rig.store}/confirm",
               forge.confirmation(wire.private_key(rig.keys / "hq-sign.key"), rig.store, word))
    expected = [[line] for line in b["lines"]]
    until(lambda: [x for p in hq.heard[since:] if (x := wire.read_batch(p[1], rig.store)["lines"]) in expected]
          == expected, 15, "each of its events alone")
    device.wait("our confirmation", lambda p: header(p).get("unreadable") == word["unreadable"])
    rig.start_hq()
    settled(rig)
    assert len(hq_lines(rig, "Order Completed")) == 1


def test_an_event_that_hq_cannot_read_even_alone_is_kept_and_read_after_the_repair(rig, peers):
    """Goal: HQ came up with another box key: what is sealed to the old one ends in its quarantine and is not sent for ever;
    with the right key back, `quarantine retry` makes events of it."""
    anna, box_key = customers(rig)[3], rig.keys / "hq-box.key"
    settled(rig)
    rig.stop("hq")
    right = box_key.read_bytes()
    box_key.write_bytes(subprocess.run(["openssl", "genpkey", "-algorithm", "X25519"], check=True, capture_output=True).stdout)
    rig.start_hq()
    identified_sale(Till(rig), anna, "B1", "0001")
    settled(rig)
    sync, held = rig.status()["sync"], rig.hq_events()
    assert sync["quarantined"] > 0 and sync["unreadable"] == 0 and {n["reason"] for n in sync["notes"]} == {"unreadable"}
    assert rows(rig, "SELECT DISTINCT reason FROM quarantine") == [("unreadable",)] and money(rig, anna) == (0, 0)
    shown = rig.tool("laneway-hq", "quarantine", "-c", rig.work / "hq.conf").stdout
    assert f"{sync['quarantined']} quarantined events" in shown and "the batch of this event alone cannot be read" in shown
    retry = ("laneway-hq", "quarantine", "retry", "-c", rig.work / "hq.conf")
    assert f"{sync['quarantined']} quarantined events tried, 0 can be read now" in rig.tool(*retry).stdout
    rig.stop("hq")
    box_key.write_bytes(right)
    rig.start_hq()
    assert f"{sync['quarantined']} can be read now, 0 stay" in rig.tool(*retry).stdout
    settled(rig)
    assert rig.hq_events() >= held + sync["quarantined"] and rows(rig, "SELECT * FROM quarantine") == []
    until(lambda: money(rig, anna) == (1, 149), 10, "the sale to count for its customer")


def test_a_line_that_is_no_json_is_quarantined_and_counts_as_confirmed(rig, peers):
    """Goal: one bad line does not hold up the others; it is kept raw, named with its reason, and shown."""
    device, epoch = peers(as_device, rig), forge.new_epoch()
    lines = [forge.opening(rig.store, epoch), b"{not json}", forge.event(rig.store, epoch, 3, "Box Started", {}),
             forge.event(rig.store, epoch, 5, "Box Started", {}), b'{"event":"Box Started"}']
    word = answer_to(device, forge.batch(epoch, 1, lines), "all five to be confirmed",
                     about(epoch, lambda e: e["through"] == 5))
    expected = [(2, "not_json"), (4, "wrong_message_id"), (5, "no_envelope")]
    assert [(q["seq"], q["reason"]) for q in of(word, epoch)["quarantined"]] == expected
    assert rows(rig, "SELECT seq, line, reason FROM quarantine ORDER BY seq") == [
        (seq, lines[seq - 1], reason) for seq, reason in expected]
    assert [s for s, in rows(rig, "SELECT seq FROM events WHERE epoch = ? ORDER BY seq", epoch.hex())] == [1, 3]
    status = hq_status(rig)
    assert status["quarantined"] == 3
    assert sorted((r["seq"], r["reason"]) for r in status["raw"] if r["what"] == "quarantine") == expected
    again = answer_to(device, forge.batch(epoch, 1, lines), "the same word again",
                      about(epoch, lambda e: e["through"] == 5 and len(e.get("quarantined", [])) == 3))
    assert "forked" not in of(again, epoch) and hq_status(rig)["quarantined"] == 3


# ---- what others are told ----

class Webhook:
    """The receiver: what arrives stands in `posts` as (time, key, body); `answers` are used up first, then 200."""

    def __init__(self):
        self.posts, self.answers = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posts.append((time.monotonic(), self.headers["Idempotency-Key"], json.loads(body)))
                self.send_response(outer.answers.pop(0) if outer.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, kind):
        return [p for p in list(self.posts) if p[2]["type"] == kind]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def webhook():
    receiver = Webhook()
    yield receiver
    receiver.close()


def rig_with_webhook(make_rig, webhook, **members):
    rig = make_rig()
    rig.webhook_url = webhook.url
    for name, value in members.items():
        setattr(rig, name, value)
    rig.write_hq_conf()
    return rig.bring_up()


def test_an_identified_order_is_on_the_webhook_in_time_and_no_other_is(make_rig, webhook):
    """Goal: a cart mail can be stopped: who, which order, when, and nothing else; anonymous and training say nothing."""
    rig = rig_with_webhook(make_rig, webhook)
    till, anna = Till(rig), customers(rig)[5]
    till.sale("B1", "0001")
    till.kept("basket_opened", basket="B2", training=True)
    till.kept("customer_chosen", basket="B2", kind="loyalty", value=anna["loyalty"])
    till.kept("line_added", **till.line("B2"))
    till.kept("order_completed", **till.order("B2", "0002"))
    order = identified_sale(till, anna, "B3", "0003")
    begun = time.monotonic()
    until(lambda: webhook.posts, 5, "the post")
    took = webhook.posts[0][0] - begun
    print(f"\nwebhook: {took * 1000:.0f} ms after the till heard `kept`")
    settled(rig)
    time.sleep(0.5)  # for what must not come there is nothing to wait for
    [(_, key, body)] = webhook.posts
    at = next(e for e in hq_lines(rig, "Order Completed") if e["properties"]["order_id"] == order["order_id"])
    assert body == {"type": "suppress", "customer_id": hq_profile(rig, anna["customer_id"])[0],
                    "order_id": order["order_id"], "time": at["originalTimestamp"]}
    assert key and took < 5
    assert hq_status(rig)["outbox"]["open"] == 0


def test_a_webhook_that_fails_is_asked_again_under_the_same_key(make_rig, webhook):
    """Goal: nothing is lost to a receiver that answers 500, and it can tell a repetition."""
    webhook.answers = [500, 503]
    rig = rig_with_webhook(make_rig, webhook)
    till, people = Till(rig), customers(rig)
    identified_sale(till, people[5], "B1", "0001")
    until(lambda: len(webhook.posts) == 3, 15, "two repetitions")
    assert len({(key, json.dumps(body)) for _, key, body in webhook.posts}) == 1
    times = [t for t, _, _ in webhook.posts]
    assert 0.8 < times[1] - times[0] < 3 and 1.6 < times[2] - times[1] < 6
    identified_sale(till, people[6], "B2", "0002")
    until(lambda: len(webhook.posts) == 4, 5, "the next order")
    assert webhook.posts[3][1] != webhook.posts[0][1]
    rig.stop("hq")
    rig.start_hq()
    settled(rig)
    assert len(webhook.posts) == 4


def test_a_dark_store_is_told_once_and_so_is_its_return(make_rig, webhook):
    """Goal: silence longer than dark_seconds is published, once; so is the first word after it."""
    rig = rig_with_webhook(make_rig, webhook, dark_seconds=2)
    settled(rig)
    webhook.posts.clear()
    rig.kill("daemon")
    until(lambda: webhook.of("store_dark"), 8, "store_dark")
    time.sleep(1.5)  # for what must not come there is nothing to wait for
    [(_, _, dark)] = webhook.posts
    assert sorted(dark) == ["since", "store", "type"] and dark["store"] == rig.store
    assert hq_status(rig)["stores"][0]["dark_since"] == dark["since"]
    rig.start_daemon()
    until(lambda: webhook.of("store_back"), 8, "store_back")
    back = webhook.of("store_back")[0][2]
    assert sorted(back) == ["store", "time", "type"] and back["time"] > dark["since"]
    assert [p[2]["type"] for p in webhook.posts][:2] == ["store_dark", "store_back"]


# ---- what is brought in ----

def write_csv(path, people):
    with open(path, "w", newline="", encoding="utf-8") as f:
        w = csv.DictWriter(f, people[0].keys())
        w.writeheader()
        w.writerows(people)
    return path


def bring_in(rig, path):
    return rig.tool("laneway-hq", "import", "-c", rig.work / "hq.conf", path, check=False)


@pytest.mark.parametrize("running", [True, False])
def test_an_import_keeps_good_rows_lists_bad_ones_and_doubles_nobody(make_rig, running):
    """Goal: the same whether HQ runs or not, the first time and again."""
    rig = make_rig()
    rig.start_broker()
    if running:
        rig.start_hq()
    people = customers(rig)[:6]
    people[1]["loyalty"] = "2600000000171"
    people[3]["email"] = "nobody"
    people[4]["points"] = "many"
    path = write_csv(rig.work / "some.csv", people)
    first, again = bring_in(rig, path), bring_in(rig, path)
    for result in (first, again):
        assert result.returncode == 1
        bad = [line for line in result.stdout.splitlines() if line.startswith("line ")]
        assert [line.split(":")[:2] for line in bad] == [["line 3", " loyalty"], ["line 5", " email"],
                                                         ["line 6", " points"]], result.stdout
        assert all("expected" in line for line in bad) and "nobody" not in result.stdout
    assert first.stdout.splitlines()[-1] == "3 rows: 3 new / 0 changed / 0 same, 3 bad"
    assert again.stdout.splitlines()[-1] == "3 rows: 0 new / 0 changed / 3 same, 3 bad"
    assert sorted(r[0] for r in rows(rig, "SELECT external FROM profile")) == sorted(
        people[i]["customer_id"] for i in (0, 2, 5))
    assert rows(rig, "SELECT count(*) FROM identifier") == [(sum(
        bool(people[i][k]) for i in (0, 2, 5) for k in ("loyalty", "phone", "email")),)]


def test_a_changed_customer_is_on_the_lanes_shard_within_seconds(rig):
    """Goal: points change by a second import; the store is poked, asks, and answers with the new ones."""
    people = customers(rig)
    pid = hq_profile(rig, people[9]["customer_id"])[0]
    assert cached(rig, pid)["points"] == int(people[9]["points"])
    people[9]["points"] = "77777"
    begun = time.monotonic()
    result = bring_in(rig, write_csv(rig.work / "more.csv", people))
    assert "1 changed" in result.stdout and result.returncode == 0
    until(lambda: cached(rig, pid).get("points") == 77777, 10, "the new points")
    print(f"\nchange on the shard {time.monotonic() - begun:.2f} s after the import began")
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    till.send("customer_chosen", basket="B1", kind="loyalty", value=people[9]["loyalty"])
    assert till.wait("customer", state="known")["points"] == 77777


# ---- what the events make of the profiles ----

def test_refunds_cancellations_and_wrong_customers_change_the_orders_person(rig):
    """Goal: a refund is of the order's person, whoever stands there; a cancelled or detached order counts no more."""
    till, (anna, ben) = Till(rig), customers(rig)[10:12]
    first = identified_sale(till, anna, "B1", "0001")["order_id"]
    second = identified_sale(till, anna, "B2", "0002")["order_id"]
    till.kept("basket_opened", basket="B3")
    till.kept("customer_chosen", basket="B3", kind="loyalty", value=ben["loyalty"])
    product = {**till.order("B1", "0001")["products"][0], "line_total": "0.49", "original_line": "1"}
    till.kept("refund", refund_number="R1", original_order_id=first, products=[product], total="0.49", tax="0.08",
              tenders=[{"type": "cash", "amount": "0.49"}])
    until(lambda: money(rig, anna) == (2, 298 - 49), 10, "the refund")
    assert money(rig, ben) == (0, 0)
    till.kept("order_cancelled", order_id=second, reason="post_void")
    until(lambda: money(rig, anna)[1] == 100, 10, "the cancellation")
    till.kept("customer_removed", basket="B3")
    till.kept("basket_voided", basket="B3")
    identified_sale(till, ben, "B4", "0003")
    until(lambda: money(rig, ben) == (1, 149), 10, "Ben's order")
    post(rig, "/api/v1/lanes/1/wrong-customer", {})
    until(lambda: money(rig, ben) == (0, 0), 10, "Ben's order to be nobody's")
    assert rows(rig, "SELECT last_seen_us, last_items FROM profile WHERE external = ?", ben["customer_id"])[0] in (
        (None, None), (None, "[]"))
    settled(rig)
    assert money(rig, anna)[1] == 100


FOLDED = ("SELECT id, external, visits, spend, last_seen_us, last_items FROM profile ORDER BY id",
          "SELECT * FROM sale ORDER BY order_id")


def test_profiles_are_the_same_in_whatever_order_batches_arrive(make_rig, peers):
    """Goal: a day with a kill in it, delivered anew in three shuffled orders, some of it twice, gives the same tables."""
    rig = make_rig(seed=5)
    rig.start_broker()
    hq = peers(as_hq, rig)
    rig.start_hq()
    rig.import_customers()
    rig.start_daemon()
    anna, ben = customers(rig)[1:3]
    rig.start_sim(4, 20.0)
    till = Till(rig, till="T9", session="early")
    till.kept("basket_opened", basket="B1")
    till.kept("customer_chosen", basket="B1", kind="loyalty", value=anna["loyalty"])
    until(lambda: rig.hq_events() > 60, 20, "events at HQ")
    till.close()
    rig.kill("daemon")
    rig.start_daemon()
    till = Till(rig, till="T9", session="late")
    till.kept("customer_chosen", basket="B1", kind="loyalty", value=ben["loyalty"])
    till.kept("order_completed", **till.order("B1", "0001"))
    order = identified_sale(till, anna, "B2", "0002")["order_id"]
    till.kept("order_cancelled", order_id=order, reason="post_void")
    assert rig.processes["sim"].wait(60) == 0
    settled(rig)
    rig.stop("daemon")
    until(lambda: applied(rig), 10, "HQ to have folded every event")
    payloads = [p for _, p in hq.heard]
    expected, held = [rows(rig, q) for q in FOLDED], rig.hq_events()
    assert len(payloads) > 20 and money(rig, ben) == (1, 149)
    device = peers(as_device, rig)
    for seed in (1, 2, 3):
        rig.stop("hq")
        (rig.work / "hq").rename(rig.work / f"hq-before-{seed}")
        (rig.work / "hq").mkdir()
        rig.start_hq()
        rig.import_customers()
        dice = random.Random(seed)
        again = payloads + dice.sample(payloads, len(payloads) // 4)
        dice.shuffle(again)
        for payload in again:
            device.publish(UP, payload)
        until(lambda: rig.hq_events() == held, 20, "every event")
        until(lambda: applied(rig), 10, "HQ to have folded every event")
        assert [rows(rig, q) for q in FOLDED] == expected, f"shuffled with seed {seed}"
        assert rows(rig, "SELECT count(*) FROM fork") == [(0,)]


def test_a_store_hears_of_a_smaller_window_while_hq_lags_and_of_the_large_one_again(rig):
    """Goal: credit follows from how long what came in waited for its commit."""
    till = Till(rig)

    def credit():
        return rig.status()["sync"]["credit"]

    till.sale("B1", "0001")
    until(lambda: credit() == 1 << 20, 20, "the largest window")
    with sqlite3.connect(rig.work / "hq" / "hq.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")  # as a disk that is busy
        till.sale("B2", "0002")
        time.sleep(1.2)
        other.execute("ROLLBACK")
    until(lambda: credit() < 1 << 19, 10, "a small window after a round that waited")
    number = itertools.count(3)
    until(lambda: (n := next(number)) and till.sale(f"B{n}", f"{n:04}") and credit() == 1 << 20, 20, "the largest window again")


def test_a_command_that_is_none_is_named(make_rig):
    """Goal: one line that says what was wrong and where to read on, not a page of usage."""
    p = make_rig(customers=1).tool("laneway-hq", "duplicate", check=False)
    assert (p.returncode, p.stdout) == (2, "")
    assert p.stderr == "laneway-hq: no such command: duplicate (laneway-hq --help)\n"
