"""Planted defects: each is put into a copy of the tree, built, and must make the named tests fail.

    /usr/bin/python3 tests/system/planted.py [name ...]

A text to replace that is no longer there fails loudly: then the defect has to be planted anew. First the tests run
on the copy as it is and must pass. Prints a table; exits 1 if a defect was not caught. Not part of `make check`.
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
POWER_TILL = "tests/system/test_power.py::test_what_a_till_was_told_is_kept_survives_a_power_cut"
POWER_HQ = "tests/system/test_power.py::test_what_hq_confirmed_survives_a_power_cut_at_hq"
JOB = "tests/system/test_main_job.py::"
HQ = "tests/system/test_hq.py::"


@dataclasses.dataclass
class Defect:
    name: str
    edits: list  # (file, text, what stands there instead)
    tests: list  # any of them must fail


DEFECTS = [
    Defect("acknowledge at enqueue", [
        ("daemon/flow_till.c", """		send_refused(f, c->link, &c->id, "queue_full");
		flow_publish(f);
	}
""", """		send_refused(f, c->link, &c->id, "queue_full");
		flow_publish(f);
	} else {
		struct journal_state js;
		struct window_slot at = {.count = count};
		journal_state(f->p.journal, &js);
		memcpy(at.epoch, js.epoch, sizeof at.epoch);
		at.seq = js.last_seq + 1;
		send_kept(f, c->link, &c->id, &at, NULL);
	}
"""),
        ("daemon/flow_till.c", """	flow_publish(f);
	if (!flow_put(f, e)) {
		window_forget""", """	flow_publish(f);
	uint32_t count = e->count;
	if (!flow_put(f, e)) {
		window_forget"""),
        ("daemon/flow_till.c", "	send_kept(f, e->tag, &e->id, &slot, order ? json_string_value(order) : NULL);\n", "")],
        [POWER_TILL]),
    Defect("acknowledge before the commit", [
        ("daemon/store/journal.c", """	bool kept = true;
	if (confirms ||""", """	bool kept = true;
	journal_write_answer(j, kept);
	if (j->params.notify)
		j->params.notify(j->params.notify_ctx);
	if (confirms ||""")],
        [POWER_TILL]),
    Defect("let go at PUBACK", [
        ("daemon/sync/sync.c", """	case MQTT_ACKED: /* in the pipe, no more: only a confirmation counts */
		break;
""", """	case MQTT_ACKED:
		uplink_acked(s->uplink);
		break;
"""),
        ("daemon/sync/uplink.h", "void uplink_confirm(struct uplink *u,",
         "void uplink_acked(struct uplink *u);\nvoid uplink_confirm(struct uplink *u,"),
        ("daemon/sync/uplink_confirm.c", "void uplink_confirm(struct uplink *u,", """void uplink_acked(struct uplink *u)
{
	static struct confirm c;
	memset(&c, 0, sizeof c);
	for (int i = 0; i < u->batch_count; i++) {
		const struct uplink_batch *b = &u->batches[i];
		struct uplink_epoch *e = uplink_epoch_by_ordinal(u, b->ordinal);
		memcpy(c.epochs[0].epoch, e->epoch, sizeof e->epoch);
		c.epochs[0].through = e->through;
		c.epochs[0].range_count = 1;
		c.epochs[0].ranges[0].first = b->first;
		c.epochs[0].ranges[0].last = b->first + b->count - 1;
		uplink_epoch_confirm(e, &c.epochs[0], false);
	}
	drop_covered(u);
	uplink_epochs_flush(u);
}

void uplink_confirm(struct uplink *u,""")],
        [JOB + "test_11_the_broker_dies_with_batches_that_it_acknowledged"]),
    Defect("resend window not rebuilt at start", [
        ("daemon/flow_start.c", "	if (window_kept(r->f->window, id, epoch, seq, count, wall_us) < 0)\n",
         "	if (r->failed && window_kept(r->f->window, id, epoch, seq, count, wall_us) < 0)\n")],
        [JOB + "test_06_a_message_that_is_sent_again_is_one_event"]),
    Defect("dedupe without the leaf", [
        ("tools/hq/hq_ingest.c", "		same = leaf && memcmp(leaf, t->in->leaf[i], EVENT_HASH_BYTES) == 0;\n",
         "		same = leaf != NULL;\n")],
        [HQ + "test_another_body_under_a_held_seq_is_a_fork"]),
    Defect("confirm before HQ's commit", [
        ("tools/hq/hq_serve.c", """	if (hq_ingest_commit(s->ingest) != 0)
		return;
	maybe_die(s);
	hq_ingest_confirm(s->ingest, send_confirm, s);
""", """	hq_ingest_confirm(s->ingest, send_confirm, s);
	if (hq_ingest_commit(s->ingest) != 0)
		return;
	maybe_die(s);
""")],
        [POWER_HQ]),
]


def copy_tree(to):
    """What git knows, and what is built, with its times, so that make builds only what is changed."""
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"], check=True, capture_output=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    if (ROOT / "build").is_dir():
        shutil.copytree(ROOT / "build", to / "build", ignore=shutil.ignore_patterns("san", "fuzz", "tests"))


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
    p = subprocess.run(["make", "-C", tree, "-j2", "all"], capture_output=True, text=True)
    if p.returncode:
        sys.exit(f"planted.py: the copy does not build:\n{p.stdout[-2000:]}{p.stderr[-4000:]}")


def run(tree, tests):
    """(all passed, names that failed, the output)"""
    env = {**os.environ, "LANEWAY_BUILD": "build", "LANEWAY_SAN": ""}
    p = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=tree, env=env,
                       capture_output=True, text=True)
    if p.returncode not in (0, 1):
        sys.exit(f"planted.py: the tests could not run:\n{p.stdout[-4000:]}{p.stderr[-2000:]}")
    return p.returncode == 0, re.findall(r"^FAILED \S+::(\S+)", p.stdout, re.M), p.stdout


def try_defect(tree, defect):
    before = plant(tree, defect)
    build(tree)
    begun = time.monotonic()
    _, failed, _ = run(tree, defect.tests)
    seconds = time.monotonic() - begun
    for name, text in before.items():
        (tree / name).write_text(text, encoding="utf-8")
    first = f"{failed[0]}{f' and {len(failed) - 1} more' if failed[1:] else ''}" if failed else "NOT CAUGHT"
    print(f"| {defect.name:35} | {first:75} | {seconds:5.1f} |", flush=True)
    return bool(failed)


def main():
    wanted = [d for d in DEFECTS if not sys.argv[1:] or d.name in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="laneway-planted-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        build(tree)
        passed, failed, out = run(tree, sorted({t for d in wanted for t in d.tests}))
        if not passed:
            sys.exit(f"planted.py: without a defect these fail already: {failed}\n{out[-4000:]}")
        print(f"| {'planted defect':35} | {'caught by':75} | {'s':>5} |\n|{'-' * 37}|{'-' * 77}|{'-' * 7}|", flush=True)
        caught = [try_defect(tree, d) for d in wanted]
    return 0 if all(caught) else 1


if __name__ == "__main__":
    sys.exit(main())
