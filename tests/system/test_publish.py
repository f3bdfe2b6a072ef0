"""A rule table is tried out, published and taken back, among real processes: what was said of it is what happens, at both
ends, also when HQ is killed while customers are folded; a store says which table it goes by and why it refuses one."""

import json

import pytest
from rig import until
from store import customers
from test_two_stores import OTHERS, PHONE, chain  # noqa: F401

pytestmark = pytest.mark.takes(30)


def table(rig, **members):
    path = rig.work / "rules.json"
    path.write_text(json.dumps(members))
    return path


def rules(rig, *args, check=True):
    return rig.tool("laneway-hq", "rules", *args, "-c", rig.work / "hq.conf", check=check)


def publish(rig, path, *more):
    return json.loads(rules(rig, "publish", path, "--reason", "a poster", "--author", "Ida Berg", "--json", *more).stdout)


def figures(answer):
    return {name: (f["count"], f["first"]) for name, f in answer["figures"].items() if f["count"]}


def left(rig):
    with rig.hq() as db:
        return db.execute("SELECT count(*) FROM dirty").fetchone()[0]


def standing(rig, store):
    """What HQ says of the store's rules."""
    status = json.loads(rig.tool("laneway-hq", "status", "--json", "-c", rig.work / "hq.conf").stdout)
    return [(r["version"], r["refused"], r["why"]) for s in status["stores"] if s["store"] == store for r in s["rules"]]


def state(rig):
    """All that is folded, without the versions by which it is and those of the feed."""
    with rig.hq() as db:
        return [db.execute(sql).fetchall() for sql in (
            "SELECT id, person, state, name, points, digest FROM profile ORDER BY n",
            "SELECT ref, fate, reason FROM claim ORDER BY id", "SELECT id, state FROM ident ORDER BY id",
            "SELECT id, fate, reason FROM joined ORDER BY id", "SELECT cause, key FROM review ORDER BY key")]


def both(chain):
    """Each store's lines of the two who enrolled."""
    return [[shop.cached(i) for i, _ in chain.enrolled()] for shop in chain.shops]


def test_a_table_that_blocks_what_made_two_one_parts_them_at_both_ends_and_an_old_one_brings_them_back(chain):
    hq = chain.hq
    for shop, basket in zip(chain.shops, ("E1", "W1")):
        shop.sell(basket, "Mia", "1")
    chain.back((0, 1), kill=False)
    one, two = chain.enrolled()
    assert one == (one[0], one[0]) and two == (two[0], one[0])
    until(lambda: all(lines[0].get("visits") == 2 for lines in both(chain)), 30, "both stores to know that it is one person")
    old, lines = state(hq), both(chain)
    path = table(hq, blocked=[{"kind": "phone", "value": PHONE}])

    said = publish(hq, path)
    assert figures(said) == {"parted": (1, [two[0]]), "blocked": (1, [one[0]]), "claims": (2, [one[0], two[0]]),
                             "lines": (2, [one[0], two[0]])}
    assert said["differences"] == ["blocked: 1 of phone more"] and not said["done"]
    assert state(hq) == old
    text = rules(hq, "check", path).stdout
    assert two[0] in text and "8394057" not in text

    done = publish(hq, path, "--yes")
    assert done["version"] == 2 and figures(done) == figures(said)
    assert chain.enrolled() == [(one[0], one[0]), (two[0], two[0])]
    for shop in chain.shops:
        until(lambda: shop.cached(two[0]).get("state") == "active", 30, "two persons in the store")
        until(lambda: shop.choose("X" + shop.rig.store)["person"]["state"] == "blocked", 30, "the phone to be blocked there")
        assert standing(hq, shop.rig.store) == [("2", "", "")]
        assert shop.rig.status()["rules"] == {"version": "2", "author": "Ida Berg", "reason": "a poster", "from": "hq",
                                              "refused": None}
    assert "blocked; rule phone_exact of rules 2, trust 60" in chain.say("profile", two[0], "--why")

    back = json.loads(rules(hq, "revert", "1", "--reason", "no poster", "--yes", "--json").stdout)
    assert back["version"] == 3
    assert state(hq) == old
    for match in (m for store in lines for line in store for m in line.get("matches", []) if "rules" in m):
        match["rules"] = "3"  # by which of HQ's tables two are one: the old one has a new number
    until(lambda: both(chain) == lines, 30, "both stores to have the old lines")
    assert [(h["version"], h["reason"]) for h in json.loads(rules(hq, "show", "--json").stdout)["history"]] == [
        (3, "no poster"), (2, "a poster")]


