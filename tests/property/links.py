"""The links property: what the programs fold step by step is what the model folds from scratch.

    /usr/bin/python3 tests/property/links.py [--steps N] [--pools N] [--big N] [--scenarios N] [--undo N] [--seed N] [--jobs N]

One million steps over 10,000 pools of small clusters and 60 of up to 80 members (--long) in several processes: after each
step every person whom it touched is compared, byte by byte (by SHA-256); now and then, and at the end, all of a pool.
Then all orders of arrival of seven operations, and undone against never said. Prints its seed, and how to see a difference.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import fold_model

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("LANEWAY_LINKS") or ROOT / os.environ.get("LANEWAY_BUILD", "build") / "tests/property/links")
WHOLE_ONE_IN = 40  # steps after which all of a pool is compared
BIG_WHOLE_ONE_IN = 400
SHORT = {"steps": 10000, "pools": 160, "big": 2, "scenarios": 8, "undo": 1000}
LONG = {"steps": 1000000, "pools": 10000, "big": 60, "scenarios": 1000, "undo": 300000}


def state(text):
    if text is None:
        return f"{0:016x}"
    first = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return f"{first | 1:016x}"


class Different(Exception):
    pass


class Pool:
    """What has been said, as it came; nothing is worked out here."""

    def __init__(self, rules):
        self.rules = rules
        self.order = []  # units, in the order in which they came
        self.units, self.said, self.facts, self.choices, self.points = {}, [], {}, [], []
        self.told = {}  # unit -> state, as the program says

    def take(self, change):
        kind = change["change"]
        if kind == "unit":
            self.order.append(change["ref"])
            self.told[change["ref"]] = None
        if kind in ("unit", "amend"):
            self.units[change["ref"]] = change
        elif kind == "fact":
            self.facts[change["id"]] = change
        elif kind == "unsay":
            del self.facts[change["id"]]
        else:
            {"said": self.said, "choice": self.choices, "points": self.points}[kind].append(change)

    def scratch(self, of):
        """All that is connected with these units, folded from nothing."""
        refs = fold_model.component(self.units, self.said, of)
        units = [u for ref, u in self.units.items() if ref in refs]
        return fold_model.states(self.rules, units, self.said, self.facts.values(), self.choices, self.points)

    def check(self, of):
        left = set(of)
        while left:
            texts = self.scratch([left.pop()])
            for ref, text in texts.items():
                if self.told[ref] != state(text):
                    raise Different(self.order.index(ref), text)
            left -= set(texts)


def read_rules(out):
    return [json.loads(out.readline()) for _ in range(4)]


def run_steps(job):
    """One process of the program and one of the model. (steps, largest person, error)"""
    args = ["--seed", str(job["seed"]), "--steps", str(job["steps"]), "--pools", str(job["pools"]), "--big", str(job["big"])]
    chance = random.Random(job["seed"])
    step, largest = 0, 0
    with subprocess.Popen([PROGRAM, "steps", *args], stdout=subprocess.PIPE, text=True, encoding="utf-8") as p:
        rules = read_rules(p.stdout)
        pools = {}
        try:
            for line in p.stdout:
                if line.startswith("#"):
                    largest = int(line.split()[-1])
                    continue
                change = json.loads(line)
                pool = pools.setdefault(change["pool"], Pool(rules[change["pool"] % len(rules)]))
                pool.take(change)
                step += 1
                touched = []
                for one in p.stdout.readline()[1:].split():
                    at, told = one.split(":")
                    touched.append(pool.order[int(at)])
                    pool.told[touched[-1]] = told
                small = change["pool"] < job["pools"]
                pool.check(pool.order if chance.randrange(WHOLE_ONE_IN if small else BIG_WHOLE_ONE_IN) == 0 else touched)
            for pool in pools.values():
                pool.check(pool.order)
        except Different as e:
            p.kill()
            unit, text = e.args
            told = subprocess.run([PROGRAM, "text", *args, "--at", str(step), "--unit", str(unit)], capture_output=True,
                                  text=True, encoding="utf-8", check=False).stdout.strip()
            again = " ".join(["links text", *args, "--at", str(step), "--unit", str(unit)])
            return step, largest, f"step {step}: unit {unit}: after {json.dumps(change)}\n  model:   {text}\n  program: {told}\n  {again}"
        except ValueError:
            pass  # it ended in the middle of a line
    if p.returncode or step != job["steps"]:
        return step, largest, f"the program ended with {p.returncode} after {step} of {job['steps']} steps (links steps {' '.join(args)})"
    return step, largest, None


def check_masks(rules, start, items, lines):
    """Each of the 128 subsets of the seven, as the program folds it. How the two enrolments of one phone ended."""
    outcome = None
    for line in lines:
        mask, *told = line[1:].split()
        pool = Pool(rules)
        for change in start + [c for i, item in enumerate(items) if int(mask) >> i & 1 for c in item]:
            pool.take(change)
        pool.told = dict(one.split(":") for one in told)
        pool.check(pool.order)
        if int(mask) == 3:
            first, second = (item[0]["ref"] for item in items[:2])
            outcome = pool.told[first] == pool.told[second]
    return outcome


def run_orders(job):
    args = ["--seed", str(job["seed"]), "--scenarios", str(job["scenarios"])]
    p = subprocess.run([PROGRAM, "orders", *args], capture_output=True, text=True, encoding="utf-8", check=False)
    lines = p.stdout.splitlines()
    again = f"links orders {' '.join(args)}"
    if p.returncode:
        return 0, 0, 0, f"{next((x for x in lines if 'wrong' in x), p.stderr)} ({again})"
    rules, one, two, start, items, masks = [json.loads(x) for x in lines[:4]], 0, 0, [], [], []
    scenario = None
    for line in lines[4:]:
        if line.startswith("# scenario") or line.startswith("# orders"):
            if scenario is not None:
                try:
                    outcome = check_masks(rules[scenario], start, items, masks)
                except Different as e:
                    return 0, 0, 0, f"scenario: unit {e.args[0]}: the model says {e.args[1]} ({again})"
                one, two = one + outcome, two + (not outcome)
            start, items, masks = [], [], []
            scenario = int(line.split()[-1]) if line.startswith("# scenario") else None
        elif line.startswith("# item"):
            items.append([])
        elif line.startswith("="):
            masks.append(line)
        else:
            (items[-1] if items else start).append(json.loads(line))
    return int(lines[-1].split()[2]), one, two, None


def run_undo(job):
    args = ["--seed", str(job["seed"]), "--scenarios", str(job["scenarios"])]
    p = subprocess.run([PROGRAM, "undo", *args], capture_output=True, text=True, encoding="utf-8", check=False)
    if p.returncode:
        return 0, f"{p.stdout[:3000]}{p.stderr[:2000]}\n(links undo {' '.join(args)})"
    return int(p.stdout.split()[-1]), None


def split(total, parts):
    return [total // parts + (i < total % parts) for i in range(parts)]


def jobs_of(o, key, parts, *more):
    counts = {name: split(getattr(o, name), parts) for name in (key, *more)}
    out = []
    for i in range(parts):
        job = {"seed": o.seed * 1000 + i, **{name: c[i] for name, c in counts.items()}}
        if job[key]:
            out.append(job)
    return out


def options():
    a = argparse.ArgumentParser()
    a.add_argument("--long", action="store_true")
    for name in SHORT:
        a.add_argument(f"--{name}", type=int)
    a.add_argument("--seed", type=int, default=0, help="0: another one each time")
    a.add_argument("--jobs", type=int, default=os.cpu_count())
    o = a.parse_args()
    for name, count in (LONG if o.long else SHORT).items():
        if getattr(o, name) is None:
            setattr(o, name, count)
    o.seed = o.seed or random.SystemRandom().randrange(1, 10**9)
    return o


def tell(what, results, begun):
    """How many were wrong."""
    wrong = [r[-1] for r in results if r[-1]]
    for w in wrong[:3]:
        print(f"links: DIFFERENT: {w}")
    print(f"links: {what}; {time.monotonic() - begun:.0f} s; {len(wrong)} wrong", flush=True)
    return len(wrong)


def tell_steps(o, results, begun):
    return tell(f"{sum(r[0] for r in results):,} steps in {o.pools + o.big:,} pools as the model says, largest person "
                f"{max(r[1] for r in results)} units", results, begun)


def tell_orders(o, results, begun):
    orders, one, two = (sum(r[i] for r in results) for i in range(3))
    return tell(f"{orders:,} orders of arrival, {o.scenarios:,} times 7 operations of two stores and HQ (two enrolments of one phone: "
                f"{one:,} times one person, {two:,} times two)", results, begun)


def tell_undos(o, results, begun):
    return tell(f"{sum(r[0] for r in results):,} operations taken back in {o.undo:,} histories", results, begun)


def main():
    o = options()
    print(f"links: seed {o.seed} (again: tests/property/links.py --seed {o.seed} --steps {o.steps} --pools {o.pools} --big {o.big} "
          f"--scenarios {o.scenarios} --undo {o.undo}{' --long' if o.long else ''})", flush=True)
    parts = 32 if o.long else 4
    begun = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(o.jobs) as pool:
        steps = [pool.submit(run_steps, j) for j in jobs_of(o, "steps", parts, "pools", "big") if j["pools"]]
        orders = [pool.submit(run_orders, j) for j in jobs_of(o, "scenarios", parts)]
        undos = [pool.submit(run_undo, {"seed": j["seed"], "scenarios": j["undo"]}) for j in jobs_of(o, "undo", parts)]
        wrong = tell_steps(o, [f.result() for f in steps], begun)
        wrong += tell_orders(o, [f.result() for f in orders], begun)
        wrong += tell_undos(o, [f.result() for f in undos], begun)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
