"""A store and HQ in two network namespaces, and the line between them in the hands of a test.

Two links: a veth pair, on which nft rules in the store's namespace drop or refuse, and a pair of TAP devices with a relay
between them (net_relay.py), which delays, loses, doubles and reorders single frames. The broker and HQ run in one
namespace, lanewayd and the simulator in the other.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

from net_relay import enter
from rig import Rig, until

STORE_IP, HQ_IP, DEAD_IP = "10.213.0.1", "10.213.0.2", "10.213.0.3"  # on the veth pair; nobody has the last
RELAY_STORE_IP, RELAY_HQ_IP = "10.213.1.1", "10.213.1.2"
NAME = "broker.laneway.test"
_number = itertools.count()


def lacking():
    """The means that is missing here, or None."""
    if os.geteuid() != 0:
        return "network namespaces: not root"
    for tool in ("ip", "nft"):
        if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            return f"network namespaces: no {tool}"
    if not os.path.exists("/dev/net/tun"):
        return "network namespaces: no /dev/net/tun"
    probe = f"lw-probe-{os.getpid()}"
    try:
        _sh("ip", "netns", "add", probe)
        _sh("ip", "netns", "exec", probe, "nft", "add table inet probe")
    except subprocess.CalledProcessError as e:
        return "network namespaces: " + e.stderr.strip()[:200]
    finally:
        subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return None


def _sh(*argv, **kwargs):
    return subprocess.run(argv, check=True, text=True, capture_output=True, **kwargs)


def inside(namespace, what):
    """what() as called in that network; sockets made there stay there."""
    got = []

    def run():
        enter(namespace)
        try:
            got.append((what(), None))
        except BaseException as e:  # handed to the caller
            got.append((None, e))

    t = threading.Thread(target=run)
    t.start()
    t.join()
    if got[0][1]:
        raise got[0][1]
    return got[0][0]


def clear_leftovers():
    """Namespaces of test runs that were killed."""
    for path in Path("/run/netns").glob("lw*-*"):
        pid = re.match(r"lw(\d+)-\d+[sh]$", path.name)
        if pid and not Path("/proc", pid[1]).exists():
            subprocess.run(["ip", "netns", "del", path.name], capture_output=True)
            shutil.rmtree(Path("/etc/netns") / path.name, ignore_errors=True)


class Net:
    """Two namespaces and their links. Use as a context."""

    def __init__(self, seed=1):
        tag = f"lw{os.getpid()}-{next(_number)}"
        self.store, self.hq, self.seed, self.relay = tag + "s", tag + "h", seed, None

    def __enter__(self):
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def make(self):
        clear_leftovers()
        for ns in (self.store, self.hq):
            _sh("ip", "netns", "add", ns)
            _sh("ip", "-n", ns, "link", "set", "lo", "up")
        _sh("ip", "link", "add", "wan", "netns", self.store, "type", "veth", "peer", "name", "wan", "netns", self.hq)
        self.relay = subprocess.Popen([sys.executable, str(Path(__file__).with_name("net_relay.py")), self.store, self.hq, "far",
                                       str(self.seed)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.relay.stdout.readline() == "ok\n"
        for ns, wan, far in ((self.store, STORE_IP, RELAY_STORE_IP), (self.hq, HQ_IP, RELAY_HQ_IP)):
            for link, address in (("wan", wan), ("far", far)):
                _sh("ip", "-n", ns, "address", "add", address + "/24", "dev", link)
                _sh("ip", "-n", ns, "link", "set", link, "up")
        hosts = Path("/etc/netns") / self.store
        while not hosts.is_dir():
            try:
                hosts.mkdir(parents=True)
            except FileNotFoundError:
                pass  # another one has just taken /etc/netns away, which was empty
        (hosts / "hosts").write_text(f"127.0.0.1 localhost\n{DEAD_IP} {NAME}\n{HQ_IP} {NAME}\n")

    def __exit__(self, *_):
        if self.relay:
            self.relay.stdin.close()
            self.relay.wait()
        for ns in (self.store, self.hq):
            subprocess.run(["ip", "netns", "del", ns], capture_output=True)
        shutil.rmtree(Path("/etc/netns") / self.store, ignore_errors=True)
        try:
            Path("/etc/netns").rmdir()
        except OSError:
            pass  # somebody else's

    # --- the veth pair ---

    def rules(self, incoming="", outgoing=""):
        """What the store's end of the veth pair does with packets, in nft's words; nothing: they pass. The moment before it does."""
        before = time.time()
        _sh("ip", "netns", "exec", self.store, "nft", "-f", "-", input=f"""flush ruleset
            table inet fault {{
              chain incoming {{ type filter hook input priority 0;
                {'iifname "wan" ' + incoming if incoming else ''}
              }}
              chain outgoing {{ type filter hook output priority 0;
                {'oifname "wan" ' + outgoing if outgoing else ''}
              }}
            }}""")
        return before

    def swallow(self):
        self.rules("drop", "drop")

    def lose(self, percent):
        """Each packet, in each direction, is lost with this probability."""
        self.rules(f"numgen random mod 100 < {percent} drop", f"numgen random mod 100 < {percent} drop")

    def reset(self, port):
        """Whatever is sent to that port is answered with a RST."""
        self.rules("", f"tcp dport {port} reject with tcp reset")

    def forget(self, ports):
        """As a router that lost its table: connections from these ports are swallowed, new ones pass."""
        one_of = "{ " + ", ".join(map(str, ports)) + " }"
        self.rules(f"tcp dport {one_of} drop", f"tcp sport {one_of} drop")

    def heal(self):
        return self.rules()

    def connections(self, port):
        """The store's own ports of its connections to that port."""
        out = _sh("ip", "netns", "exec", self.store, "ss", "-Htn", "state", "established", f"dport = :{port}").stdout
        return [int(l.split()[2].rsplit(":", 1)[1]) for l in out.splitlines()]

    # --- the pair of TAP devices ---

    def far(self, **state):
        """delay (s, each way), loss, double, reorder (probabilities), hole (bool): as in net_relay.py."""
        self.relay.stdin.write(json.dumps(state) + "\n")
        self.relay.stdin.flush()
        assert self.relay.stdout.readline() == "ok\n"


