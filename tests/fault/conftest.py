"""The fault rig: short forms in `make check`, long ones (LANEWAY_LONG=1) in `make fault`.

What a test has to tell (seeds, counts, histograms) it says by `say`; it stands at the end of pytest's output. A test
that cannot run for want of a means calls `want`, and how many did stands there too.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG = os.environ.get("LANEWAY_LONG") == "1"
JOBS = os.cpu_count() or 2

sys.path[:0] = [str(ROOT / "tools" / "demo"), str(ROOT / "tests" / "system")]
_spec = importlib.util.spec_from_file_location("system_conftest", ROOT / "tests" / "system" / "conftest.py")
_system = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_system)
make_rig_in, make_rig = _system.make_rig_in, _system.make_rig

_said, _wanting = [], []


def pytest_terminal_summary(terminalreporter):
    for text in _said:
        terminalreporter.write_line(text)
    if _said or _wanting:
        terminalreporter.write_line(f"fault rig: {len(_wanting)} tests skipped for want of a means"
                                    + "".join(f"\n  {w}" for w in _wanting))


@pytest.fixture
def say():
    return _said.append


@pytest.fixture
def want(request):
    def skip(means):
        _wanting.append(f"{request.node.name}: {means}")
        pytest.skip(means)
    return skip


@pytest.fixture(scope="session")
def long():
    return LONG


@pytest.fixture
def program():
    """Run one of the rig's programs; its output, which is also said."""
    def run(name, *args, seconds=1800):
        folder = ROOT / os.environ.get("LANEWAY_BUILD", "build") / "tests" / "fault"
        p = subprocess.run([folder / name, "--jobs", str(JOBS), *map(str, args)], capture_output=True, text=True, timeout=seconds)
        _said.append(p.stdout.rstrip())
        assert p.returncode == 0, p.stdout[-6000:] + p.stderr[-2000:]
        return p.stdout
    return run
