"""Defects that the property programs must find: each is put into a copy of one source, compiled, linked in front of the
library, and the program has to fail within its short count.

    LANEWAY_BUILD=build /usr/bin/python3 tests/property/mutants.py [name ...]

A text to replace that is no longer there, or there twice, fails loudly: then the defect has to be planted anew. Prints a
table; exits 1 if a defect was not found, or if the programs find something where nothing was planted.
"""

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LANEWAY_BUILD", "build")
SEED = "1"
COUNT = "10000"
COUNTS = {"hq_links": "80", "two_stores": "60"}  # of those with an HQ
CONSENT = "daemon/identity/consent.c"
FIELD = "daemon/identity/field.c"
LIBS = ["-ljansson", "-licuuc", "-lcrypto"]  # of what the programs need of the library
WHY = "daemon/identity/field_why.c"
OBJECTS = {"links": ["links", "world", "world_json", "generate", "orders", "undo", "person", "person_said"],
           "hq_links": ["hq_links", "world", "world_json", "generate", "person", "person_said"],
           "two_stores": ["two_stores", "two_stores_say", "two_stores_links", "two_stores_view", "two_stores_cause", "shop"]}  # of others: those that begin with the name
PACKAGES = ["libevent", "libmosquitto", "sqlite3", "libssl", "libcrypto", "jansson", "libzstd", "libconfuse", "libsystemd",
            "libidn2", "libcurl"]  # of what HQ's part of the library needs
FOLD, CLUSTER, JOIN = (f"daemon/identity/fold{part}.c" for part in ("", "_cluster", "_join"))
PERSON = "tests/property/person.c"
WORLD = "tests/property/world.c"


@dataclasses.dataclass
class Mutant:
    name: str
    source: str
    was: str
    instead: str
    program: str


def consent(name, was, instead):
    return Mutant(name, CONSENT, was, instead, "consent")


def pruned(name, was, instead):
    return Mutant(name, "daemon/identity/consent_prune.c", was, instead, "consent")


def hq(name, source, was, instead):
    return Mutant(name, f"tools/hq/identity/{source}.c", was, instead, "hq_links")


def stores(name, source, was, instead):
    return Mutant(name, f"daemon/identity/{source}.c", was, instead, "two_stores")


def links(name, source, was, instead):
    return Mutant(name, source, was, instead, "links")


