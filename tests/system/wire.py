"""Reads Laneway's bytes: a journal, a batch, a signed frame, a page. Written from WIRE.md alone.

Shares no code with the C programs, so that what they write stays what the document says. Everything that does
not fit the document raises WireError, which names the section.

    wire.py journal journal.db --vault-key vault.key [--hq-box-key hq-box.key]
    wire.py batch FILE --store s1 --hq-box-key hq-box.key
    wire.py confirm FILE --store s1 --hq-sign-pub hq-sign.pub
    wire.py tell FILE --store s1 --hq-sign-pub hq-sign.pub --device d1 --device-box-key device-box.key
"""
import argparse
import base64
import hashlib
import json
import sqlite3
import struct
import sys
from pathlib import Path

import wire_v2
import zstandard
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ZERO_H = bytes(32)
DICTIONARIES = Path(__file__).resolve().parents[2] / "daemon/store/dictionary"
BATCH_HEADER = struct.Struct(">4sBBH8sQII32s32sIII")
BATCH_BYTES_MAX = 2 * 1024 * 1024
LINES_MAX = 1024 * 1024
LINE_MAX = 256 * 1024


class WireError(Exception):
    """These bytes are not what WIRE.md says."""


def expect(condition, section, what):
    if not condition:
        raise WireError(f"WIRE.md section {section}: {what}")


# ---- keys from files (section 14) ----

def private_key(path):
    with open(path, "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def public_key(path):
    with open(path, "rb") as f:
        return serialization.load_pem_public_key(f.read())


def vault_key(path):
    with open(path, encoding="ascii") as f:
        key = bytes.fromhex(f.read().strip())
    expect(len(key) == 32, "14", "vault.key is 64 hex digits")
    return key


def raw_public(key):
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


# ---- sections 1 and 2: lines, leaves, chain ----

def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def escape(text):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(c, f"\\u{ord(c):04X}" if c < " " else c) for c in text) + '"'


