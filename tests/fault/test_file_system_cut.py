"""A real file system loses its power: ext4 on a loop mount is shut down without writing its log (EXT4_IOC_SHUTDOWN),
under load, then mounted again. What was synced is there, what was not may be gone, and the programs start on it."""

import fcntl
import gc
import os
import random
import shutil
import struct
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from rig import until
from trade import LONG, compare, trade

pytestmark = pytest.mark.takes(10)

EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
SECONDS = 40 if LONG else 4
CUTS_S = (2, 6) if LONG else (1, 1.5)  # between two cuts
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def sh(*argv):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True, env={**os.environ, "PATH": PATH})


def holders(folder):
    """Who has a file open there, for the error."""
    found = set()
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(fd.readlink()).startswith(str(folder)):
                found.add(f"{(fd.parents[1] / 'comm').read_text().strip()} {fd.parents[1].name} {fd.readlink()}")
        except OSError:
            pass
    return found


def unmount(folder):
    def gone():
        gc.collect()  # a connection to hq.db that nobody refers to any more
        return subprocess.run(["umount", folder], capture_output=True, env={**os.environ, "PATH": PATH}).returncode == 0
    try:
        until(gone, 10, f"{folder} to be unmounted")
    except TimeoutError as e:
        raise TimeoutError(f"{e}; open there: {holders(folder)}") from None


class Disk:
    """A folder on a file system of its own."""

    def __init__(self, image, folder):
        self.image, self.folder = image, folder
        folder.mkdir(parents=True, exist_ok=True)
        sh("truncate", "-s", "128M", image)
        sh("mkfs.ext4", "-q", "-F", image)
        self.mount()
        folder.chmod(0o700)

    def mount(self):
        sh("mount", "-o", "loop", self.image, self.folder)

    def unmount(self):
        unmount(self.folder)

    def cut(self):
        fd = os.open(self.folder, os.O_RDONLY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(fd)


@contextmanager
def disks(work):
    """Their parent is a shared mount: unmounted here, they are unmounted in every namespace that was begun meanwhile,
    by whatever else runs on this machine. Otherwise the dead file system would live on, and be what is mounted again."""
    made = []
    sh("mount", "--bind", work, work)
    try:
        sh("mount", "--make-shared", work)
        for name in ("store", "hq"):
            made.append(Disk(work / f"{name}.img", work / name))
        yield dict(zip(("store", "hq"), made))
    finally:
        for disk in made:
            disk.unmount()
        unmount(work)


def lacking(folder):
    if os.geteuid() != 0:
        return "a loop mount: not root"
    if not all(shutil.which(tool, path=PATH) for tool in ("mkfs.ext4", "mount", "umount")):
        return "a loop mount: no mkfs.ext4 or mount"
    try:
        Disk(folder / "probe.img", folder / "probe").unmount()
    except (OSError, subprocess.CalledProcessError) as e:
        return f"a loop mount: {e}"
    return None


class Cutter:
    """Cuts the power of one of the two machines, mounts its disk again, starts its program."""

    def __init__(self, rig, parts, seed):
        self.rig, self.parts, self.dice = rig, parts, random.Random(seed)
        self.cuts = {"store": 0, "hq": 0}
        self.next = time.monotonic() + self.dice.uniform(*CUTS_S) / 2

    def step(self):
        time.sleep(0.02)
        if time.monotonic() < self.next:
            return
        self.cut(min(self.cuts, key=lambda n: (self.cuts[n], self.dice.random())))
        self.next = time.monotonic() + self.dice.uniform(*CUTS_S)

    def cut(self, name):
        program = {"store": "daemon", "hq": "hq"}[name]
        self.parts[name].cut()
        self.rig.kill(program)
        self.parts[name].unmount()
        self.parts[name].mount()
        self.cuts[name] += 1
        {"store": self.rig.start_daemon, "hq": self.rig.start_hq}[name]()


@pytest.mark.parametrize("seed", range(1, 6) if LONG else (1,))
def test_a_file_system_that_loses_its_power_loses_nothing_that_was_kept(make_rig, tmp_path, say, want, seed):
    """Goal: the same promises on a real disk format, with the kernel's own recovery."""
    if why := lacking(tmp_path):
        want(why)
    rig = make_rig(seed=seed)
    with disks(rig.work) as parts:
        try:
            rig.bring_up()
            cutter = Cutter(rig, parts, seed)
            trade(rig, SECONDS, cutter.step)
            got = compare(rig)
            assert not list(Path(rig.work / "store").glob("*.unreadable*"))
        finally:
            rig.stop_all()
    say(f"ext4 cuts, seed {seed}: {cutter.cuts}; {got['events']} events at HQ, drained in {got['drained_s']} s; "
        "0 lost, 0 doubled, 0 starts refused")
    assert all(cutter.cuts.values())
