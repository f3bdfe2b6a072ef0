"""What a build says of itself: its date, which certificates are held against while the clock is not trusted."""

import os
import shutil
import subprocess

from rig import ROOT

COMMIT_S = 1790000000  # 2026-09-21, of the trees below
SHOW = '#include <stdio.h>\n#include "base/version.h"\nint main(void){printf("%s %lld", version_text(), ' \
       '(long long)version_built_us() / 1000000);}\n'


def run(*args, cwd, **env):
    made = subprocess.run(args, cwd=cwd, capture_output=True, text=True, env={**os.environ, **env})
    assert made.returncode == 0, made.stderr + made.stdout
    return made.stdout


def sources(to):
    """The tree as an archive has it: no git, nothing built, one time on every file."""
    to.mkdir(parents=True)
    for name in ("daemon", "include", "tools"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", to)
    for path in [to, *to.rglob("*")]:
        os.utime(path, (COMMIT_S, COMMIT_S))
    return to


def built(tree, **env):
    """What the object says that the tree's own Makefile made."""
    env = {"SOURCE_DATE_EPOCH": "", "MAKEFLAGS": "", **env}
    run("make", "build/daemon/base/version.o", cwd=tree, **env)
    (tree / "build" / "show.c").write_text(SHOW)
    run("gcc", "-Idaemon", "-o", "build/show", "build/show.c", "build/daemon/base/version.o", cwd=tree)
    version, seconds = run("build/show", cwd=tree).split()
    return version, int(seconds)


def commit(tree, when):
    date = {"GIT_AUTHOR_DATE": f"@{when} +0000", "GIT_COMMITTER_DATE": f"@{when} +0000"}
    run("git", "init", "-q", cwd=tree)
    run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x", cwd=tree, **date)


def test_01_an_unpacked_archive_is_as_old_as_its_newest_source(tmp_path):
    """Goal: without git the date is that of the files, and not a constant that is true of one year only."""
    tree = sources(tmp_path / "laneway-1.0")
    assert built(tree) == ("0", COMMIT_S)
    os.utime(tree / "daemon" / "main.c", (COMMIT_S + 86400, COMMIT_S + 86400))
    assert built(tree) == ("0", COMMIT_S + 86400)


def test_02_a_tree_unpacked_inside_anothers_repository_does_not_speak_for_that_one(tmp_path):
    """Goal: a packager's own repository around it changes neither version nor date."""
    commit(tmp_path, COMMIT_S - 3 * 365 * 86400)
    tree = sources(tmp_path / "vendor" / "laneway")
    assert built(tree) == ("0", COMMIT_S)
    commit(tree, COMMIT_S - 1000)
    version, seconds = built(tree)
    assert seconds == COMMIT_S - 1000 and version != "0"


def test_03_source_date_epoch_wins_and_a_file_from_the_future_does_not(tmp_path):
    """Goal: a reproducible build says what it is told; a file with a wrong time does not refuse good certificates."""
    tree = sources(tmp_path / "laneway")
    assert built(tree, SOURCE_DATE_EPOCH="1700000000") == ("0", 1700000000)
    os.utime(tree / "daemon" / "main.c", (4102444800, 4102444800))
    version, seconds = built(tree)
    assert COMMIT_S < seconds < 4102444800