def canonical(value):
    """The one way to write a value (section 1)."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda kv: kv[0].encode())
        return "{" + ",".join(escape(k) + ":" + canonical(v) for k, v in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if isinstance(value, str):
        return escape(value)
    expect(value is None or isinstance(value, (bool, int)), "1", "no floating-point numbers")
    return json.dumps(value)


def read_line(line):
    expect(len(line) <= LINE_MAX, "7", "a line has at most 262,144 bytes")
    try:
        event = json.loads(line)
    except ValueError as e:
        raise WireError(f"WIRE.md section 1: a line is JSON: {e}") from e
    expect(isinstance(event, dict) and canonical(event).encode() == line, "1", "a line is canonical")
    return event


def leaf(line):
    return hashlib.sha256(line).digest()


def chain(h, epoch, seq, line):
    return hashlib.sha256(h + epoch + struct.pack(">Q", seq) + leaf(line)).digest()


def split_lines(raw, section):
    expect(raw == b"" or raw.endswith(b"\n"), section, "each line is ended by a newline")
    return raw.split(b"\n")[:-1]


def unzstd(data, most, section, dictionary=0):
    known = zstandard.ZstdCompressionDict((DICTIONARIES / f"{dictionary}.zdict").read_bytes()) if dictionary else None
    d = zstandard.ZstdDecompressor(dict_data=known).decompressobj()
    try:
        raw = d.decompress(data)
    except zstandard.ZstdError as e:
        raise WireError(f"WIRE.md section {section}: not a zstd frame: {e}") from e
    expect(d.eof and not d.unused_data, section, "exactly one zstd frame")
    expect(len(raw) <= most, section, f"at most {most} bytes")
    return raw


# ---- section 3: seals, keys, boxes ----

def hkdf(ikm, salt, info):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt or None, info=info).derive(ikm)


def unseal(key, ad, blob, section):
    expect(len(blob) >= 28, section, "a seal has at least 28 bytes")
    try:
        return AESGCM(key).decrypt(blob[:12], blob[12:], ad)
    except InvalidTag as e:
        raise WireError(f"WIRE.md section {section}: a seal does not open") from e


def unbox(private, purpose, context, blob):
    expect(len(blob) >= 69, "3.4", "a box has at least 69 bytes")
    own = raw_public(private.public_key())
    expect(blob[0] == 1, "3.4", "box version 1")
    expect(blob[1:9] == hashlib.sha256(own).digest()[:8], "3.4", "the box is for another recipient")
    ephemeral = blob[9:41]
    shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    key = hkdf(shared, ephemeral + own, b"laneway box v1 " + purpose.encode())
    return unseal(key, blob[:41] + context, blob[41:], "3.4")


def epoch_key(device_key, epoch):
    return hkdf(device_key, epoch, b"laneway epoch v1")


def unwrap(device_key, purpose, key_id, blob):
    wrapping = hkdf(device_key, b"", b"laneway wrap v1")
    key = unseal(wrapping, purpose.encode() + b"\0" + key_id, blob, "3.2")
    expect(len(key) == 32, "3.2", "a wrapped key has 32 bytes")
    return key


def open_sealed(event, keys):
    """What names a person in this event, as an object; None: nothing is sealed."""
    context = event["context"]["laneway"]
    sealed = context.get("sealed")
    if sealed is None:
        return None
    expect(sorted(sealed) == ["c", "k", "n"], "3.3", "sealed has k, n and c")
    key_id = unb64(sealed["k"])
    expect(key_id in keys, "3.3", "the visit key is there")
    ad = context["store"].encode() + b"\0" + bytes.fromhex(context["epoch"]) + struct.pack(">Q", context["seq"])
    plain = unseal(keys[key_id], ad, unb64(sealed["n"]) + unb64(sealed["c"]), "3.3")
    return read_line(plain)


def check_line(line, store, epoch, seq):
    """A line in its place: the event."""
    event = read_line(line)
    try:
        context = event["context"]["laneway"]
        named = (context["store"], context["epoch"], context["seq"], event["messageId"])
    except (KeyError, TypeError) as e:
        raise WireError(f"WIRE.md section 1: a field that is always there is not: {e}") from e
    expect(named == (store, epoch.hex(), seq, f"{store}:{epoch.hex()}:{seq}"), "1",
           "a line names its store, epoch and seq, and messageId is all three")
    return event


# ---- section 4: journal.db ----

def pack_ids(blob):
    """The messages of sources in a pack."""
    out, at = [], 0

    def take(n):
        nonlocal at
        expect(at + n <= len(blob), "4", "pack.ids ends in the middle of a record")
        at += n
        return blob[at - n:at]

    while at < len(blob):
        source = take(take(1)[0]).decode()
        session = take(take(1)[0]).decode()
        counter, = struct.unpack(">Q", take(8))
        body = take(16)
        offset, count = struct.unpack(">II", take(8))
        out.append({"source": source, "session": session, "counter": counter, "body": body.hex(),
                    "offset": offset, "events": count})
    return out


class Journal:
    """A journal.db and its device key. `hq_box_private` (may be None) checks the epochs' boxed keys."""

    def __init__(self, path, device_key, hq_box_private=None):
        self.device_key = device_key
        self.hq = hq_box_private
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        expect(self.db.execute("PRAGMA user_version").fetchone()[0] == 1, "4", "user_version is 1")
        meta = dict(self.db.execute("SELECT name, value FROM meta"))
        self.store = self._text(meta["store"])
        self.device = self._text(meta["device"])

    @staticmethod
    def _text(value):
        return value.decode() if isinstance(value, bytes) else value

    def keys(self):
        return {bytes(i): unwrap(self.device_key, "visit-key", bytes(i), bytes(w))
                for i, w in self.db.execute("SELECT id, wrapped FROM visit_key")}

    def events(self):
        """Every event in order, each checked: (epoch, seq, line, event, what was sealed in it)."""
        keys = self.keys()
        for ordinal, epoch, hq_key, deleted, h in self.db.execute(
                "SELECT ordinal, epoch, hq_key, deleted, deleted_h FROM epoch ORDER BY ordinal").fetchall():
            key = epoch_key(self.device_key, epoch)
            if self.hq is not None:
                boxed = unbox(self.hq, "epoch-key", self.store.encode() + b"\0" + epoch, hq_key)
                expect(boxed == key, "4", "hq_key is the epoch's key")
            seq = deleted
            for pack in self.db.execute(
                    "SELECT first, count, h, keys, ids, body FROM pack WHERE ordinal = ? ORDER BY first",
                    (ordinal,)).fetchall():
                expect(pack[0] == seq + 1, "4", "an epoch has no gaps")
                for line in self._lines(key, epoch, pack):
                    seq += 1
                    h = chain(h, epoch, seq, line)
                    event = check_line(line, self.store, epoch, seq)
                    yield epoch, seq, line, event, open_sealed(event, keys)
                expect(h == pack[2], "4", "pack.h is h of its last seq")

    def _lines(self, key, epoch, pack):
        first, count, _, key_ids, ids, body = pack
        ad = b"pack\0" + self.store.encode() + b"\0" + epoch + struct.pack(">QI", first, count)
        frame = unseal(key, ad, body, "4")
        dictionary = zstandard.get_frame_parameters(frame).dict_id
        expect(dictionary in (0, 2, 4), "4", "no dictionary, or 2 or 4")
        lines = split_lines(unzstd(frame, 1 << 30, "4", dictionary), "4")
        expect(len(lines) == count, "4", "a pack has as many lines as its count")
        expect(len(key_ids or b"") % 16 == 0, "4", "pack.keys is whole key ids")
        for record in pack_ids(ids or b""):
            expect(record["events"] >= 1 and record["offset"] + record["events"] <= count, "4",
                   "a message's events lie in its pack")
        return lines