MUTANTS = [
    consent("the latest choice wins, overlap or not", "c->to_us < latest_us", "c->from_us < latest_us"),
    consent("a grant survives an unlink on the other side", "return forbids(c) || of_person(a, c);", "return true;"),
    consent("a withdrawal leaves with the one who said it", "return forbids(c) || of_person(a, c);",
            "return of_person(a, c);"),
    consent("a till lifts a STOP", "if (is_confirmed(c) && concerns(a, c) && about_address(a, c) &&\n\t\t    c->from_us > stop",
            "if (!forbids(c) && concerns(a, c) && about_address(a, c) &&\n\t\t    c->from_us > stop"),
    consent("a STOP is lifted by what may be older", "c->from_us > stop->to_us", "c->to_us > stop->from_us"),
    consent("another person lifts a STOP", "(ref_none(&c->unit) || of_person(a, c)))\n\t\t\treturn true;", "true)\n\t\t\treturn true;"),
    consent("a STOP binds only whom it came with", "if (!is_stop(c) || !concerns(a, c)",
            "if (!is_stop(c) || !of_person(a, c) || !concerns(a, c)"),
    consent("an import raises without its text", "c->method == CONSENT_IMPORT && !c->has_text && !forbids(c)", "false"),
    consent("an import cannot lower", "c->method == CONSENT_IMPORT && !c->has_text && !forbids(c)",
            "c->method == CONSENT_IMPORT && !c->has_text"),
    consent("a grant covers every address", "return forbids(c) || ref_none(&a->q->address);", "return true;"),
    consent("one address stands for another",
            "return !ref_none(&c->address) && ref_same(&c->address, &a->q->address);", "return !ref_none(&c->address);"),
    consent("pending counts as granted", "!ref_none(&c->address) && !confirmed(a, unit))",
            "!ref_none(&c->address) && !confirmed(a, unit) && false)"),
    consent("confirmed once is confirmed for ever", "c->from_us > forbidden_us)", "true)"),
    consent("of linked units the mildest wins", "return !from->because || value > from->value;",
            "return !from->because || value < from->value;"),
    consent("of linked units the latest wins", "if (takes_over(all, unit->value, unit->because))",
            "if (!all->because || named_before(unit->because, all->because))"),
    consent("a channel is every channel", "c->channel != CONSENT_ANY && c->channel != a->channel", "false"),
    consent("a purpose is every purpose", "c->purpose != a->q->purpose", "false"),
    consent("a restricted person is asked about like any other", "q->restricted && q->purpose != CONSENT_LOYALTY", "false"),
    consent("what came first is named", "return named_before(c, from->because);", "return false;"),
    pruned("what overlaps supersedes", "by->from_us <= c->to_us", "by->from_us <= c->from_us"),
    pruned("a grant supersedes a STOP", "if (is_stop(c) && !ref_none(&c->address)", "if (false && !ref_none(&c->address)"),
    pruned("a no supersedes what lifted a STOP", "if (confirms(c) && !ref_none(&c->address)", "if (false && !ref_none(&c->address)"),
    pruned("a grant supersedes the no that a confirmation has to come after", "if (!forbids(c) || c->purpose != CONSENT_MARKETING)",
           "if (true)"),
    pruned("a grant supersedes the no of a unit that was linked",
           "return forbids(by) || (!forbids(c) && ref_same(&by->unit, &c->unit));", "return true;"),
    pruned("a grant speaks for a unit that was linked", "(!forbids(c) && ref_same(&by->unit, &c->unit))", "!forbids(c)"),
    pruned("an import that cannot raise supersedes", "if (cannot_raise(by) &&", "if (false &&"),
    pruned("one channel supersedes another", "(by->channel != CONSENT_ANY && by->channel != c->channel)", "false"),
    pruned("one purpose supersedes another", "by->purpose != c->purpose", "false"),
    pruned("a grant for the person supersedes one for an address", "return ref_none(&by->address) && forbids(by);",
           "return ref_none(&by->address);"),
    consent("everything is forbidden", "out->allowed = out->value == CONSENT_GRANTED;", "out->allowed = false;"),
    Mutant("trust does not count", FIELD, "if (a->trust != b->trust)", "if (false)", "field"),
    Mutant("the oldest stands", FIELD, "compare_moment(a->from_us, b->from_us, false);", "compare_moment(b->from_us, a->from_us, false);",
           "field"),
    Mutant("an uncertain time counts as its end", FIELD, "compare_moment(a->from_us, b->from_us, false);",
           "compare_moment(a->to_us, b->to_us, true);", "field"),
    Mutant("what is finer than a millisecond counts", FIELD, "a = clock_whole_ms(a, up);\n\tb = clock_whole_ms(b, up);", "(void)up;", "field"),
    Mutant("a source without a say is heard", FIELD, "f->field < FIELD_COUNT && f->trust > 0", "f->field < FIELD_COUNT", "field"),
    Mutant("all claims share one value", FIELD, "if (a->field != FIELD_CONTACT)\n\t\treturn 0;", "if (true)\n\t\treturn 0;", "field"),
    Mutant("what says the same is not named", WHY, "same_value(f, &facts[at]);", "false;", "field"),
    Mutant("the newest that lost was before", WHY, "field_wins(&facts[i], &facts[best])", "facts[i].from_us > facts[best].from_us",
           "field"),
    links("limits are those of the pair", CLUSTER, "	if (never)\n		return never;\n",
          "	if (never || a->size + b->size > 2)\n		return never;\n"),
    links("the number of identifiers is that of the pair", CLUSTER, "	if (!over)\n		return false;\n",
          "	if (!over || a->size + b->size > 2)\n		return false;\n"),
    links("in order of arrival", WORLD, "	if (p->store != q->store)\n", "	if (p)\n		return 0;\n	if (p->store != q->store)\n"),
    links("HQ comes last", WORLD, "p->store < q->store ? -1 : 1", "p->store > q->store ? -1 : 1"),
    links("what was undone keeps its room under the limit", FOLD, "			v->fate = FOLD_UNDONE;\n",
          "			v->fate = FOLD_UNDONE;\n			if (kind == FOLD_CLAIM && w->left[i] != FOLD_NONE)\n"
          "				fold_cluster_hold(w, fold_cluster_root(w, w->left[i]), i);\n"),
    links("a join cannot be taken back", JOIN, "if (fold_index_is_undone(w, &j->id)) {", "if (false) {"),
    links("an undo counts from its place on", "daemon/identity/fold_index.c", "	return n && is_at(",
          "	for (size_t i = 0; i < w->in->op_count; i++)\n		if (ref_same(&w->in->op[i].id, id))\n"
          "			return false;\n		else if (w->in->op[i].kind == FOLD_UNDO && ref_same(&w->in->op[i].left, id))\n"
          "			return true;\n	return n && is_at("),
    links("the first names are those of the pair", CLUSTER, "	else if (b->first_name != FOLD_NONE && !same_first(w, a->first_name, b->first_name))\n"
          "		a->first_name = FOLD_MIXED;\n", ""),
    links("the window is that of the pair", CLUSTER, "	fold_made_also(&a->made, &b->made);\n", ""),
    links("the stores are those of the pair", CLUSTER, "		a->made.store = FOLD_MIXED;\n", "		a->made.store = store;\n"),
    links("the beginning of an uncertain time counts", CLUSTER, "within(b->from_us, a->to_us, window_us)", "within(b->from_us, a->from_us, window_us)"),
    links("who enrols in one store twice is one", CLUSTER, "!have_a_store_in_common(w, p, q);", "true;"),
    links("no store is a store", CLUSTER, "window_us > 0 && a->store && b->store &&", "window_us > 0 &&"),
    links("last names are not looked at", CLUSTER, "names == FOLD_NAMES_BOTH &&", "false &&"),
    links("the last names are those of the pair", CLUSTER, "		a->last_name = FOLD_MIXED;\n", "		a->last_name = a->last_name;\n"),
    links("a verified phone of another last name joins nobody", JOIN, "rule->kind == IDENT_PHONE ? FOLD_NAMES_FIRST",
          "rule->kind == IDENT_PHONE ? FOLD_NAMES_BOTH"),
    links("what was not offline is joined", JOIN, "reason = FOLD_NOT_OFFLINE;", "reason = FOLD_NO_REASON;"),
    links("what was not offline is shared", JOIN, "g->shared |= offline;", "g->shared = true;"),
    links("who proves a household's phone is one", JOIN, "(rule->unique || fold_cluster_alike(w, p, q))", "(true || fold_cluster_alike(w, p, q))"),
    links("a card is a household's", JOIN, "(rule->unique || fold_cluster_alike(w, p, q))", "(fold_cluster_alike(w, p, q))"),
    links("no name is every name, however many have the phone", JOIN, " && !alone(w, g, p, q))", " && false)"),
    links("no name is no name, though nobody else has the phone", JOIN, " && !alone(w, g, p, q))", ")"),
    links("a third who comes later does not count", JOIN, "if (unit == FOLD_NONE || w->erased[unit])",
          "if (unit == FOLD_NONE || w->erased[unit] || claim > w->out->join[w->out->join_count - 1].claim[1])"),
    links("a third whose claim never was counts", JOIN, "root != q && !fold_index_is_undone(w, &w->in->op[claim].id)", "root != q"),
    links("a third who is forgotten counts", JOIN, "if (unit == FOLD_NONE || w->erased[unit])", "if (unit == FOLD_NONE)"),
    links("birth dates do not make alike", CLUSTER, "(a->born && a->born == b->born && a->born != FOLD_MIXED)", "false"),
    links("the first birth date stands for all", CLUSTER, "	else if (b->born != 0 && b->born != a->born)\n		a->born = FOLD_MIXED;\n", ""),
    links("an identifier takes room for each unit", CLUSTER, "if (w->group[w->right[c]].stamp != w->stamp)", "if (true)"),
    links("kept apart is the pair, not the person", CLUSTER, "		}\n		unit = w->member_next[unit];\n	} while (unit != p);", "		}\n	} while (false);"),
    links("two enrolments in conflict share nothing", JOIN, "g->shared |= offline;", ";"),
    links("however many have it, it joins", JOIN, "	int64_t at_least", "	return false;\n	int64_t at_least"),
    links("one confirmed customer takes in typed enrolments", JOIN, "!w->cluster[p].confirmed &&", "true &&"),
    links("a block leaves what stands before it", FOLD, "w->group[w->left[i]].blocked = true;",
          "w->group[w->left[i]].blocked = w->group[w->left[i]].claim > i;"),
    links("who is erased is still linked", FOLD, "if (w->erased[l] || (two && w->erased[r]))", "if (w->erased[l] && !two)"),
    links("the highest number names the person", FOLD, "a->number < b->number", "a->number > b->number"),
    links("a shortfall is debited", PERSON, "		b->balance = 0;\n", ""),
    hq("the last store comes first", "hq_component_order", "	int by = strcmp(x->store, y->store);", "	int by = -strcmp(x->store, y->store);"),
    hq("epochs are in order of arrival", "hq_component_order", "		by = compare(x->rank, y->rank);", "		by = 0;"),
    hq("who shares an identifier is not folded along", "hq_component", "k < count && !l->c->ident[i].crowded", "k < 1"),
    hq("links are not followed", "hq_component", "if (e.kind == HQ_OP_LINK || e.kind == HQ_OP_APART) {", "if (e.kind == HQ_OP_APART) {"),
    hq("HQ does not know which store enrolled whom", "hq_component", "here.store = fold_store(hq_db_text(q, 6));", "here.store = 0;"),
    hq("HQ knows only the first claim's time", "hq_component", "		fold_made_also(&unit->made, &here);\n", "		here = unit->made;\n"),
    hq("HQ does not know last names", "hq_facts", "if (winner[FIELD_LAST_NAME] < f.count)", "if (false)"),
    hq("undos of claims are not read", "hq_component", "if (e.kind != HQ_OP_UNDO && e.kind != HQ_OP_ERASE)",
       "if (!e.row.claim && e.kind != HQ_OP_UNDO && e.kind != HQ_OP_ERASE)"),
    stores("an event gives way when it has arrived, included or not", "overlay_fold",
           "			    overlay_known_includes(&g->line[l], p->epoch, p->seq);", "			    true;"),
    stores("the overlay gives way for the whole person", "overlay_person", "		add_facts(g, &p->facts);", "		if (!g->line_count)\n			add_facts(g, &p->facts);"),
    stores("a linked person keeps the values of one", "overlay_person", "said_here(g, person) || !is_one_line(g, person)", "said_here(g, person)"),
    stores("what HQ has is there twice", "overlay_person", "		if (!has_fact(g, &l->fact[i]))\n", ""),
    stores("what is included is forgotten and counts on", "overlay_group", "		p->included = true;", ""),
    stores("what a store takes back of HQ's stays", "overlay_fold", "if (part_of(to, i) == part_of(to, 0))", "if (false)"),
    stores("what was taken back is told on", "overlay_ask", "== FOLD_UNDONE;", "== FOLD_UNDONE && false;"),
    stores("a store cannot lift its own block that HQ has", "overlay_fold", "i < json_array_size(c->by)", "false"),
    stores("a person has an identifier once", "overlay_line", "i < json_array_size(also)", "false"),
    stores("of two parts each shows what both were", "overlay_person", "		forget_plain(&out->profile);", "		;"),
    links("points stay where their claim never was", PERSON, "(ref_none(&p->claim) || !person_never_was(v->w, &p->claim))", "true"),
]


