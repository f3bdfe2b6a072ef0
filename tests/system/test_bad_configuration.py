"""Configuration: what is wrong is refused with one clear line, at the start and while running."""

import signal
import subprocess

import pytest
from rig import until
from store import get, lane


def run_with(box, text, *more):
    path = box.rig.work / "wrong.conf"
    path.write_text(text)
    p = subprocess.run([box.rig.build / "lanewayd", *more, "-c", path], capture_output=True, text=True, timeout=20)
    return p.returncode, p.stdout, p.stderr, path


def other_store(box):
    """A configuration for a second daemon that touches nothing of the first but its keys."""
    text = (box.rig.work / "store.conf").read_text()
    for mine, other in ((f'"{box.rig.work}/store"', f'"{box.rig.work}/other"'),
                        ("api.sock", "other.sock"), (f"port = {box.rig.http_port}", "port = 0"),
                        (f"port = {box.rig.pos_port}", "port = 0")):
        assert mine in text
        text = text.replace(mine, other)
    return text


CONFS = {
    "an unknown key": ("colour = 1\n", 'unknown option "colour"'),
    "an unknown section": ("printer { }\n", 'unknown option "printer"'),
    "a bad value": ('log_level = "loud"\n', "expected error, warn, info or debug"),
    "a wrong type": ("journal { quota_mb = lots }\n", "expected 4 to 1048576 MiB"),
    "a brace too few": ("journal {\n", '"{" is not closed'),
    "a card issuer's range": ('loyalty "x" { prefix = 4  length = 16 }\n', "card issuer's range"),
}


@pytest.mark.parametrize("option", [["-n"], []], ids=["check", "start"])
@pytest.mark.parametrize("name", CONFS)
def test_01_a_wrong_configuration_is_refused_with_one_line(box, name, option):
    """Goal: file, line and what was expected, from the check and from the start alike."""
    wrong, expected = CONFS[name]
    text = other_store(box)
    status, out, err, path = run_with(box, text + wrong, *option)
    assert status == 1 and out == "" and err.count("\n") == 1
    assert err.startswith(f"lanewayd: {path}:{text.count(chr(10)) + 1}: ") and expected in err
    assert not (box.rig.work / "other").exists()


@pytest.mark.parametrize("which", ["http", "pos"])
def test_02_a_port_in_use_is_refused_with_one_line(box, which):
    mine = box.rig.http_port if which == "http" else box.rig.pos_port
    text = other_store(box)
    head, tail = text.split(f"{which} {{")
    text = f"{head}{which} {{" + tail.replace("port = 0", f"port = {mine}", 1)
    assert run_with(box, text, "-n")[0] == 0
    status, _, err, _ = run_with(box, text)
    wrong = [line for line in err.splitlines() if "error" in line]
    assert status == 1 and len(wrong) == 1
    assert "127.0.0.1" in wrong[0] and str(mine) in wrong[0] and "Address already in use" in wrong[0]
    box.good()


def test_03_a_second_daemon_on_the_same_data_is_refused(box):
    """Goal: one writer per journal, whatever is started by mistake."""
    text = other_store(box).replace(f'"{box.rig.work}/other"', f'"{box.rig.work}/store"')
    status, _, err, _ = run_with(box, text)
    wrong = [line for line in err.splitlines() if "error" in line]
    assert status == 1 and len(wrong) == 1 and "journal.db" in wrong[0]
    box.good()


def test_04_a_wrong_reload_changes_nothing_and_a_right_one_does(box):
    """Goal: SIGHUP with a fault is one line in the log; scans and tills go on before and after."""
    conf = box.rig.work / "store.conf"
    right = conf.read_text()
    for wrong, said in (("colour = 1\n", 'unknown option "colour"'), ("journal { quota_mb = 5 }\n", "journal cannot change"),
                        ('loyalty "x" { prefix = 4  length = 16 }\n', "card issuer's range")):
        conf.write_text(right + wrong)
        box.rig.signal("daemon", signal.SIGHUP)
        until(lambda: said in box.rig.log_of("daemon"), 5, "the log")
        assert "the old configuration stays" in box.rig.log_of("daemon").splitlines()[-1]
        box.good_scan()
    conf.write_text(right.replace("Ask for the customer card", "Card, please?"))
    for times in (1, 2):
        box.rig.signal("daemon", signal.SIGHUP)
        until(lambda: len(box.tail.find("Configuration Changed")) == times, 5, "the reload")
    assert lane(box.rig, "2")["prompt"] == "Card, please?"
    assert get(box.rig, "/api/v1/lanes") == {"lanes": ["1", "2", "3"]}
    until(lambda: box.source("scan-1")["up"], 5, "the scanner")
    box.good_scan()
    box.good()
