"""A broker that lies: between an end (store or HQ) and mosquitto stands a relay that speaks MQTT 3.1.1 over TLS to both.

To the end it is the broker, with the broker's certificate; to mosquitto it is the end, with the end's. It acknowledges
every publish at once, and then, by its dice, passes it on, loses it, passes it on three times, late (behind what came
after it), or stalls for a while. What is not a publish goes through as it is.
"""

import asyncio
import collections
import random
import ssl
import threading

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
FIRST_ID = 30000  # of the relay's own packets; the ends count from 1
RATES = {"lost": 0.08, "three times": 0.10, "late": 0.20, "stalled": 0.01}


async def read_packet(reader):
    """(first byte, body)"""
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first, await reader.readexactly(length)


def packet(first, body):
    length, out = len(body), bytearray([first])
    while True:
        out.append((length & 0x7F) | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes(out) + body


class Line:
    """One end's connection and the one onward: two directions, each with its own queue."""

    def __init__(self, relay, end, broker):
        self.relay, self.end, self.broker = relay, end, broker
        self.stalled_until = {}
        self.next_id = FIRST_ID

    async def pump(self, reader, writer, back, way):
        while True:
            first, body = await read_packet(reader)
            kind = first >> 4
            if kind == PUBACK and int.from_bytes(body[:2], "big") >= FIRST_ID:
                continue  # of what the relay itself has sent
            if kind == PUBLISH and (first >> 1) & 3 == 1:
                size = int.from_bytes(body[:2], "big")
                back.write(packet(PUBACK << 4, body[2 + size:4 + size]))
                self.betray(writer, way, first & ~8, body[:2 + size], body[4 + size:])
            else:
                writer.write(packet(first, body))

    def betray(self, writer, way, first, topic, payload):
        loop, relay = asyncio.get_running_loop(), self.relay
        act = relay.choose()
        now = loop.time()
        if act == "stalled":
            self.stalled_until[way] = now + relay.dice.uniform(0.5, 3)
        relay.counts[act] += 1
        wait = max(0, self.stalled_until.get(way, 0) - now)
        if act == "late":
            wait += relay.dice.uniform(0.05, 1.5)
        for _ in range({"lost": 0, "three times": 3}.get(act, 1)):
            self.next_id = self.next_id + 1 if self.next_id < 65000 else FIRST_ID
            data = packet(first, topic + self.next_id.to_bytes(2, "big") + payload)
            if wait:
                loop.call_later(wait, self.send, writer, data)
            else:
                writer.write(data)

    @staticmethod
    def send(writer, data):
        if not writer.is_closing():
            writer.write(data)


class Betrayer(threading.Thread):
    """ends: name -> (certificate file, key file); `ports` has the port to give to each."""

    def __init__(self, keys, broker_port, ends, seed, rates=None):
        super().__init__(daemon=True)
        self.keys, self.broker_port, self.ends = keys, broker_port, ends
        self.dice, self.rates, self.honest = random.Random(seed), rates or RATES, False
        self.counts, self.ports, self.lines = collections.Counter(), {}, set()
        self.loop, self.started = asyncio.new_event_loop(), threading.Event()
        self.start()
        self.started.wait()

    def choose(self):
        roll = self.dice.random()
        for act, share in self.rates.items():
            if roll < share and not self.honest:
                return act
            roll -= share
        return "passed on"

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        self.started.set()
        self.loop.run_forever()

    async def listen(self):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.keys / "broker.crt", self.keys / "broker.key")
        tls.load_verify_locations(self.keys / "root.crt")
        tls.verify_mode = ssl.CERT_REQUIRED
        for name in self.ends:
            server = await asyncio.start_server(lambda r, w, n=name: self.serve(n, r, w), "127.0.0.1", 0, ssl=tls)
            self.ports[name] = server.sockets[0].getsockname()[1]

    async def serve(self, name, reader, writer):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_cert_chain(*self.ends[name])
        tls.load_verify_locations(self.keys / "root.crt")
        try:
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self.broker_port, ssl=tls,
                                                                  server_hostname="127.0.0.1")
        except OSError:
            writer.close()
            return
        line = Line(self, writer, onward)
        self.lines.add(line)
        ways = [asyncio.ensure_future(line.pump(reader, onward, writer, "up")),
                asyncio.ensure_future(line.pump(onward_reader, writer, onward, "down"))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self.lines.discard(line)
        writer.close()
        onward.close()

    def reform(self):
        """From now on an honest broker; every connection is made anew."""
        self.honest = True

        def hang_up():
            for line in list(self.lines):
                line.end.close()
                line.broker.close()
        self.loop.call_soon_threadsafe(hang_up)


def between(rig, seed, rates=None):
    """Put a betrayer between both ends of this rig and its broker; after rig.setup(), before anything is started."""
    device = rig.work / "device"
    relay = Betrayer(rig.keys, rig.broker_port, {"store": (device / "tls.crt", device / "tls.key"),
                                                 "hq": (rig.keys / "hq.crt", rig.keys / "hq.key")}, seed, rates)
    behind = rig.broker_port

    def with_port(port, write):
        def written(*args):
            rig.broker_port = port
            write(*args)
            rig.broker_port = behind
        return written
    rig.write_store_conf = with_port(relay.ports["store"], rig.write_store_conf)
    rig.write_hq_conf = with_port(relay.ports["hq"], rig.write_hq_conf)
    rig.write_store_conf()
    rig.write_hq_conf()
    return relay