def test_hq_that_is_killed_while_customers_are_folded_goes_on(make_rig):
    rig = make_rig(customers=3000)
    rig.bring_up()
    cards = [{"kind": "loyalty", "value": c["loyalty"]} for c in customers(rig)[:50]]
    path = table(rig, blocked=cards)
    rig.start("publish", [rig.build / "laneway-hq", "rules", "publish", path, "--reason", "r", "--yes", "-c", rig.work / "hq.conf"])
    between = until(lambda: left(rig), 60, "customers to be marked")
    rig.kill("hq")
    assert 0 < left(rig) <= between <= 3000
    assert rig.processes["publish"].wait(30) == 1
    assert "the table is published; customers are folded by it when HQ runs" in rig.log_of("publish")
    rig.start_hq()
    until(lambda: left(rig) == 0, 60, "all to be folded")
    with rig.hq() as db:
        assert db.execute("SELECT DISTINCT rules FROM claim").fetchall() == [("2",)]
        assert db.execute("SELECT count(*) FROM ident WHERE state = 'blocked'").fetchone() == (50,)
        assert db.execute("SELECT count(*) FROM rule_table").fetchone() == (1,)
    until(lambda: standing(rig, rig.store) == [("2", "", "")], 60, "the store to go by it")


def test_a_table_that_a_store_cannot_read_is_refused_with_a_reason_that_hq_shows(make_rig):
    rig = make_rig(customers=5)
    conf = (rig.work / "store.conf").read_text()
    (rig.work / "store.conf").write_text("\n".join(l for l in conf.splitlines() if not l.startswith("loyalty")) + "\n")
    rig.bring_up()
    until(lambda: standing(rig, rig.store) == [("", "", "")], 20, "the store to say that it goes by its own")
    publish(rig, table(rig, blocked=[{"value": customers(rig)[0]["loyalty"]}]), "--yes")
    until(lambda: standing(rig, rig.store) == [("", "2", "blocked[0]: value: expected a loyalty in one of its forms")], 20,
          "the refusal to be at HQ")
    assert "REFUSED rules version 2: blocked[0]" in rig.tool("laneway-hq", "status", "-c", rig.work / "hq.conf").stdout
    said = rig.tool("laneway", "--socket", rig.work / "api.sock", "status", check=False).stdout
    assert "version 2 of HQ's rules is not taken: blocked[0]: value" in said
    (rig.work / "store.conf").write_text(conf)
    rig.stop("daemon")
    rig.start_daemon()
    until(lambda: standing(rig, rig.store) == [("2", "", "")], 30, "the store to take it")
    rig.kill("broker")
    rig.kill("daemon")
    rig.start_daemon()
    until(lambda: rig.status()["rules"]["version"] == "2", 20, "it to stand without HQ")


def test_every_mistake_of_a_file_is_named_and_nothing_is_tried_out(make_rig):
    rig = make_rig(customers=OTHERS)
    path = table(rig, gard={}, rules=[{"kind": "phone", "limit": -1}])
    said = rules(rig, "check", path, check=False)
    assert said.returncode == 1 and said.stdout == ""
    assert said.stderr == (f'{path}: "gard" is not known here\n'
                           f"{path}: rules[0]: limit: expected a whole number from 0 to 1000\n2 mistakes\n")
    said = rules(rig, "publish", table(rig, guard={"clean_days": 30}), check=False)
    assert said.returncode == 2 and "--reason: expected" in said.stderr
