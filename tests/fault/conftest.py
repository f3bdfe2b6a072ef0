"""The fault rig: short forms in `make check`, long ones (LANEWAY_LONG=1) in `make fault`."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG = os.environ.get("LANEWAY_LONG") == "1"
JOBS = os.cpu_count() or 2


@pytest.fixture(scope="session")
def long():
    return LONG


@pytest.fixture
def program(say):
    """Run one of the rig's programs; its output, which is also said."""
    def run(name, *args, seconds=1800):
        folder = ROOT / os.environ.get("LANEWAY_BUILD", "build") / "tests" / "fault"
        p = subprocess.run([folder / name, "--jobs", str(JOBS), *map(str, args)], capture_output=True, text=True, timeout=seconds)
        say(p.stdout.rstrip())
        assert p.returncode == 0, p.stdout[-6000:] + p.stderr[-2000:]
        return p.stdout
    return run
