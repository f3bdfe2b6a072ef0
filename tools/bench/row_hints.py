"""Rows about hints: how fast `laneway-hq duplicates` is, and how good linking and hints are on people who do not exist.

The seeds here are no others': comparators and thresholds were tried out with 1, 3, 11 and 77, tests have 1001 and 1002; the rule on who
is alike was tried out with 7301 to 7303.
"""

import collections
import json
import math
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

PEOPLE = Path(__file__).resolve().parents[1] / "people/people.py"
RECORDS, RECORDS_SHORT = 1_000_000, 200_000
PERSONS_PER_RECORD = 0.568  # the generator's
SEED_SPEED, SEEDS_CHAIN, SEEDS_FEBRL = 2000, (7311, 7312, 7313), range(2011, 2021)
CHAIN_PERSONS = 50_000
LIKELY, SURE = 3.5, 10.0
STEP = 20_000


def people(out, *args):
    with open(out, "w", encoding="utf-8") as f:
        subprocess.run([sys.executable, PEOPLE, *map(str, args)], check=True, stdout=f)
    return out


def hq(*args):
    """The answer of a command as JSON, its seconds and its peak of memory in MiB."""
    exe = str(Path(os.environ.get("LANEWAY_BUILD", "build")).resolve() / "laneway-hq")
    begun = time.monotonic()
    p = subprocess.Popen([exe, *map(str, args)], stdout=subprocess.PIPE, text=True)
    answer = p.stdout.read()
    _, status, used = os.wait4(p.pid, 0)
    if status:
        raise RuntimeError(f"laneway-hq {args[0]} ended with {status}")
    return json.loads(answer) if answer.startswith("{") else {}, time.monotonic() - begun, used.ru_maxrss / 1024


def make_conf(folder):
    folder.mkdir()
    exe = str(Path(os.environ.get("LANEWAY_BUILD", "build")).resolve() / "laneway-hq")
    subprocess.run([exe, "ca", "init", folder / "keys", "--broker", "localhost"], check=True, capture_output=True)
    (folder / "data").mkdir()
    conf = folder / "hq.conf"
    conf.write_text(f'data = "{folder}/data"\nkeys = "{folder}/keys"\nregion = "DE"\ncurrency = "EUR"\n'
                    'broker { host = "localhost"  port = 8883 }\nlog_level = "error"\n')
    return conf


def fill(folder, conf, records):
    """hq.db with so many units: the first rows by `import`, so that its tables are those of this release, the others
    written straight into them, for an import also folds and versions."""
    csv_file = people(folder / "all.csv", "chain", "--seed", SEED_SPEED, "--persons", int(records * PERSONS_PER_RECORD), "--import")
    lines = csv_file.read_text(encoding="utf-8").splitlines()
    some = folder / "some.csv"
    some.write_text("\n".join(lines[:11]) + "\n", encoding="utf-8")
    subprocess.run([str(Path(os.environ.get("LANEWAY_BUILD", "build")).resolve() / "laneway-hq"), "import", some, "-c", conf], capture_output=True)
    db = sqlite3.connect(folder / "data/hq.db")
    db.execute("PRAGMA synchronous = OFF")
    names = lines[0].split(",")
    fields = [(i, n) for i, n in enumerate(names) if n not in ("customer_id", "phone", "email")]
    n, idents = db.execute("SELECT max(n) FROM profile").fetchone()[0], {}
    idents.update({(k, v): i for i, k, v in db.execute("SELECT id, kind, value FROM ident")})
    for at in range(11, len(lines), STEP):
        units, facts, claims, new = [], [], [], []
        for line in lines[at:at + STEP]:
            cells, n = line.split(","), n + 1
            units.append((n, f"C{n:06}", cells[0], os.urandom(16), n))
            facts += [(n, f, os.urandom(16), cells[i]) for i, f in fields if cells[i]]
            for kind in ("phone", "email"):
                value = cells[names.index(kind)]
                if not value:
                    continue
                if (kind, value) not in idents:
                    idents[kind, value] = len(idents) + 1
                    new.append((idents[kind, value], kind, value, os.urandom(16)))
                claims.append((os.urandom(16), n, idents[kind, value]))
        db.executemany("INSERT INTO profile(n, id, external, ref, person, state, confirmed) VALUES(?, ?, ?, ?, ?, 'active', 1)", units)
        db.executemany("INSERT INTO unit_fact(unit, field, ref, value, source, from_us, to_us) VALUES(?, ?, ?, ?, 'import', 1, 1)", facts)
        db.executemany("INSERT INTO ident(id, kind, value, ref) VALUES(?, ?, ?, ?)", new)
        db.executemany("INSERT INTO claim(ref, unit, ident, verified, source, seq) VALUES(?, ?, ?, 0, 'import', 1)", claims)
        db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    csv_file.unlink()


def duplicates(b):
    folder = b.work / "duplicates"
    conf = make_conf(folder)
    records = RECORDS if b.named else RECORDS_SHORT
    b.report.say(f"duplicates: writing {records:,} customers")
    fill(folder, conf, records)
    learned, learn_s, learn_mib = hq("duplicates", "--estimate", "--json", "-c", conf)
    answer, whole_s, mib = hq("duplicates", "--json", "-c", conf)
    s = answer["seconds"]
    b.report.table("duplicates", f"laneway-hq duplicates on {answer['records']:,} customers, one thread, one run", ["what", "figure"],
                   [["in all, weights kept, s", f"{whole_s:.0f}"], ["of it reading hq.db, s", f"{s['read']:.0f}"],
                    ["of it finding and comparing pairs, s", f"{s['compare']:.0f}"], ["pairs compared", f"{answer['compared']:,}"],
                    ["pairs/s", f"{answer['compared'] / s['compare']:,.0f}"], ["pairs listed as likely", f"{answer['pairs']:,}"],
                    ["peak of memory, MiB", f"{mib:.0f}"], ["learning weights before that, s", f"{learned['seconds']['weights']:.0f}"],
                    ["... in all, s", f"{learn_s:.0f}"], ["... peak of memory, MiB", f"{learn_mib:.0f}"]])


