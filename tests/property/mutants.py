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
CONSENT = "daemon/identity/consent.c"
FIELD = "daemon/identity/field.c"
LIBS = ["-ljansson", "-licuuc"]  # of what the programs need of the library
WHY = "daemon/identity/field_why.c"


@dataclasses.dataclass
class Mutant:
    name: str
    source: str
    was: str
    instead: str
    program: str


def consent(name, was, instead):
    return Mutant(name, CONSENT, was, instead, "consent")


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
    consent("everything is forbidden", "out->allowed = out->value == CONSENT_GRANTED;", "out->allowed = false;"),
    Mutant("trust does not count", FIELD, "if (a->trust != b->trust)", "if (false)", "field"),
    Mutant("the oldest stands", FIELD, "return a->from_us < b->from_us ? -1 : 1;", "return a->from_us > b->from_us ? -1 : 1;", "field"),
    Mutant("an uncertain time counts as its end", FIELD, "a->from_us != b->from_us", "a->to_us == b->to_us && a->from_us != b->from_us",
           "field"),
    Mutant("a source without a say is heard", FIELD, "f->field < FIELD_COUNT && f->trust > 0", "f->field < FIELD_COUNT", "field"),
    Mutant("all claims share one value", FIELD, "if (a->field != FIELD_CONTACT)\n\t\treturn 0;", "if (true)\n\t\treturn 0;", "field"),
    Mutant("what says the same is not named", WHY, "same_value(f, &facts[at]);", "false;", "field"),
    Mutant("the newest that lost was before", WHY, "field_wins(&facts[i], &facts[best])", "facts[i].from_us > facts[best].from_us",
           "field"),
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
    program = place / mutant.program
    built = run("gcc", "-std=c11", "-D_GNU_SOURCE", "-Iinclude", "-Idaemon", "-O1", "-c", changed, "-o", place / "changed.o")
    if built.returncode == 0:
        built = run("g++", "-o", program, *objects, place / "changed.o", BUILD / "liblaneway.a", *LIBS)
    if built.returncode != 0:
        raise SystemExit(f"{mutant.name}: does not compile\n{built.stderr}")
    return program


def found(mutant):
    with tempfile.TemporaryDirectory() as place:
        result = run(link(mutant, Path(place)), SEED, COUNT)
    case = re.search(r"FAILED: case (\d+)", result.stdout)
    return int(case.group(1)) + 1 if result.returncode == 1 and case else None


def main():
    chosen = [m for m in MUTANTS if not sys.argv[1:] or any(word in m.name for word in sys.argv[1:])]
    for program in sorted({m.program for m in chosen}):
        if run(BUILD / "tests/property" / program, SEED, COUNT).returncode != 0:
            raise SystemExit(f"{program} finds something where nothing was planted")
    missed = 0
    for mutant in chosen:
        case = found(mutant)
        missed += case is None
        print(f"  {mutant.program:8} {mutant.name:52} {f'found in case {case:,}' if case else 'NOT FOUND'}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} planted defects found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
