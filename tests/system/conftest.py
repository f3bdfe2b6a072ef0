"""Every test gets a whole Laneway of its own: see tools/demo/rig.py."""

import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "demo"))

from box import Box  # noqa: E402
from rig import BUILD, Rig  # noqa: E402



def pytest_report_header(config):
    return f"laneway: programs from {BUILD}"


@contextmanager
def make_rig_in(folder):
    """Makes rigs that are set up but not started; everything of them is stopped afterwards, in order."""
    made = []

    def make(**kwargs):
        kwargs.setdefault("customers", 200)
        rig = Rig(folder / f"rig{len(made)}", build=BUILD, **kwargs)
        made.append(rig)
        rig.setup()
        return rig

    try:
        yield make
    finally:
        for rig in made:
            rig.stop_all()
    for rig in made:
        for name in rig.processes:
            log = rig.log_of(name)
            assert "ERROR: AddressSanitizer" not in log and "runtime error:" not in log, f"{name}:\n{log[-4000:]}"


@pytest.fixture
def make_rig(tmp_path):
    with make_rig_in(tmp_path) as make:
        yield make


@pytest.fixture
def rig(make_rig):
    return make_rig().bring_up()


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A store without broker and HQ, one for a whole file."""
    with make_rig_in(tmp_path_factory.mktemp("box")) as make:
        yield Box(make(customers=5))
