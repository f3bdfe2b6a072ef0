"""A store on a machine whose clocks the test turns (machine.c), and the truth, which is this machine's own."""

import mmap
import struct
import subprocess
import time
from pathlib import Path

from rig import until

YEAR_S = 365 * 86400
SHIM = Path(__file__).with_name("machine.c")


def build_shim(folder):
    out = folder / "machine.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-w", "-shared", "-fPIC", "-o", out, SHIM, "-ldl"], check=True)
    return out


class Machine:
    def __init__(self, rig, shim):
        self.rig, self.shim, self.boots = rig, shim, 0
        self.path = rig.work / "machine"
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 4096)

    def _put(self, at, value):
        self.map[at:at + 8] = struct.pack("=q", int(value))

    def ahead(self, seconds):
        """The wall clock is this far from the truth, from now on."""
        self._put(0, seconds * 1e6)

    def passes(self, seconds):
        """So much time, for every clock of the machine, under whatever runs on it."""
        for at in (0, 8):
            self._put(at, struct.unpack("=q", self.map[at:at + 8])[0] + seconds * 1e6)

    def shows(self, unix_s):
        self.ahead(unix_s - time.time())

    def synced(self, yes):
        """The kernel calls its clock synchronised."""
        self._put(16, 1 if yes else 0)

    def boot(self, uptime_s=30):
        """Power on: another boot id, and the time since boot begins anew."""
        self.boots += 1
        self._put(8, (uptime_s - time.clock_gettime(time.CLOCK_BOOTTIME)) * 1e6)
        self.map[24:64] = f"{self.boots:08x}-0000-4000-8000-{'0' * 12}\n".encode().ljust(40, b"\0")

    def start(self):
        self.rig.start("daemon", [self.rig.build / "lanewayd", "-c", self.rig.work / "store.conf"],
                       {"LD_PRELOAD": str(self.shim), "MACHINE_FILE": str(self.path),
                        "ASAN_OPTIONS": "verify_asan_link_order=0"})
        until(lambda: self.rig.status() or not self.rig.alive("daemon"), 20, "the daemon")
        assert self.rig.alive("daemon"), self.rig.log_of("daemon")[-2000:]

    def power_cycle(self, uptime_s=30):
        self.rig.kill("daemon")
        self.boot(uptime_s)
        self.start()

    def clock(self):
        return self.rig.status()["clock"]

    def wait_trust(self, trust, seconds=20):
        return until(lambda: (c := self.clock()) and c["trust"] == trust and c, seconds, f"a clock trusted by {trust}")
