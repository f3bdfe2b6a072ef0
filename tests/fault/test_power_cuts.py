"""Power cuts on a disk that forgets what was not synced: nothing acknowledged is lost or doubled, no start is refused."""

import re

import pytest

pytestmark = pytest.mark.takes(14)


def share(out, phase):
    return float(re.search(rf"([\d.]+) %\s+\d+\s+{re.escape(phase)}", out).group(1))


def test_power_cuts_at_the_store(program, long):
    """Goal: after each of many cuts the daemon starts, and all that it said to be kept is there, once."""
    out = program("cut_store", "--cuts", 11500 if long else 400, "--seed", 1)  # a tenth are kills
    assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out
    assert share(out, "commit, between first write and sync") >= 30
    assert share(out, "checkpoint") >= 5
    assert share(out, "retention") >= 5


def test_power_cuts_while_the_store_starts(program, long):
    """Goal: cuts that fall into the first start, and into the recovery after the cut before."""
    out = program("cut_store", "--cuts", 2000 if long else 100, "--calls", 60, "--per-run", 5, "--seed", 100001)
    assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out


def test_a_backup_of_the_store_is_restored(program, long):
    """Goal: put back to an older state, or cloned, the store gives no name to two events."""
    out = program("cut_store", "--cuts", 2000 if long else 100, "--restore", "--seed", 300001)
    assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out


def test_power_cuts_while_a_damaged_journal_comes_back(program, long):
    """Goal: what stood in a damaged file is there again, once, however often the power goes while it is brought back."""
    out = program("cut_store", "--cuts", 3000 if long else 250, "--spoil", "--seed", 400001)
    assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out
    damaged, cuts = map(int, re.search(r"damaged (\d+) times; (\d+) cuts while", out).groups())
    assert damaged >= 10 and cuts >= 10
    assert share(out, "salvage") > 0


def test_power_cuts_where_commits_end_unknown(program, long):
    """Goal: writes and syncs fail in three starts in a row, and the power goes: what was answered stays, and then nothing is kept."""
    for calls in 60, 420:
        out = program("cut_store", "--cuts", 1500 if long else 75, "--unknown", "--calls", calls, "--seed", 500001)
        assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out
        unknown, told_no = map(int, re.search(r"(\d+) commits ended unknown.* (\d+) starts kept nothing", out).groups())
        assert unknown >= 10 and (told_no > 0 or not long)
    out = program("cut_hq", "--cuts", 600 if long else 45, "--unknown", "--seed", 500001)
    assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out


def test_power_cuts_at_hq(program, long):
    """Goal: what HQ confirmed it holds, every line as it was sent, forks kept, orders and profiles as the events give."""
    out = program("cut_hq", "--cuts", 3000 if long else 150, "--seed", 1)
    assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out
    assert share(out, "checkpoint") >= 5
    assert share(out, "HQ's fold") >= 5


def test_power_cuts_while_hq_starts(program, long):
    """Goal: cuts that fall into HQ's first start, and into the recovery after the cut before."""
    out = program("cut_hq", "--cuts", 600 if long else 40, "--calls", 120, "--per-run", 4, "--seed", 100001)
    assert "starts refused: 0; runs with something lost, doubled or wrong: 0 " in out


def test_the_nth_failure_at_the_store(program, long):
    """Goal: each write, sync and allocation fails in turn, once and for good, until a whole run passes untouched."""
    out = program("fail_store", "--step", 1 if long else 5, "--memory", 7 if long else 101, "--seed", 1)
    assert "runs with something lost, doubled or wrong: 0" in out


def test_the_nth_failure_at_hq(program, long):
    """Goal: each write, sync and allocation fails in turn: HQ holds what it confirmed, and makes of it what it always does."""
    out = program("fail_hq", "--step", 2 if long else 60, "--memory", 29 if long else 1501, "--seed", 1)
    assert "runs with something lost, doubled or wrong: 0" in out