class NetRig(Rig):
    """A Rig whose store reaches its broker over a Net only."""

    def __init__(self, work, net=None, via=HQ_IP, **kwargs):
        super().__init__(work, **kwargs)
        self.net = net
        self.broker_listen, self.broker_for_store = "0.0.0.0", via

    def prefix(self, name):
        return ["ip", "netns", "exec", self.net.hq if name in ("broker", "hq") else self.net.store]

    def broker_serves(self):
        return inside(self.net.hq, super().broker_serves)

    # --- when did it come back? ---

    def moments(self, text):
        """The times (s since 1970) of the daemon's log lines that have this text."""
        return [datetime.fromisoformat(l[:24].replace("Z", "+00:00")).timestamp() for l in self.log_of("daemon").splitlines()
                if text in l and re.match(r"\d{4}-\d\d-\d\dT", l)]

    def connected_after(self, moment, seconds):
        """How long after that moment the daemon said that it was connected. Its clock is ours."""
        def come():
            return [t for t in self.moments("sync: connected to the broker") if t >= moment - 0.001]
        return until(come, seconds, "the connection")[0] - moment

    def lost(self, seconds=25):
        until(lambda: not self.status()["sync"]["connected"], seconds, "the loss of the line to be noticed")

    def at_hq(self, what, seconds):
        """Until HQ holds a line with this text; how long that took."""
        begun = time.monotonic()

        def there():
            with self.hq() as db:
                return db.execute("SELECT 1 FROM event WHERE instr(line, ?) > 0 LIMIT 1", (what.encode(),)).fetchone()
        until(there, seconds, f"{what} at HQ")
        return time.monotonic() - begun
