"""Rows about hints: how fast `laneway-hq duplicates` is, and how good linking and hints are on people who do not exist.

The seeds here are no others': comparators and thresholds were tried out with 1, 3, 11 and 77, tests have 1001 and 1002.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

PEOPLE = Path(__file__).resolve().parents[1] / "people/people.py"
RECORDS, RECORDS_SHORT = 1_000_000, 200_000
PERSONS_PER_RECORD = 0.568  # the generator's
SEED_SPEED, SEED_CHAIN, SEEDS_FEBRL = 2000, 2001, range(2011, 2021)
CHAIN_PERSONS = 100_000
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


def rate(r):
    return f"{r['per_10000']:.2f} ({r['low']:.2f} to {r['high']:.2f})"


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


def chain(b):
    answer, seconds, _ = hq("evaluate", people(b.work / "chain.csv", "chain", "--seed", SEED_CHAIN, "--persons", CHAIN_PERSONS), "--region", "DE",
                            "--json", "--curve", b.work / "curve.csv")
    rows = []
    for name, key in (("the rules, nobody asked", "linking"), ("every sure hint followed", "hints")):
        c = answer[key]
        rows.append([name, rate(c["false_merges"]), rate(c["missed_merges"]), f"{c['precision']:.5f}", f"{c['recall']:.5f}"])
    b.report.table("quality-chain", f"A chain's customers: {answer['persons']:,} persons, {answer['records']:,} records, shared and passed-on numbers; "
                   f"{100 * answer['identifier_in_common'] / answer['true_pairs']:.1f} % of true pairs have an identifier in common ({seconds:.0f} s)",
                   ["what", "false merges per 10,000 persons", "missed per 10,000", "precision of pairs", "recall of pairs"], rows)
    b.report.table("quality-curve", "... hints by score", ["bits", "precision", "recall", "wrong pairs"],
                   [[f"{bits:g}", f"{p['precision']:.5f}", f"{p['recall']:.5f}", str(p["wrong"])]
                    for bits in (14, 12, SURE, 8, 6, LIKELY, 2, 0) for p in [at(answer, bits)]])
    kinds = [k for k in answer["kinds"] if k["pairs"] >= 100]
    b.report.table("quality-kinds", "... by what was done to a record: pairs of one person found, pairs of strangers joined",
                   ["kind", "pairs", "identifier %", "rules %", "likely %", "sure %", "wrong by rules", "wrong likely", "wrong sure"],
                   [[k["kind"], k["pairs"], *(f"{100 * k[x] / k['pairs']:.1f}" for x in ("identifier", "linked", "likely", "sure")),
                     k["false_linked"], k["false_likely"], k["false_sure"]] for k in kinds])


def quality(b):
    febrl_like(b)
    chain(b)