def at(answer, bits):
    return [p for p in answer["curve"] if p["bits"] >= bits][-1]


def rate(k, n):
    """Per 10,000, with Wilson's 95 % interval."""
    z, share = 1.959964, k / n
    middle, reach = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((middle - reach) / (1 + z * z / n) if k else 0), (middle + reach) / (1 + z * z / n)
    return f"{1e4 * share:.2f} ({1e4 * low:.2f} to {1e4 * high:.2f})"


def febrl_like(b):
    got = [hq("evaluate", people(b.work / "febrl.csv", "febrl", "--seed", s), "--json")[0] for s in SEEDS_FEBRL]
    true = sum(a["true_pairs"] for a in got)
    rows = []
    for bits in (10.0, LIKELY, 0.0):
        right, wrong = (sum(at(a, bits)[k] for a in got) for k in ("right", "wrong"))
        rows.append([f"{bits:.1f} bits or more", f"{right / (right + wrong):.5f}", f"{right / true:.5f}", str(wrong)])
    rows.append(["pairs of one person among the candidates", "", f"{sum(a['blocking_recall'] * a['true_pairs'] for a in got) / true:.5f}", ""])
    b.report.table("quality-febrl", f"Hints on {len(got)} sets made as FEBRL4 was (10,000 records, 5,000 pairs each), together; weights learned without labels",
                   ["score", "precision", "recall", "wrong pairs"], rows)


def named(answers, part, *by):
    """The rows of a list of each answer, added up by what names them."""
    out = {}
    for row in (row for a in answers for row in a[part]):
        one = out.setdefault(tuple(row[k] for k in by), collections.Counter())
        one.update({k: v for k, v in row.items() if k not in by and isinstance(v, int)})
        one.update({k: v["persons"] for k, v in row.items() if isinstance(v, dict)})
    return out


def chain(b):
    got, began = [], time.monotonic()
    for s in SEEDS_CHAIN:
        csv = people(b.work / "chain.csv", "chain", "--seed", s, "--persons", CHAIN_PERSONS)
        got.append(hq("evaluate", csv, "--region", "DE", "--json", "--curve", b.work / "curve.csv")[0])
    n, true, common = (sum(a[k] for a in got) for k in ("persons", "true_pairs", "identifier_in_common"))
    rows = []
    for name, key in (("the rules, nobody asked", "linking"), ("every sure hint followed", "hints")):
        right, pairs = (sum(a[key][k] for a in got) for k in ("right", "pairs"))
        rows.append([name, *(rate(sum(a[key][k]["persons"] for a in got), n) for k in ("false_merges", "missed_merges")),
                     f"{right / pairs:.5f}", f"{right / true:.5f}"])
    b.report.table("quality-chain", f"A chain's customers, {len(got)} sets together: {n:,} persons, {sum(a['records'] for a in got):,} enrolments, shared and "
                   f"passed-on numbers, campaigns; {100 * common / true:.1f} % of {true:,} true pairs have an identifier in common ({time.monotonic() - began:.0f} s)",
                   ["what", "false merges per 10,000 persons", "missed per 10,000", "precision of pairs", "recall of pairs"], rows)
    b.report.table("quality-joins", "... joins that the rules made", ["by", "joins", "wrong"],
                   [[f"{kind}, {'both proven' if verified else 'typed'}", j["made"], j["wrong"]]
                    for (kind, verified), j in sorted(named(got, "joins", "kind", "verified").items())])
    rows = []
    for bits in (14, 12, SURE, 8, 6, LIKELY, 2, 0):
        right, wrong = (sum(at(a, bits)[k] for a in got) for k in ("right", "wrong"))
        rows.append([f"{bits:g}", f"{right / (right + wrong):.5f}", f"{right / true:.5f}", str(wrong)])
    b.report.table("quality-curve", "... hints by score", ["bits", "precision", "recall", "wrong pairs"], rows)
    kinds = {k[0]: v for k, v in named(got, "kinds", "kind").items() if v["pairs"] >= 100}
    b.report.table("quality-persons", "... by what was done to a record: persons merged falsely by the rules, and persons left in pieces, per 10,000",
                   ["kind", "persons", "false merges", "missed"],
                   [[k, v["persons"], rate(v["false_merges"], v["persons"]), rate(v["missed_merges"], v["persons"])] for k, v in kinds.items()])
    b.report.table("quality-kinds", "... by what was done to a record: pairs of one person found, pairs of strangers joined",
                   ["kind", "pairs", "identifier %", "rules %", "likely %", "sure %", "wrong by rules", "wrong likely", "wrong sure"],
                   [[k, v["pairs"], *(f"{100 * v[x] / v['pairs']:.1f}" for x in ("identifier", "linked", "likely", "sure")),
                     v["false_linked"], v["false_likely"], v["false_sure"]] for k, v in kinds.items()])


def quality(b):
    febrl_like(b)
    chain(b)
