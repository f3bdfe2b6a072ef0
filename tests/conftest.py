"""What the suites share. Tests run side by side: each has folders, ports and a whole Laneway (tools/demo/rig.py) of its own.

What a test has to tell (seeds, counts, histograms) it says by `say`; it stands at the end of pytest's output. A test
that cannot run for want of a means calls `want`, and how many did stands there too.
"""

import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools" / "demo"), str(ROOT / "tests" / "system")]

from rig import BUILD, Rig  # noqa: E402


def pytest_report_header(config):
    return f"laneway: programs from {BUILD}"


def pytest_collection_modifyitems(items):
    def takes(item):
        mark = item.get_closest_marker("takes")
        return mark.args[0] if mark else 0
    items.sort(key=takes, reverse=True)


# --- what is said at the end ---


def pytest_terminal_summary(terminalreporter):
    told = {"say": [], "want": []}
    for reports in terminalreporter.stats.values():
        for r in reports:
            if getattr(r, "when", None) == "teardown":
                for kind, text in r.user_properties:
                    told[kind].append((r.nodeid, text))
    for _, text in sorted(told["say"]):
        terminalreporter.write_line(text)
    if any(told.values()):
        terminalreporter.write_line(f"fault rig: {len(told['want'])} tests skipped for want of a means"
                                    + "".join(f"\n  {name}: {w}" for name, w in sorted(told["want"])))


@pytest.fixture
def say(request):
    # Properties go with the report, from whatever process runs the test.
    return lambda text: request.node.user_properties.append(("say", text))


@pytest.fixture
def want(request):
    def skip(means):
        request.node.user_properties.append(("want", means))
        pytest.skip(means)
    return skip


# --- rigs ---


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


@pytest.fixture(scope="module")
def make_rig_of_module(tmp_path_factory):
    with make_rig_in(tmp_path_factory.mktemp("module")) as make:
        yield make


@pytest.fixture
def rig(make_rig):
    return make_rig().bring_up()
