"""Planted defects prove the rig: each is put into a copy of the tree, built, and must be caught, within 1,000 runs.

    /usr/bin/python3 tests/fault/planted.py [name ...]

A text to replace that is no longer there fails loudly: then the defect has to be planted anew. First everything runs on
the copy as it is and must find nothing. Prints a table with how long each took; exits 1 if a defect was not caught. Not
part of `make check`.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS_MAX = 1000
BUILT_S = int(time.time())
CUTS = {"cut_store": 25, "cut_hq": 15}  # of a run
BETRAYAL = "tests/fault/test_betrayal.py"
PUBLISH = "sync_uplink_nth_test"  # the n-th publish fails, n by n
RE_CAUGHT = re.compile(r"^(NOT CAUGHT|caught) after (\d+) runs, (\d+) cuts, ([\d.]+) s: (.*)")


@dataclasses.dataclass
class Defect:
    name: str
    edits: list  # (file, text, what stands there instead)
    rig: list  # a program of the rig with options, a system test, or a unit test


DEFECTS = [
    Defect("acknowledge at enqueue", [
        ("daemon/flow/flow_till.c", """		flow_publish(f);
	}
	flow_tick(f);
""", """		flow_publish(f);
	} else {
		struct journal_state js;
		struct window_slot at = {.count = count};
		journal_state(f->p.journal, &js);
		memcpy(at.epoch, js.epoch, sizeof at.epoch);
		at.seq = js.last_seq + 1;
		send_kept(f, c->link, &c->id, &at, NULL);
	}
	flow_tick(f);
"""),
        ("daemon/flow/flow_till.c", "	flow_publish(f);\n	if (!flow_put(f, e)) {\n",
         "	flow_publish(f);\n	uint32_t count = e->count;\n	if (!flow_put(f, e)) {\n")],
        ["cut_store"]),
    Defect("acknowledge before the commit", [
        ("daemon/store/journal.c", "	bool kept = true;\n", """	bool kept = true;
	if (has_events(j->batch))
		journal_write_answer(j, j->batch, kept);
""")],
        ["cut_store"]),
    Defect("synchronous=NORMAL", [
        ("daemon/store/db.c", '"PRAGMA synchronous=FULL"', '"PRAGMA synchronous=NORMAL"')],
        ["cut_store"]),
    Defect("delete at PUBACK", [
        ("daemon/sync/sync.c", "	case MQTT_ACKED: /* in the pipe, no more: only a confirmation counts */\n",
         "	case MQTT_ACKED:\n		uplink_acked(s->uplink);\n"),
        ("daemon/sync/uplink.h", "void uplink_confirm(struct uplink *u, const struct confirm *c);",
         "void uplink_acked(struct uplink *u);\nvoid uplink_confirm(struct uplink *u, const struct confirm *c);"),
        ("daemon/sync/uplink_confirm.c", "void uplink_confirm(struct uplink *u, const struct confirm *c)\n{",
         """void uplink_acked(struct uplink *u)
{
	for (int i = 0; i < u->batch_count; i++) {
		const struct uplink_batch *b = &u->batches[i];
		struct uplink_epoch *e = uplink_epoch_by_ordinal(u, b->ordinal);
		const struct journal_range r = {b->first, b->first + b->count - 1};
		if (e)
			uplink_epoch_confirm(e, &r, 1);
	}
	drop_covered(u);
	uplink_epochs_flush(u);
}

