"""Writes what a store or HQ would write, byte by byte as WIRE.md says, honest or not. The writing half of wire.py."""

import base64
import hashlib
import json
import os
import struct

import zstandard
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from wire import BATCH_HEADER, canonical, chain, hkdf, raw_public

ZERO = bytes(32)


def h_after(h, epoch, first, lines):
    for i, line in enumerate(lines):
        h = chain(h, epoch, first + i, line)
    return h


def batch(epoch, first, lines, h_prev=ZERO, h_last=None, boxed_keys=b""):
    """A payload for `up`. h_last: what it claims; None: the truth."""
    raw = b"".join(line + b"\n" for line in lines)
    body = zstandard.ZstdCompressor().compress(raw)
    claimed = h_after(h_prev, epoch, first, lines) if h_last is None else h_last
    return BATCH_HEADER.pack(b"LNWB", 1, 0, 0, epoch, first, len(lines), len(raw), h_prev, claimed, len(boxed_keys),
                             len(body), 0) + boxed_keys + body


def event(store, epoch, seq, name, properties, at="2026-11-21T17:02:03.123Z", **laneway):
    """A canonical line of this store."""
    context = {"boot": "0" * 32, "business_date": "2026-11-21", "clock": "kernel", "epoch": epoch.hex(), "mono_us": seq,
               "schema": 1, "seq": seq, "source": "box", "store": store, "training": False, "utc_offset_min": 60,
               **laneway}
    return canonical({"context": {"laneway": context}, "event": name, "messageId": f"{store}:{epoch.hex()}:{seq}",
                      "originalTimestamp": at, "properties": properties}).encode()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def seal(key, ad, plain):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, ad)


def box(public, purpose, context, plain):
    ephemeral = X25519PrivateKey.generate()
    own, to = raw_public(ephemeral.public_key()), raw_public(public)
    head = b"\x01" + hashlib.sha256(to).digest()[:8] + own
    key = hkdf(ephemeral.exchange(public), own + to, b"laneway box v1 " + purpose.encode())
    return head + seal(key, head + context, plain)


def sealed(store, epoch, seq, key_id, key, person):
    """What an event's member `sealed` is, for `event(..., sealed=...)`."""
    ad = store.encode() + b"\0" + epoch + struct.pack(">Q", seq)
    blob = seal(key, ad, canonical(person).encode())
    return {"c": b64(blob[12:]), "k": b64(key_id), "n": b64(blob[:12])}


def visit_keys(public, store, epoch, first, keys):
    """Keys of a batch, boxed for HQ: pairs of id and key."""
    context = store.encode() + b"\0" + epoch + struct.pack(">Q", first)
    return box(public, "visit-keys", context, b"".join(i + k for i, k in keys))


def opening(store, epoch, device="box-9"):
    """A first line: Epoch Opened without a predecessor."""
    return event(store, epoch, 1, "Epoch Opened", {"cause": "new", "device": device, "prev_epoch": None,
                                                   "prev_h": ZERO.hex(), "prev_last_seq": 0})


def with_other_body(line, **properties):
    """The same event with other properties."""
    changed = json.loads(line)
    changed["properties"].update(properties)
    return canonical(changed).encode()


def confirmation(private, store, header):
    """A confirmation that HQ might have signed."""
    text = json.dumps(header).encode()
    signed = b"LNWC" + b"\x01" + bytes(3) + struct.pack(">I", len(text)) + text + struct.pack(">I", 0)
    return signed + private.sign(b"laneway frame v1\0" + store.encode() + b"\0" + signed)


def new_epoch():
    return os.urandom(8)


def sha256(payload):
    return hashlib.sha256(payload).hexdigest()