def run(*args):
    return subprocess.run([str(a) for a in args], cwd=ROOT, capture_output=True, text=True)


def link(mutant, place):
    """The program with the changed source in front of the library, where the linker finds it first."""
    text = (ROOT / mutant.source).read_text()
    if text.count(mutant.was) != 1:
        raise SystemExit(f"{mutant.name}: planted nowhere or twice in {mutant.source}: {mutant.was!r}")
    changed = place / Path(mutant.source).name
    changed.write_text(text.replace(mutant.was, mutant.instead))
    objects = sorted((BUILD / "tests/property").glob(f"{mutant.program}*.o"))
    if mutant.program in OBJECTS:
        objects = [BUILD / f"tests/property/{name}.o" for name in OBJECTS[mutant.program] if f"/{name}.c" not in mutant.source]
    libs = [BUILD / "liblaneway.a", *LIBS]
    if mutant.program in COUNTS:
        packages = run("pkg-config", "--libs", *PACKAGES).stdout.split()
        libs = [BUILD / "libtools.a", *libs, *packages, "-lphonenumber", "-lpthread", "-lcmocka"]
    program = place / mutant.program
    built = run("gcc", "-std=c11", "-D_GNU_SOURCE", "-Iinclude", "-Idaemon", "-Itools", f"-I{BUILD}", "-Itests/property", "-O1", "-c", changed, "-o", place / "changed.o")
    if built.returncode == 0:
        built = run("g++", "-o", program, *objects, place / "changed.o", *libs)
    if built.returncode != 0:
        raise SystemExit(f"{mutant.name}: does not compile\n{built.stderr}")
    return program