void uplink_confirm(struct uplink *u, const struct confirm *c)
{""")],
        [BETRAYAL]),
    Defect("retry window not rebuilt", [
        ("daemon/flow/flow_rebuild.c", "r->no_memory = window_kept(r->window,", "r->no_memory = r->no_memory && window_kept(r->window,")],
        ["cut_store"]),
    Defect("a message left out where they are summed up", [
        ("daemon/store/journal_taken.c", "		if (taken_add(t->run, &t->ids, &m))", "		if (m.id.counter % 7 && taken_add(t->run, &t->ids, &m))")],
        ["cut_store"]),
    Defect("confirmation before HQ's commit", [
        ("tools/hq/serve/hq_serve.c", "	if (hq_ingest_commit(s->ingest) != 0)\n		return;\n",
         "	hq_ingest_confirm(s->ingest, send_confirm, s);\n	if (hq_ingest_commit(s->ingest) != 0)\n		return;\n")],
        ["cut_hq"]),
    Defect("HQ dedupe without the leaf", [
        ("tools/hq/intake/hq_ingest.c", "leaf && memcmp(leaf, t->in->leaf[i], EVENT_HASH_BYTES) == 0", "leaf != NULL")],
        ["cut_hq"]),
    Defect("let go at a publish that may have failed", [
        ("daemon/sync/uplink.c", "	else\n		sent = publish(u);\n",
         "	else {\n		const struct journal_range r = {run.first, run.first + run.count - 1};\n"
         "		sent = publish(u);\n		uplink_epoch_confirm(p.epoch, &r, 1);\n	}\n")],
        [PUBLISH]),
    Defect("the log as it is after a failed sync", [
        ("daemon/store/db.c", "renew_log(path, err, err_size) != 0 ||", "(!path && renew_log(path, err, err_size) != 0) ||")],
        ["cut_store", "--unknown", "--calls", "50"]),
    Defect("salvaged epochs side by side", [
        ("daemon/store/journal_salvage_put.c", "	return oldest - (follows ? 1 : 2);", "	(void)follows;\n	return oldest - 1;")],
        ["cut_store", "--spoil"]),
    Defect("same epoch after a restore", [
        ("daemon/store/journal_epoch.c", "	vault_random(j->epoch, sizeof(j->epoch));\n",
         "	memcpy(j->epoch, j->prev_h, sizeof(j->epoch));\n	if (!j->prev_ordinal)\n"
         "		vault_random(j->epoch, sizeof(j->epoch));\n")],
        ["cut_store", "--restore"]),
    Defect("apply mark before the fold", [
        ("tools/hq/serve/hq_apply.c", "	for (; hq_db_row(a->p.db, q); n++) {\n		mark =",
         """	int64_t from = mark;
	for (; hq_db_row(a->p.db, q); n++)
		mark = sqlite3_column_int64(q, 0);
	hq_db_meta_set(a->p.db, "applied", mark);
	hq_db_commit(a->p.db);
	hq_db_begin(a->p.db);
	q = hq_db_query(a->p.db, HQ_SQL_EVENT_AFTER, "ii", from, (int64_t)HQ_APPLY_EVENTS_MAX);
	for (n = 0; hq_db_row(a->p.db, q); n++) {
		mark =""")],
        ["cut_hq"]),
]


def copy_tree(to):
    """What git knows, and what is built, with its times, so that make builds only what is changed."""
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"], check=True, capture_output=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    if (ROOT / "build").is_dir():
        shutil.copytree(ROOT / "build", to / "build", ignore=shutil.ignore_patterns("san", "fuzz", "*_test"))


def plant(tree, defect):
    """Change the files; what they were, to be put back."""
    before = {}
    for name, old, new in defect.edits:
        text = (tree / name).read_text(encoding="utf-8")
        before.setdefault(name, text)
        if text.count(old) != 1:
            sys.exit(f"planted.py: {defect.name}: {name} has {text.count(old)} times the text to replace:\n{old}")
        (tree / name).write_text(text.replace(old, new), encoding="utf-8")
    return before


def build(tree):
    rigs = [f"build/tests/fault/{name}" for name in CUTS] + [f"build/tests/{PUBLISH}"]
    # The copy has no history to take the date of the build from.
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(BUILT_S)}
    p = subprocess.run(["make", "-C", tree, "-j2", "all", *rigs], capture_output=True, text=True, env=env)
    if p.returncode:
        sys.exit(f"planted.py: the copy does not build:\n{p.stdout[-2000:]}{p.stderr[-4000:]}")


def run_cuts(tree, rig, runs):
    """(caught, runs, cuts, seconds, what)"""
    name, *options = rig
    p = subprocess.run([tree / "build/tests/fault" / name, "--until-wrong", "--jobs", "1", "--cuts", str(runs * CUTS[name]),
                        *options], capture_output=True, text=True)
    m = RE_CAUGHT.search(p.stdout)
    if not m:
        sys.exit(f"planted.py: {name} could not run:\n{p.stdout[-2000:]}{p.stderr[-2000:]}")
    return m[1] == "caught", int(m[2]), int(m[3]), float(m[4]), m[5]


def run_test(tree, test):
    env = {**os.environ, "LANEWAY_BUILD": "build", "LANEWAY_SAN": ""}
    begun = time.monotonic()
    p = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test], cwd=tree, env=env,
                       capture_output=True, text=True)
    if p.returncode not in (0, 1):
        sys.exit(f"planted.py: the test could not run:\n{p.stdout[-4000:]}{p.stderr[-2000:]}")
    what = re.search(r"^E\s+(?:AssertionError: |TimeoutError: )?(.*)", p.stdout, re.M)
    return p.returncode == 1, 1, 0, time.monotonic() - begun, what[1] if what else ""


def run_unit(tree, test):
    begun = time.monotonic()
    p = subprocess.run([tree / "build/tests" / test], capture_output=True, text=True)
    what = re.search(r"\[  ERROR   \] --- (.*)", p.stdout + p.stderr)
    return p.returncode != 0, 1, 0, time.monotonic() - begun, what[1] if what else ""


def run(tree, rig, runs=RUNS_MAX):
    if rig[0].endswith(".py"):
        return run_test(tree, rig[0])
    return run_unit(tree, rig[0]) if rig[0].endswith("_test") else run_cuts(tree, rig, runs)


def try_defect(tree, defect):
    before = plant(tree, defect)
    build(tree)
    caught, runs, cuts, seconds, what = run(tree, defect.rig)
    for name, text in before.items():
        (tree / name).write_text(text, encoding="utf-8")
    by = " ".join(defect.rig).removeprefix("tests/fault/")
    what = what if caught else "NOT CAUGHT"
    print(f"| {defect.name:32} | {by:19} | {runs:4} | {cuts:5} | {seconds:5.1f} | {what[:90]:90} |", flush=True)
    return caught


def main():
    wanted = [d for d in DEFECTS if not sys.argv[1:] or d.name in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="laneway-planted-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        build(tree)
        for rig in {tuple(d.rig) for d in wanted}:
            caught, *_, what = run(tree, list(rig), 20)
            if caught:
                sys.exit(f"planted.py: without a defect {' '.join(rig)} finds something already: {what}")
        print(f"| {'planted defect':32} | {'caught by':19} | runs | cuts  | s     | {'what was found':90} |")
        print(f"|{'-' * 34}|{'-' * 21}|{'-' * 6}|{'-' * 7}|{'-' * 7}|{'-' * 92}|", flush=True)
        caught = [try_defect(tree, d) for d in wanted]
    print(f"{sum(caught)} of {len(caught)} planted defects were caught")
    return 0 if all(caught) else 1


if __name__ == "__main__":
    sys.exit(main())
