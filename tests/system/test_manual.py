"""What the programs say of themselves: `--help` answers, and every command and option of it stands in the man page."""

import re
import subprocess

import pytest
from rig import BUILD, ROOT

PAGES = {"lanewayd": "lanewayd.8", "laneway": "laneway.1", "laneway-hq": "laneway-hq.1", "laneway-sim": "laneway-sim.1"}


def said(program, *args):
    made = subprocess.run([ROOT / BUILD / program, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert made.returncode == 0, made.stderr
    assert not made.stderr and made.stdout
    return made.stdout


def page(program):
    text = (ROOT / "dist" / "man" / PAGES[program]).read_text(encoding="utf-8")
    return re.sub(r"\\f.|\\&", "", text.replace("\\-", "-"))


def commands(program, text):
    """Of a list of commands: their names, which stand in front of what they do."""
    return {m for m in re.findall(r"^  ([a-z]+)(?= )", text, re.M)} if program in ("laneway", "laneway-hq") else set()


@pytest.mark.parametrize("program", PAGES)
def test_01_what_help_names_stands_in_the_man_page(program):
    """Goal: nobody finds a command or an option in one place only."""
    help_, man = said(program, "--help"), page(program)
    words = commands(program, help_) | set(re.findall(r"(?<![\w-])--[a-z-]+", help_))
    assert words, help_
    missing = sorted(w for w in words if not re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", man))
    assert not missing, f"{PAGES[program]} does not say {missing}"


@pytest.mark.parametrize("program", ("lanewayd", "laneway", "laneway-hq"))
def test_02_a_version_is_said_on_request(program):
    assert said(program, "--version").split()[0] == program


@pytest.mark.parametrize("program", ("laneway", "laneway-hq"))
def test_03_every_command_has_a_help_of_its_own(program):
    """Goal: not the list of all of them again."""
    everything = said(program, "--help")
    for command in commands(program, everything) - {"ca", "journal"}:
        own = said(program, command, "--help")
        assert command in own and len(own) < len(everything) / 2, own
