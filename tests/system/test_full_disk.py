"""A disk that others have filled before the box starts: nothing is thrown away for it, and it ends by itself."""

import os
import subprocess

import pytest
from rig import until
from store import Scanner, Till, customers, lane, up


@pytest.fixture
def small(make_rig, want):
    """A store whose folder is a file system of 48 MiB."""
    if os.geteuid() != 0:
        want("root, to mount a file system")
    rig = make_rig(customers=20)
    folder = rig.work / "store"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "none", folder], check=True)
    try:
        yield rig, folder
    finally:
        rig.stop_all()
        subprocess.run(["umount", folder], check=True)


def fill(folder):
    fd = os.open(folder / "filler", os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(fd, bytes(4096))
    except OSError:
        os.close(fd)


def test_a_start_on_a_disk_without_any_room_keeps_the_customers_and_goes_on_when_there_is(small):
    """Goal: not a page is free, and the reserve is gone too: sources are told no, HQ is away; then there is room again."""
    rig, folder = small
    rig.bring_up()
    rig.stop("hq")
    rig.stop("daemon")
    (folder / "journal.db.reserve").unlink()
    fill(folder)
    scanner = Scanner(rig)
    rig.start_daemon()
    until(lambda: rig.status()["start"] == "ready" and up(rig), 20, "the box to be up")
    assert rig.status()["journal"]["full"]
    till = Till(rig)
    assert till.wait("refused", source_message_id=till.send("basket_opened", basket="B1"))["reason"] == "disk_full"
    said = rig.tool("laneway", "--socket", rig.work / "api.sock", "status", check=False).stdout
    assert "PROBLEM  the journal is full" in said and "ALARM: no uplink while the disk is full" in rig.log_of("daemon")
    (folder / "filler").unlink()
    until(lambda: not rig.status()["journal"]["full"], 30, "sources to be served again")
    until(lambda: rig.status()["sync"]["connected"], 30, "the uplink")
    till.kept("basket_opened", basket="B2")
    scanner.scan(customers(rig)[3]["loyalty"])
    until(lambda: lane(rig)["person"]["state"] == "known", 10, "a customer that only the store can know now")
    assert "made anew" not in rig.log_of("daemon")
    rig.start_hq()
    until(rig.drained, 30, "everything to be confirmed")