# ---- section 7: batch ----

def batch_v1(payload):
    (_, _, _, _, _, first, count, raw_len, h_prev, h_last, keys_len, body_len, zero) = BATCH_HEADER.unpack_from(payload)
    expect(zero == 0 and first >= 1 and 1 <= count <= 1000 and 1 <= raw_len <= LINES_MAX, "7.1", "a zero; first, count and L in bounds")
    expect(108 + keys_len + body_len == len(payload), "7.1", "exactly 108 + K + B bytes")
    raw = unzstd(payload[108 + keys_len:], raw_len, "7.1")
    expect(len(raw) == raw_len, "7.1", "L bytes of lines")
    return first, count, h_prev, h_last, payload[108:108 + keys_len], split_lines(raw, "7.1")


def frame_v3(head):
    number = head.number()
    size, as_they_are = divmod(number, 2)
    blocks = head.rest()
    expect(size <= 2 * LINES_MAX and (as_they_are or len(blocks) <= 131072), "7.3", "a text of 2 MiB, a block of 128 KiB")
    block = b"" if as_they_are else struct.pack("<I", 5 + 8 * len(blocks))[:3]
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", size) + block + blocks


def batch_v2(payload, store):
    head = wire_v2.Bytes(payload)
    try:
        head.take(8)
        epoch, h_prev, check = head.take(8), head.take(32), head.take(4)
        first, count = head.number(), head.number()
        boxed = payload[4] == 2 or count % 2
        count = count if payload[4] == 2 else count // 2
        keys, raw_len = head.number() if boxed else 0, head.number()
        expect(first >= 1 and 1 <= count <= 1000 and keys <= count, "7.2", "first, count and N in bounds")
        box, raw = head.take(69 + 48 * keys if keys else 0), head.take(raw_len)
        frame = frame_v3(head) if payload[4] == 3 else b"\x28\xb5\x2f\xfd" + head.rest()
        text = unzstd(frame, 2 * LINES_MAX, "7.2", payload[7])
        lines = wire_v2.unpack(store, epoch, first, count, raw, text)
    except wire_v2.Bad as e:
        raise WireError(f"WIRE.md section 7.2: {e}") from e
    expect(sum(len(line) + 1 for line in lines) <= LINES_MAX, "7", "at most 1,048,576 bytes of lines")
    return first, count, h_prev, check, box, lines


