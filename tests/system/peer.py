"""An MQTT client in the hands of a test, with a real certificate: it hears, waits and speaks.

Its client id is always another one than the daemon's or HQ's, so that both go on beside it.
"""

import json
import ssl
import threading

import paho.mqtt.client as mqtt

WAIT_S = 10


class Peer:
    """One connection; what it hears stands in `heard` as (topic, payload)."""

    def __init__(self, port, root, client_id, crt, key):
        self.heard = []
        self.condition = threading.Condition()
        self.connected = threading.Event()
        self.subscribed = threading.Event()
        self.granted = None
        self.client = mqtt.Client(client_id=client_id)
        context = ssl.create_default_context(cafile=str(root))
        context.load_cert_chain(str(crt), str(key))
        self.client.tls_set_context(context)
        self.client.on_connect = lambda c, u, f, rc: rc == 0 and self.connected.set()
        self.client.on_subscribe = self.on_subscribe
        self.client.on_message = self.on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.connected.wait(WAIT_S)

    def on_subscribe(self, _client, _user, _mid, granted):
        self.granted = granted
        self.subscribed.set()

    def on_message(self, _client, _user, message):
        with self.condition:
            self.heard.append((message.topic, message.payload))
            self.condition.notify_all()

    def subscribe(self, *topics):
        self.subscribed.clear()
        self.client.subscribe([(t, 1) for t in topics])
        assert self.subscribed.wait(WAIT_S)
        return self

    def publish(self, topic, payload):
        self.client.publish(topic, payload, qos=1).wait_for_publish(WAIT_S)

    def wait_for(self, topic, payload):
        with self.condition:
            assert self.condition.wait_for(lambda: (topic, payload) in self.heard, WAIT_S), self.heard

    def wait(self, what, test, since=0, seconds=WAIT_S):
        """The first (topic, payload) heard after the first `since` ones for which test(payload) holds."""
        def found():
            return next((m for m in self.heard[since:] if test(m[1])), None)

        with self.condition:
            assert self.condition.wait_for(found, seconds), f"waited {seconds} s for: {what}"
            return found()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def as_device(rig, client_id="probe-device"):
    """Speaks with the store's certificate and hears HQ's words to it."""
    device = Peer(rig.broker_port, rig.keys / "root.crt", client_id, rig.work / "device" / "tls.crt",
                  rig.work / "device" / "tls.key")
    return device.subscribe(f"laneway/1/{rig.store}/confirm", f"laneway/1/{rig.store}/poke")


def as_hq(rig, client_id="probe-hq"):
    """Hears what stores send up."""
    hq = Peer(rig.broker_port, rig.keys / "root.crt", client_id, rig.keys / "hq.crt", rig.keys / "hq.key")
    return hq.subscribe("laneway/1/+/up")


def header(payload):
    """The header of a signed frame, unchecked; {} if it is none."""
    try:
        return json.loads(payload[12:12 + int.from_bytes(payload[8:12], "big")])
    except ValueError:
        return {}
