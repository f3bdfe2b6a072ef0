"""The golden files, read by a reader that was written from WIRE.md alone."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import wire  # noqa: E402  pylint: disable=wrong-import-position

GOLDEN = os.path.join(HERE, "..", "data", "golden")


def path(name):
    return os.path.join(GOLDEN, name)


def load(name):
    with open(path(name), "rb") as f:
        return f.read()


@pytest.fixture(name="device_key")
def fixture_device_key():
    return wire.vault_key(path("vault.key"))


@pytest.fixture(name="hq_box")
def fixture_hq_box():
    return wire.private_key(path("hq-box.key"))


@pytest.fixture(name="hq_sign")
def fixture_hq_sign():
    return wire.public_key(path("hq-sign.pub"))


@pytest.fixture(name="device_box")
def fixture_device_box():
    return wire.private_key(path("device-box.key"))


@pytest.fixture(name="copy")
def fixture_copy(tmp_path):
    """A journal that may be spoilt; spoil(sql) does it."""
    target = str(tmp_path / "journal.db")
    shutil.copyfile(path("journal.db"), target)

    def spoil(sql, *values):
        db = sqlite3.connect(target)
        assert db.execute(sql, values).rowcount == 1
        db.commit()
        db.close()

    return target, spoil


def flips(data):
    for i in range(len(data)):
        yield i, data[:i] + bytes([data[i] ^ 0x40]) + data[i + 1:]


def test_every_pack_opens_and_every_line_fits_the_chain(copy, device_key, hq_box):
    events = list(wire.Journal(copy[0], device_key, hq_box).events())
    assert [(seq, event["event"]) for _, seq, _, event, _ in events] == [
        (1, "Epoch Opened"), (2, "Identifier Presented"), (3, "Customer Attached"), (4, "Product Removed"),
        (1, "Epoch Opened"), (2, "Product Added"), (3, "Product Added")]


def test_an_epoch_names_the_end_of_the_one_before_it(copy, device_key):
    events = list(wire.Journal(copy[0], device_key).events())
    h = wire.ZERO_H
    for epoch, seq, line, _, _ in events[:4]:
        h = wire.chain(h, epoch, seq, line)
    first, second = events[0][3]["properties"], events[4][3]["properties"]
    assert (first["prev_epoch"], first["prev_last_seq"], first["prev_h"]) == (None, 0, "0" * 64)
    assert (second["prev_epoch"], second["prev_last_seq"], second["prev_h"]) == (events[0][0].hex(), 4, h.hex())


def test_what_names_a_person_is_sealed_and_opens_with_the_visit_key(copy, device_key):
    events = list(wire.Journal(copy[0], device_key).events())
    assert events[1][4] == {"value": "2600000000170"}
    assert events[2][4] == {"customer_id": "C000017", "ident_ref": "AAECAwQFBgcICQoLDA0ODw"}
    assert b"2600000000170" not in b"".join(line for _, _, line, _, _ in events)


def test_pack_ids_say_which_messages_the_events_came_from(copy):
    db = sqlite3.connect(copy[0])
    ids = [wire.pack_ids(bytes(row[0] or b"")) for row in db.execute("SELECT ids FROM pack ORDER BY id")]
    assert [r for pack in ids for r in pack] == [
        {"source": "till:T3", "session": "morning-1", "counter": 41, "body": "29" * 16, "offset": 0, "events": 2},
        {"source": "till:T3", "session": "morning-1", "counter": 42, "body": "2a" * 16, "offset": 0, "events": 1}]


def test_the_batch_carries_the_journals_lines_and_their_keys(copy, device_key, hq_box):
    batch = wire.read_batch(load("batch.bin"), "s1", hq_box)
    journal = wire.Journal(copy[0], device_key, hq_box)
    assert batch["lines"] == [line for _, _, line, _, _ in journal.events()][:4]
    assert batch["h_prev"] == wire.ZERO_H
    assert batch["keys"] == journal.keys()
    assert [wire.open_sealed(e, batch["keys"]) for e in batch["events"]][1] == {"value": "2600000000170"}


def test_every_form_of_a_batch_unpacks_to_the_same_lines(hq_box):
    """Goal: sections 7.2 and 7.3 say all that is needed to read versions 2 and 3, without and with a dictionary."""
    forms = ((2, 0), (2, 1), (3, 0), (3, 3))
    for store, plain in (("s1", "batch.bin"), ("s17", "day-1-0.bin")):
        expected = wire.read_batch(load(plain), store, hq_box)
        for version, dictionary in forms:
            got = wire.read_batch(load(f"{plain.split('.')[0].removesuffix('-1-0')}-{version}-{dictionary}.bin"), store, hq_box)
            assert got.pop("form") == (version, dictionary)
            assert got == {k: v for k, v in expected.items() if k != "form"}
    assert expected["count"] == 200


def test_a_batch_of_one_unpacks_to_its_line(hq_box):
    expected = wire.read_batch(load("one-1-0.bin"), "s17", hq_box)
    assert expected["count"] == 1
    assert b'"sku":"' in expected["lines"][0]
    for version, dictionary in ((3, 0), (3, 3)):
        got = wire.read_batch(load(f"one-{version}-{dictionary}.bin"), "s17", hq_box)
        assert got.pop("form") == (version, dictionary)
        assert got == {k: v for k, v in expected.items() if k != "form"}


@pytest.mark.parametrize("name", ["batch-2-0.bin", "batch-3-0.bin"])
def test_a_flipped_bit_of_a_squeezed_batch_is_seen_or_changes_nothing(hq_box, name):
    data = load(name)
    whole, idle = wire.read_batch(data, "s1", hq_box), 0
    for _, spoilt in flips(data):
        try:
            assert wire.read_batch(spoilt, "s1", hq_box) == whole
            idle += 1
        except wire.WireError:
            pass
    assert idle < len(data) / 100


def test_the_confirmation_is_signed_by_hq(hq_sign):
    header, body = wire.read_frame(b"LNWC", load("confirm.bin"), "s1", hq_sign)
    assert body == b""
    assert header["credit"] == 262144
    assert header["epochs"][0]["epoch"] == wire.read_batch(load("batch.bin"), "s1")["epoch"].hex()
    assert header["epochs"][0]["ranges"] == [[125, 130]]
    assert header["epochs"][0]["quarantined"] == [{"seq": 126, "reason": "not_json"}]
    assert header["epochs"][0]["forked"] == [{"seq": 131, "reason": "other_leaf"}]
    assert header["unreadable"] == ["fe" * 32]


def test_the_page_opens_on_its_device(hq_sign, device_box):
    header, body = wire.read_frame(b"LNWT", load("tell.bin"), "s1", hq_sign)
    assert (header["since"], header["to"], header["more"]) == (811, 813, False)
    anna, gone = wire.read_page(body, "s1", "d1", device_box)
    assert (anna["customer_id"], anna["first_name"], anna["points"]) == ("C000017", "Anna", 1200)
    assert gone == {"customer_id": "C000018", "deleted": True, "version": 813}


def test_a_flipped_bit_of_a_batch_is_seen_or_changes_nothing(hq_box):
    """A compressed block has a few bits that say nothing; all others matter."""
    data = load("batch.bin")
    whole, idle = wire.read_batch(data, "s1", hq_box), []
    for i, spoilt in flips(data):
        try:
            assert wire.read_batch(spoilt, "s1", hq_box) == whole
            idle.append(i)
        except wire.WireError:
            pass
    assert len(idle) < len(data) / 100
    assert all(i >= 108 for i in idle)


def test_any_flipped_bit_of_a_signed_frame_is_seen(hq_sign):
    for name, magic in (("confirm.bin", b"LNWC"), ("tell.bin", b"LNWT")):
        for i, spoilt in flips(load(name)):
            with pytest.raises(wire.WireError):
                wire.read_frame(magic, spoilt, "s1", hq_sign)
                pytest.fail(f"byte {i} of {name} does not matter")


def test_any_flipped_bit_of_a_page_is_seen(hq_sign, device_box):
    _, body = wire.read_frame(b"LNWT", load("tell.bin"), "s1", hq_sign)
    for i, spoilt in flips(body):
        with pytest.raises(wire.WireError):
            wire.read_page(spoilt, "s1", "d1", device_box)
            pytest.fail(f"byte {i} does not matter")


def test_bytes_for_another_store_or_device_do_not_open(hq_sign, hq_box, device_box):
    _, body = wire.read_frame(b"LNWT", load("tell.bin"), "s1", hq_sign)
    for attempt in (lambda: wire.read_batch(load("batch.bin"), "s2", hq_box),
                    lambda: wire.read_frame(b"LNWC", load("confirm.bin"), "s2", hq_sign),
                    lambda: wire.read_page(body, "s1", "d2", device_box),
                    lambda: wire.read_page(body, "s1", "d1", hq_box)):
        with pytest.raises(wire.WireError):
            attempt()


SPOILT = [
    ("UPDATE pack SET h = zeroblob(32) WHERE id = (SELECT max(id) FROM pack)", "pack.h"),
    ("UPDATE pack SET body = substr(body, 1, 40) WHERE id = (SELECT min(id) FROM pack)", "does not open"),
    ("UPDATE pack SET first = first + 1 WHERE id = (SELECT min(id) FROM pack)", "no gaps"),
    ("DELETE FROM pack WHERE id = (SELECT min(id) + 1 FROM pack)", "no gaps"),
    ("UPDATE meta SET value = 's2' WHERE name = 'store'", "does not open"),
    ("UPDATE epoch SET deleted_h = randomblob(32) WHERE ordinal = (SELECT min(ordinal) FROM epoch)", "pack.h"),
    ("UPDATE epoch SET hq_key = randomblob(101) WHERE ordinal = (SELECT min(ordinal) FROM epoch)", "box"),
    ("UPDATE visit_key SET wrapped = randomblob(60) WHERE id = (SELECT min(id) FROM visit_key)", "does not open"),
    ("DELETE FROM visit_key WHERE id = (SELECT min(id) FROM visit_key)", "visit key"),
]


@pytest.mark.parametrize("sql,names", SPOILT)
def test_a_spoilt_journal_is_seen_and_named(copy, device_key, hq_box, sql, names):
    target, spoil = copy
    spoil(sql)
    with pytest.raises(wire.WireError, match=names):
        list(wire.Journal(target, device_key, hq_box).events())


def test_another_device_key_opens_nothing(copy, hq_box):
    with pytest.raises(wire.WireError):
        list(wire.Journal(copy[0], bytes(32), hq_box).events())


def test_a_line_has_one_way_to_be_written():
    line = '{"a":["x",1,true,null],"b":"\\"\\\\\\n\\u001Fäß\u2028"}'.encode()
    assert wire.canonical(wire.read_line(line)).encode() == line
    for wrong in (b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1.0}', b'{"a":"\\u00e4"}', b'{"a":"\\/"}', b"[1]", b"nothing"):
        with pytest.raises(wire.WireError):
            wire.read_line(wrong)


def test_the_reader_works_by_hand(copy):
    out = subprocess.run([sys.executable, os.path.join(HERE, "wire.py"), "journal", copy[0], "--vault-key",
                          path("vault.key"), "--hq-box-key", path("hq-box.key")],
                         check=True, capture_output=True, text=True).stdout.splitlines()
    assert json.loads(out[1])["sealed"] == {"value": "2600000000170"}
    bad = subprocess.run([sys.executable, os.path.join(HERE, "wire.py"), "confirm", path("tell.bin"), "--store", "s1",
                          "--hq-sign-pub", path("hq-sign.pub")], check=False, capture_output=True, text=True)
    assert bad.returncode == 1 and "section 8" in bad.stderr