def read_batch(payload, store, hq_box_private=None):
    """The batch as a dict; lines are checked and chained, keys opened when the private key is given."""
    expect(16 <= len(payload) <= BATCH_BYTES_MAX, "7", "16 bytes to 2 MiB")
    magic, version, flags, dictionary, epoch = struct.unpack_from(">4sBBH8s", payload)
    expect(magic == b"LNWB" and version in (1, 2, 3) and flags == 0 and dictionary in ((0,) if version == 1 else (0, 1, 3)), "7",
           "magic, a version, no flags, a dictionary of that version")
    expect(version != 1 or len(payload) >= BATCH_HEADER.size, "7.1", "at least 108 bytes")
    first, count, h_prev, h_last, box, lines = batch_v1(payload) if version == 1 else batch_v2(payload, store)
    expect(len(lines) == count, "7", "count lines")
    h, events = h_prev, []
    for i, line in enumerate(lines):
        h = chain(h, epoch, first + i, line)
        events.append(check_line(line, store, epoch, first + i))
    expect(h[:len(h_last)] == h_last, "7", "h(first-1) and the lines give h(first+count-1)")
    keys = {}
    if hq_box_private is not None and box:
        context = store.encode() + b"\0" + epoch + struct.pack(">Q", first)
        plain = unbox(hq_box_private, "visit-keys", context, box)
        expect(len(plain) % 48 == 0, "7", "whole pairs of key id and key")
        keys = {plain[i:i + 16]: plain[i + 16:i + 48] for i in range(0, len(plain), 48)}
    return {"epoch": epoch, "first": first, "count": count, "h_prev": h_prev, "h_last": h, "lines": lines,
            "events": events, "keys": keys, "form": (version, dictionary)}


# ---- sections 8 to 10: signed frames, pages ----

def read_frame(magic, payload, store, hq_sign_public):
    """(header as an object, body)."""
    expect(len(payload) >= 80, "8", "a frame has at least 80 bytes")
    expect(payload[:4] == magic and payload[4] == 1 and payload[5:8] == bytes(3), "8",
           f"magic {magic.decode()}, version 1, zeros")
    header_len, = struct.unpack_from(">I", payload, 8)
    expect(80 + header_len <= len(payload), "8", "the header fits into the frame")
    body_len, = struct.unpack_from(">I", payload, 12 + header_len)
    expect(80 + header_len + body_len == len(payload), "8", "the parts add up to the frame")
    signed, signature = payload[:-64], payload[-64:]
    try:
        hq_sign_public.verify(signature, b"laneway frame v1\0" + store.encode() + b"\0" + signed)
    except InvalidSignature as e:
        raise WireError("WIRE.md section 8: the signature is wrong") from e
    header = json.loads(payload[12:12 + header_len])
    expect(header.get("v") == 1, "9 and 10", "v is 1")
    return header, payload[16 + header_len:-64]


def read_page(body, store, device, device_box_private):
    """The profiles and tombstones of a tell's body."""
    plain = unbox(device_box_private, "page", store.encode() + b"\0" + device.encode(), body)
    return [json.loads(line) for line in split_lines(unzstd(plain, LINES_MAX, "10"), "10")]


# ---- by hand ----

def show(value):
    print(json.dumps(value, ensure_ascii=False, default=lambda b: b.hex()))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=["journal", "batch", "confirm", "tell"])
    parser.add_argument("file")
    for option in ("--store", "--device"):
        parser.add_argument(option)
    parser.add_argument("--vault-key", type=vault_key)
    parser.add_argument("--hq-box-key", type=private_key)
    parser.add_argument("--device-box-key", type=private_key)
    parser.add_argument("--hq-sign-pub", type=public_key)
    args = parser.parse_args(argv)
    if args.what == "journal":
        for _, _, _, event, sealed in Journal(args.file, args.vault_key, args.hq_box_key).events():
            show({"event": event, "sealed": sealed})
        return
    with open(args.file, "rb") as f:
        payload = f.read()
    if args.what == "batch":
        batch = read_batch(payload, args.store, args.hq_box_key)
        for event in batch["events"]:
            show({"event": event, "sealed": open_sealed(event, batch["keys"]) if batch["keys"] else None})
        return
    header, body = read_frame({"confirm": b"LNWC", "tell": b"LNWT"}[args.what], payload, args.store,
                              args.hq_sign_pub)
    show(header)
    for profile in read_page(body, args.store, args.device, args.device_box_key) if body else []:
        show(profile)


if __name__ == "__main__":
    try:
        main()
    except WireError as error:
        sys.exit(f"wire.py: {error}")
