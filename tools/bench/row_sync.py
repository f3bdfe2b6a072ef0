"""Rows about the way to HQ: bytes on the wire, and what a broker's bridge would have lost."""

import collections
import json
import random
import subprocess
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from table import Figures

from rig import MOSQUITTO, Rig, free_port, until  # noqa: E402
from store import Till  # noqa: E402

KILLS = 5
QUEUED_MAX = 900   # a bridge with the defaults drops what is over 1,000


def on_the_wire(b):
    aims = {1: 4, 20: 9, 200: 13}
    kinds = collections.Counter(json.loads(line)["event"] for line in b.lines.read_text().splitlines())
    rows, plain = [], {}
    for got in b.tool("bytes", lines=b.lines):
        n, form = got["batch"], f"version {got['wire']}" + (f", dictionary {got['dictionary']}" if got["dictionary"] else "")
        plain.setdefault(n, got["bytes"])
        rows.append([n, form, f"{got['json']:.0f}", f"{got['bytes']:.1f}", f"{got['json'] / got['bytes']:.2f}",
                     aims[n] if got["dictionary"] else "", f"{got['random']:.1f}", f"{got['keys']:.1f}", f"{got['us']:.1f}"])
    b.report.table("bytes", "Bytes on the wire per event, whole payloads with header and visit keys, against the JSON lines alone; of these bytes "
                   "random ones (ids, sealed text, nonces, low digits of clocks) and boxed keys, which nothing makes smaller; "
                   "the events, all of the recorded day: " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()),
                   ["batch", "form", "JSON", "bytes", "times smaller", "aim", "random", "keys", "us to make"], rows)


# --- the baseline: a broker in the store that bridges to one at HQ ---

class Broker:
    def __init__(self, folder, conf):
        self.folder, self.port, self.process = Path(folder), free_port(), None
        self.folder.mkdir(parents=True)
        (self.folder / "conf").write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\nuser root\n"
                                          f"persistence_location {self.folder}/\nlog_type error\n{conf}")

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.folder / "conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: Rig._connects(self.port), 10, "a broker")
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()


def client(port, clean=True):
    version = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
    c = mqtt.Client(*version, client_id="bench-" + str(random.getrandbits(32)) if clean else "hq", clean_session=clean)
    c.max_inflight_messages_set(100)
    c.connect("127.0.0.1", port)
    c.loop_start()
    return c


def bridge_once(b, i, autosave, dice):
    """Publish until a random moment, SIGKILL, start again, reach HQ: acknowledged, lost."""
    folder = b.work / f"bridge-{i}-{autosave != ''}"
    far = Broker(folder / "far", "")
    near = Broker(folder / "near", f"{autosave}connection hq\naddress 127.0.0.1:{far.port}\ntopic # out 1\ncleansession false\n"
                  "restart_timeout 1\n").start()
    acknowledged, stop = set(), dice.randint(QUEUED_MAX // 3, QUEUED_MAX)
    c, ids, lock = client(near.port), {}, threading.Lock()

    def on_publish(_client, _data, mid, *_):
        with lock:
            acknowledged.add(ids.pop(mid, None))
    c.on_publish = on_publish
    for n in range(QUEUED_MAX):
        with lock:
            ids[c.publish(f"up/{n}", b"x" * 300, qos=1).mid] = n
        if len(acknowledged) >= stop:
            break
        time.sleep(0.0005)
    until(lambda: len(acknowledged) >= min(stop, QUEUED_MAX - 100), 30, "acknowledgements")
    near.kill()
    c.loop_stop()
    with lock:
        acknowledged.discard(None)
        told = set(acknowledged)
    far.start()
    hq, heard = client(far.port, clean=False), set()
    hq.on_message = lambda _c, _d, m: heard.add(int(m.topic.split("/")[1]))
    hq.subscribe("up/#", 1)
    time.sleep(0.3)
    near.start()
    quiet, size = time.monotonic(), -1
    while time.monotonic() - quiet < 3:
        if len(heard) != size:
            quiet, size = time.monotonic(), len(heard)
        time.sleep(0.05)
    hq.loop_stop()
    near.kill()
    far.kill()
    return len(told), len(told - heard)


def laneway_once(b, i, dice):
    """The same with lanewayd: kept lines of a till, SIGKILL at a random moment, HQ reachable only afterwards."""
    rig = Rig(b.work / f"kept-{i}", customers=100, lanes=("1",))
    rig.setup()
    kept, stop = set(), dice.randint(QUEUED_MAX // 3, QUEUED_MAX)
    try:
        rig.start_daemon()
        till = Till(rig)
        till.kept("basket_opened", basket="B1")
        for n in range(QUEUED_MAX):
            till.send("line_added", basket="B1", line=str(n), sku="4006381333931", name="Highlighter", quantity="1", unit="piece",
                      price="1.49", entry_method="scanned")
        while len(kept) < stop:
            answer = till.read()
            if answer["type"] == "kept":
                kept.add((answer["epoch"], answer["seq"]))
        rig.kill("daemon")
        rig.start_broker()
        rig.start_hq()
        rig.start_daemon()
        until(rig.drained, 60, "the drain")
        with rig.hq() as db:
            held = set(db.execute("SELECT epoch, seq FROM events"))
        return len(kept), len(kept - held)
    finally:
        rig.stop_all()


def bridge(b):
    rows = []
    changes = "autosave_on_changes true\nautosave_interval 1\n"
    for what, run in (("mosquitto bridge, persistence true", lambda i, d: bridge_once(b, i, "", d)),
                      ("mosquitto bridge, saved on every change", lambda i, d: bridge_once(b, i, changes, d)),
                      ("lanewayd", lambda i, d: laneway_once(b, i, d))):
        b.report.say(f"kills: {what}")
        dice = random.Random(1)
        got = [run(i, dice) for i in range(KILLS)]
        rows.append([what, sum(a for a, _ in got), sum(lost for _, lost in got), (Figures(lost for _, lost in got), "{:.0f}")])
    b.report.table("kills", f"Acknowledged, then lost: {KILLS} SIGKILLs at random moments (seed 1) while HQ cannot be reached, then a restart and HQ is there; "
                   f"at most {QUEUED_MAX} messages, because the bridge drops what is over 1,000 without any kill",
                   ["what", "acknowledged", "lost", "lost per kill"], rows)
