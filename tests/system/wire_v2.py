"""Unpacks the lines of a batch of wire versions 2 and 3. Written from WIRE.md sections 7.2 and 7.3 alone, like wire.py."""
import base64
import datetime
import re

PLACE = 1
MS_MAX = 253402300799999
DAYS_2026 = (datetime.date(2026, 1, 1) - datetime.date(1970, 1, 1)).days
EPOCH = datetime.datetime(1970, 1, 1)


class Bad(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Bad(what)


class Bytes:
    """Bytes that are taken from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(0 <= n <= len(self.data) - self.at, "bytes are missing")
        self.at += n
        return self.data[self.at - n:self.at]

    def byte(self):
        return self.take(1)[0]

    def number(self):
        value = shift = 0
        while True:
            need(shift < 63, "a number has at most 9 bytes")
            c = self.byte()
            value |= (c & 0x7f) << shift
            shift += 7
            if c < 0x80:
                return value

    def signed(self):
        n = self.number()
        return n // 2 if n % 2 == 0 else -(n // 2) - 1

    def line(self):
        end = self.data.find(b"\n", self.at)
        need(end >= 0, "a newline is missing")
        return self.take(end + 1 - self.at)[:-1]

    def rest(self):
        return self.take(len(self.data) - self.at)

    def done(self):
        return self.at == len(self.data)


class Shape:
    def __init__(self, text):
        self.parts, self.keys, key, quote = [b""], [], b"", 0
        for i, c in enumerate(text):
            if text[i:i + 2] == b'":':
                key = text[quote + 1:i][:64]
            if c == ord('"'):
                quote = i
            if c == PLACE:
                self.parts.append(b"")
                self.keys.append(key)
            else:
                self.parts[-1] += bytes([c])


def time_text(ms):
    need(0 <= ms <= MS_MAX, "a time of the years 1970 to 9999")
    t = EPOCH + datetime.timedelta(milliseconds=ms)
    return (t.strftime("%Y-%m-%dT%H:%M:%S.") + f"{t.microsecond // 1000:03d}Z").encode()


def time_ms(text):
    if not re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text):
        return None
    try:
        ms = (datetime.datetime.strptime(text.decode(), "%Y-%m-%dT%H:%M:%S.%fZ") - EPOCH) // datetime.timedelta(milliseconds=1)
    except ValueError:
        return None
    return ms if ms >= 0 else None


def counted_on(value, n):
    need(value is not None, "a value to count on from")
    digits = re.search(rb"[0-9]*$", value).group()
    need(1 <= len(digits) <= 15 and len(value) <= 94, "a number to count on from")
    return value[:len(value) - len(digits)] + str(int(digits) + n).zfill(len(digits)).encode()


def article(number):
    digits = b"%012d" % number
    need(len(digits) == 12, "at most 12 digits")
    weighed = sum((c - ord("0")) * (3 if i % 2 else 1) for i, c in enumerate(digits))
    return digits + b"%d" % (-weighed % 10)


class Reader:
    def __init__(self, store, epoch, first, raw, text):
        self.store, self.epoch, self.first, self.raw = store.encode(), epoch.hex().encode(), first, Bytes(raw)
        t = Bytes(text)
        shapes, codes = t.number(), t.number()
        self.shape_texts, self.codes, self.texts = Bytes(t.take(shapes)), Bytes(t.take(codes)), Bytes(t.rest())
        self.shapes, self.past, self.mono, self.between = [], [], 0, None

    # --- what can be worked out ---

    def first_of(self, key):
        for k, value in list(zip(self.shape.keys, self.values))[:64]:
            if k == key:
                return value
        return b""

    def referred(self, k):
        if self.ref is None:
            return None
        shape, values = self.ref
        if shape is self.shape:
            return values[k]
        for i in range(min(64, len(shape.keys))):
            at = (self.cursor + i) % len(shape.keys)
            if shape.keys[at] == self.shape.keys[k]:
                self.cursor = at + 1
                return values[at]
        return None

    def time(self):
        if self.between is None:
            return 0
        low, high = self.between
        return min(max(0, self.mono + low + (high - low) // 2) // 1000, MS_MAX)

    def expected(self, key, referred):
        seq = str(self.first + len(self.past)).encode()
        if key == b"receipt_number":
            order = self.first_of(b"order_id")
            return order[order.rindex(b"/") + 1:] if b"/" in order else b""
        return {b"epoch": lambda: self.epoch, b"seq": lambda: seq, b"store": lambda: self.store,
                b"messageId": lambda: b":".join((self.store, self.epoch, seq)),
                b"originalTimestamp": lambda: time_text(self.time()), b"visit_id": lambda: self.first_of(b"anonymousId"),
                b"cart_id": lambda: self.first_of(b"basket_id")}.get(key, lambda: referred or b"")()

    def own_id(self):
        source, date = self.first_of(b"source"), self.first_of(b"business_date")
        need(source.startswith(b"till:") and len(source) > 5 and date, "a till and its date")
        return b"/".join((self.store, source[5:], date, b""))

    # --- reading ---

    def by_code(self, code, k, referred):
        if code == 0x00:
            value = self.expected(self.shape.keys[k], referred)
            need(value, "something is expected")
            return value
        if code == 0x02:
            return self.texts.line()
        if code == 0x03:
            return b64(self.raw.take(16))
        if code == 0x04:
            return self.raw.take(self.codes.byte()).hex().encode()
        if code == 0x05:
            return b64(self.raw.take(self.codes.byte()))
        if code == 0x06:
            value = self.mono + self.raw.signed()
            need(0 <= value < 10**18, "mono_us below 10^18")
            return str(value).encode()
        if code == 0x07:
            return time_text(self.time() + self.raw.signed())
        if code == 0x08:
            return time_text(self.raw.number() * 86400000)[:10]
        if code == 0x0b:
            return time_text((DAYS_2026 + self.raw.signed()) * 86400000)[:10]
        if code == 0x0c:
            midnight = time_ms(self.first_of(b"business_date") + b"T00:00:00.000Z")
            need(midnight is not None, "the business date in front")
            return time_text(midnight + 43200000 + self.raw.signed())
        if code == 0x0d:
            return article(int.from_bytes(self.raw.take(5), "big"))
        if code == 0x0e:
            value = self.raw.number()
            need(value < 10**18, "a number below 10^18")
            return str(value).encode()
        if code == 0x0a:
            return self.own_id() + self.texts.line()
        need(referred is not None and code in (0x01, 0x09), "a value that is referred to")
        if code == 0x01:
            return referred
        n = self.codes.byte()
        need(n <= len(referred), "the referred value is that long")
        return referred[:n] + self.texts.line()

    def value(self, k):
        referred, code = self.referred(k), self.codes.byte()
        if code < 0x20:
            return self.by_code(code, k, referred)
        if code < 0x40:
            return counted_on(referred, code - 0x1f)
        if code < 0xc0:
            at = code - 0x40 if code < 0x80 else k - (code - 0x7f)
            need(0 <= at < k, "a value of this line")
            return self.values[at]
        same = [v for key, v in list(zip(self.shape.keys, self.values))[-64:] if key == self.shape.keys[k]]
        return counted_on(same[-1] if same else None, code - 0xbf)

    def note(self, key, value):
        if key == b"mono_us" and re.fullmatch(rb"0|[1-9][0-9]{0,17}", value):
            self.mono = int(value)
        ms = time_ms(value) if key == b"originalTimestamp" else None
        if ms is None:
            return
        low, high = ms * 1000 - self.mono, ms * 1000 - self.mono + 999
        if self.between and low <= self.between[1] and high >= self.between[0]:
            low, high = max(low, self.between[0]), min(high, self.between[1])
        self.between = low, high

    def line(self):
        n = self.codes.number()
        if n == 0:
            self.past.append(None)
            return self.texts.line()
        if n == 1:
            self.shapes.append(Shape(self.shape_texts.line()))
        need(n < 2 or n - 2 < len(self.shapes), "a shape that is there")
        self.shape, self.values, self.cursor = self.shapes[-1 if n == 1 else n - 2], [], 0
        back = self.codes.byte()
        need(back <= min(64, len(self.past)), "a line that is there")
        self.ref = self.past[-back] if back else None
        need(not back or (self.ref and self.ref[1]), "a line with a shape and a place")
        for k, key in enumerate(self.shape.keys):
            self.values.append(self.value(k))
            self.note(key, self.values[k])
        self.past.append((self.shape, self.values))
        return b"".join(p + v for p, v in zip(self.shape.parts, self.values + [b""]))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unpack(store, epoch, first, count, raw, text):
    """The lines, without their newlines. Bad if they are not packed as the document says."""
    r = Reader(store, epoch, first, raw, text)
    lines = [r.line() for _ in range(count)]
    need(r.raw.done() and r.shape_texts.done() and r.codes.done() and r.texts.done(), "nothing is left over")
    return lines
