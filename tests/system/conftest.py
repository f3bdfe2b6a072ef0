"""Every test gets a whole Laneway of its own: see tools/demo/rig.py."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "demo"))

from rig import Rig  # noqa: E402

BUILD = os.environ.get("LANEWAY_SAN") or os.environ.get("LANEWAY_BUILD", "build")


def pytest_report_header(config):
    return f"laneway: programs from {BUILD}"


@pytest.fixture
def make_rig(tmp_path):
    """A rig that is set up but not started; everything of it is stopped afterwards, in order."""
    made = []

    def make(**kwargs):
        kwargs.setdefault("customers", 200)
        rig = Rig(tmp_path / f"rig{len(made)}", build=BUILD, **kwargs)
        made.append(rig)
        rig.setup()
        return rig

    yield make
    for rig in made:
        rig.stop_all()
        for name in rig.processes:
            log = rig.log_of(name)
            assert "ERROR: AddressSanitizer" not in log and "runtime error:" not in log, f"{name}:\n{log[-4000:]}"


@pytest.fixture
def rig(make_rig):
    return make_rig().bring_up()
