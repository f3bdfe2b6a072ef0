"""A whole Laneway on one machine: broker, HQ, one store, the simulator. Used by the demo and the system tests.

Everything lives in one folder and on loopback ports that the rig picks; every process dies with it.
"""

import collections
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
NOON_CUT = "23:00"
# Where the programs are; the tests prefer those with sanitizers.
BUILD = os.environ.get("LANEWAY_SAN") or os.environ.get("LANEWAY_BUILD", "build")
# Debian puts it where an ordinary user's PATH does not look.
MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin") or "mosquitto"


PORTS = range(10240, 32768)  # below those that the kernel gives to outgoing connections
_claims = collections.deque(maxlen=256)  # an older rig is gone


def free_port():
    """A loopback port that stays this process's also while nobody listens there: whoever else picks one, side by side, sees
    that its name is taken."""
    first = secrets.randbelow(len(PORTS))
    for port in (PORTS[(first + i) % len(PORTS)] for i in range(len(PORTS))):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0laneway-port-{port}")
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port
    raise RuntimeError(f"no port is free from {PORTS[0]} to {PORTS[-1]}")


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def until(condition, seconds, what):
    """Wait until condition() is true and give what it returned; fail with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for: {what}")
        time.sleep(0.02)


class Rig:
    def __init__(self, work, build=None, lanes=("1", "2", "3"), customers=2000, seed=1, store="demo",
                 aim=False, beside=None):
        """beside: another rig, whose broker and HQ this store uses; it has none of its own."""
        self.work, self.beside = Path(work), beside
        self.build = Path(build or BUILD)
        if not self.build.is_absolute():
            self.build = ROOT / self.build
        self.lanes, self.customers, self.seed, self.store = lanes, customers, seed, store
        self.hq_work = beside.work if beside else self.work
        self.keys, self.sim_dir, self.logs = self.hq_work / "keys", self.work / "sim", self.work / "log"
        self.broker_port = beside.broker_port if beside else free_port()
        self.uplink_port = self.broker_port  # where this store's daemon finds the broker
        self.http_port, self.pos_port = free_port(), free_port()
        self.processes, self.extra = {}, {}
        # Where the broker listens, and what HQ and the store call it: names or addresses, that stand in its certificate.
        self.broker_listen, self.broker_for_hq, self.broker_for_store = "127.0.0.1", "127.0.0.1", "127.0.0.1"
        self.webhook_url = ""
        self.dark_seconds = 300
        self.shard_mb = 1024
        self.aim = aim  # scanners send AIM identifiers
        # It is about noon in the store, and its cut late in the day: it trades on the day before, and no day ends by itself.
        hours = 12 - time.gmtime().tm_hour
        self.timezone, self.day_cut = f"Etc/GMT{-hours:+d}", NOON_CUT

    # --- making ---

    def tool(self, name, *args, check=True, **kwargs):
        return subprocess.run([str(self.build / name), *map(str, args)], check=check, text=True,
                              capture_output=True, **kwargs)

    def setup(self):
        for d in (self.keys, self.sim_dir, self.logs, self.work / "store", self.hq_work / "hq"):
            d.mkdir(parents=True, exist_ok=True)
        if not self.beside:
            names = {self.broker_for_hq, self.broker_for_store} - {"127.0.0.1", "localhost"}
            self.tool("laneway-hq", "ca", "init", self.keys, *(a for n in sorted(names) for a in ("--broker", n)))
            self.write_broker_conf()
            self.write_hq_conf()
        self.tool("laneway-hq", "ca", "device", self.keys, self.store, "box-1", "--out", self.work / "device")
        (self.hq_work / "acl").write_text(self.tool("laneway-hq", "ca", "acl", self.keys).stdout)
        token = self.work / "pos.token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(16) + "\n")
        self.write_store_conf()
        if self.beside:
            return
        people = self.tool("laneway-sim", "customers", "--count", self.customers, "--seed", self.seed).stdout
        (self.work / "customers.csv").write_text(people)

    def write_broker_conf(self):
        user = "user root\n" if os.geteuid() == 0 else ""
        (self.work / "mosquitto.conf").write_text(
            f"listener {self.broker_port} {self.broker_listen}\n{user}persistence false\nallow_anonymous false\n"
            f"cafile {self.keys}/root.crt\ncertfile {self.keys}/broker.crt\nkeyfile {self.keys}/broker.key\n"
            f"require_certificate true\nuse_identity_as_username true\nacl_file {self.work}/acl\n"
            "max_queued_messages 0\nset_tcp_nodelay true\nlog_type error\nlog_type warning\nlog_type notice\n")

    def write_hq_conf(self):
        webhook = f'webhook {{ url = "{self.webhook_url}" }}\n' if self.webhook_url else ""
        (self.work / "hq.conf").write_text(
            f'data = "{self.work}/hq"\nkeys = "{self.keys}"\ncurrency = "EUR"\nregion = "DE"\n'
            f'socket = "{self.work}/hq.sock"\ndark_seconds = {self.dark_seconds}\nshard_mb = {self.shard_mb}\n'
            f'broker {{ host = "{self.broker_for_hq}"  port = {self.broker_port} }}\n{webhook}'
            'loyalty "card" { prefix = "26"  length = 13  check = "ean" }\n')

    def write_store_conf(self, more=""):
        scanners = "".join(
            f'scanner "scan-{l}" {{ lane = "{l}"  port = "{self.sim_dir}/scanner-{l}"  terminator = "cr"'
            f'{"  aim = true" if self.aim else ""} }}\n'
            for l in self.lanes)
        lanes = ", ".join(f'"{l}"' for l in self.lanes)
        (self.work / "store.conf").write_text(
            f'store = "{self.store}"\ndevice = "box-1"\ndata = "{self.work}/store"\nkeys = "{self.work}/device"\n'
            f'timezone = "{self.timezone}"\nday_cut = "{self.day_cut}"\ncurrency = "EUR"\nregion = "DE"\nlanes = {{{lanes}}}\n'
            f'uplink {{ broker = "{self.broker_for_store}"  port = {self.uplink_port} }}\n'
            f'http {{ listen = "127.0.0.1"  port = {self.http_port}  socket = "{self.work}/api.sock" }}\n'
            f'pos {{ listen = "127.0.0.1"  port = {self.pos_port}  token_file = "{self.work}/pos.token" }}\n'
            f'prompt {{ ask = "Ask for the customer card"  greet = "Greet by name" }}\n'
            f'loyalty "card" {{ prefix = "26"  length = 13  check = "ean" }}\n{scanners}{more}')

    # --- processes ---

    def start(self, name, argv, env=None):
        log = open(self.logs / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(
            [str(a) for a in [*self.prefix(name), *argv]], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})}, start_new_session=True,
            preexec_fn=_die_with_parent)
        log.close()
        return self.processes[name]

    def prefix(self, name):
        """What stands in front of a process's own arguments: nothing here, another network elsewhere."""
        return []

    def alive(self, name):
        p = self.processes.get(name)
        return p is not None and p.poll() is None

    def log_of(self, name):
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def _need(self, name, condition, seconds):
        def ready():
            if not self.alive(name):
                raise RuntimeError(f"{name} ended at its start:\n" + self.log_of(name)[-2000:])
            return condition()
        until(ready, seconds, f"{name} to be ready")

    def start_broker(self):
        self.start("broker", [MOSQUITTO, "-c", self.work / "mosquitto.conf"])
        self._need("broker", self.broker_serves, 10)

    def broker_serves(self):
        return self._connects(self.broker_port)

    def start_hq(self, die=None):
        """die: a moment for LANEWAY_HQ_DIE; then HQ may be gone before it was ever seen to be ready."""
        argv = [self.build / "laneway-hq", "run", "-c", self.work / "hq.conf"]
        if die:
            self.start("hq", argv, {"LANEWAY_HQ_DIE": die})
            return
        self.start("hq", argv)
        self._need("hq", lambda: self._connects(self.work / "hq.sock"), 20)

    def start_daemon(self):
        self.start("daemon", [self.build / "lanewayd", "-c", self.work / "store.conf"])
        self._need("daemon", lambda: self.status(), 20)

    def bring_up(self):
        """Broker, HQ with its customers, and the store, all running and in step."""
        self.start_broker()
        self.start_hq()
        self.import_customers()
        self.start_daemon()
        until(lambda: self.status()["sync"]["profiles"] >= self.customers, 30, "the shard to be filled")
        return self

    def start_sim(self, seconds=None, scale=20.0):
        self.start("sim", self.sim_argv(seconds, scale))

    def sim_argv(self, seconds, scale):
        tail = f"{self.build}/laneway --socket {self.work}/api.sock --json tail"
        argv = [self.build / "laneway-sim", "run", "--customers", self.work / "customers.csv", "--out", self.sim_dir,
                "--port", self.pos_port, "--token-file", self.work / "pos.token", "--url",
                f"http://127.0.0.1:{self.http_port}", "--lanes", ",".join(self.lanes), "--seed", self.seed,
                "--scale", scale, "--tail", "exec " + tail]
        return argv + (["--seconds", seconds] if seconds else []) + (["--aim"] if self.aim else [])

    @staticmethod
    def _connects(where):
        family, address = (socket.AF_INET, ("127.0.0.1", where)) if isinstance(where, int) else (
            socket.AF_UNIX, str(where))
        with socket.socket(family) as s:
            s.settimeout(1)
            return s.connect_ex(address) == 0

    def signal(self, name, sig):
        if self.alive(name):
            self.processes[name].send_signal(sig)

    def kill(self, name):
        """SIGKILL, as a power cut would."""
        self.signal(name, signal.SIGKILL)
        if name in self.processes:
            self.processes[name].wait()

    def stop(self, name, seconds=15):
        """SIGTERM; the exit status. A process that does not end in time fails."""
        p = self.processes.get(name)
        if p is None:
            return None
        if p.poll() is None:
            p.send_signal(signal.SIGCONT)
            p.send_signal(signal.SIGTERM)
        try:
            return p.wait(seconds)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise TimeoutError(f"{name} did not stop within {seconds} s")

    def stop_all(self):
        for name in ("sim", "daemon", "hq", "broker"):
            if self.alive(name):
                try:
                    self.stop(name)
                except TimeoutError as e:
                    print(e)
        for p in self.processes.values():
            if p.poll() is None:
                p.kill()

    # --- looking ---

    def status(self):
        """The daemon's status, or None while it does not answer."""
        p = self.tool("laneway", "--socket", self.work / "api.sock", "--json", "status", check=False)
        try:
            return json.loads(p.stdout)
        except ValueError:
            return None

    def hq(self):
        db = sqlite3.connect(f"file:{self.hq_work}/hq/hq.db?mode=ro", uri=True, timeout=5)
        db.execute("PRAGMA query_only=1")
        return db

    def hq_events(self):
        """How many events HQ holds."""
        try:
            with self.hq() as db:
                return db.execute("SELECT count(*) FROM event").fetchone()[0]
        except sqlite3.Error:
            return 0

    def drained(self):
        """Every event of the store is confirmed."""
        s = self.status()
        return bool(s and s["journal"]["events"] == s["journal"]["confirmed"])

    def import_customers(self):
        return self.tool("laneway-hq", "import", "-c", self.work / "hq.conf", self.work / "customers.csv")

    # --- the day ---

    def close_day(self, seconds=30):
        """Move the cut of a store at noon to the early morning: the day that it traded on is closed. Its date."""
        assert self.day_cut == NOON_CUT, "a day is closed once, and at noon"
        before = len(self.statements()["statements"])
        self.day_cut = "01:00"
        self.write_store_conf()
        self.signal("daemon", signal.SIGHUP)
        until(lambda: len(self.statements()["statements"]) > before, seconds, "the day to be closed")
        return self.statements()["statements"][0]["business_date"]

    def statements(self):
        """The days that the store has closed, as `laneway statements` tells them."""
        return json.loads(self.tool("laneway", "--socket", self.work / "api.sock", "--json", "statements").stdout)

    def countersigned(self, day):
        return any(s["business_date"] == day and s["state"] == "countersigned" for s in self.statements()["statements"])

    def prove(self, day, *args):
        return self.tool("laneway-hq", "prove", "-c", self.work / "hq.conf", self.store, day, *args, check=False)

    def oracle(self):
        """Compare what was sent with what HQ holds, in a process of its own."""
        return subprocess.run(
            ["/usr/bin/python3", str(Path(__file__).with_name("oracle.py")), "--sim", str(self.sim_dir), "--db",
             str(self.work / "hq" / "hq.db"), "--keys", str(self.keys), "--store", self.store, "--zone", self.timezone,
             "--day-cut", self.day_cut],
            text=True, capture_output=True)