def check(program):
    """What was wrong by the short form of this program, or None."""
    if program.name == "links":
        env = {**os.environ, "LANEWAY_LINKS": str(program)}
        result = subprocess.run([sys.executable, "tests/property/links.py", "--seed", SEED], cwd=ROOT, env=env, capture_output=True, text=True)
        what = re.search(r"DIFFERENT: (?:# )?([^(:]*)", result.stdout)
    else:
        result = run(program, SEED, COUNTS.get(program.name, COUNT))
        what = re.search(r"FAILED: (case \d+)", result.stdout)
    if result.returncode not in (0, 1) or (result.returncode == 1 and not what):
        raise SystemExit(f"{program.name} could not run:\n{result.stdout}{result.stderr}")
    return what[1].strip() if result.returncode else None


def found(mutant):
    with tempfile.TemporaryDirectory() as place:
        return check(link(mutant, Path(place)))


def main():
    chosen = [m for m in MUTANTS if not sys.argv[1:] or any(word in m.name for word in sys.argv[1:])]
    for program in sorted({m.program for m in chosen}):
        if check(BUILD / "tests/property" / program):
            raise SystemExit(f"{program} finds something where nothing was planted")
    missed = 0
    for mutant in chosen:
        what = found(mutant)
        missed += what is None
        print(f"  {mutant.program:8} {mutant.name:52} {f'found: {what}' if what else 'NOT FOUND'}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} planted defects found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
