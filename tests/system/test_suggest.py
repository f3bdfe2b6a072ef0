"""Suggestions: a store asks whether a customer of its own is somebody whom it knows; what was said of the pair counts everywhere."""

import json
import re
import urllib.request

import pytest
from rig import until
from store import cached, hq_lines, lane, post
from test_two_stores import OTHERS, Chain

pytestmark = pytest.mark.takes(25)

HAS = "clara.kern@gmail.com"
SAYS = "clarakern+shop@gmail.com"
MASKED = "Maybe already a customer: C. K., phone …57"


@pytest.fixture(name="chain")
def chain_with_clara(make_rig):
    """Two stores that hold Clara, and have no line to HQ."""
    chain = Chain(make_rig)
    path = chain.hq.work / "clara.csv"
    path.write_text(f"customer_id,first_name,last_name,phone,email\nX1,Clara,Kern,+491728394057,{HAS}\n")
    chain.hq.tool("laneway-hq", "import", "-c", chain.hq.work / "hq.conf", path)
    clara = chain.rows("SELECT id FROM profile WHERE first_name = 'Clara'")[0][0]
    until(lambda: all(cached(shop.rig, clara) for shop in chain.shops), 30, "both stores to hold her")
    chain.clara = clara
    chain.cut()
    yield chain
    for shop in chain.shops:
        shop.gate.close()


def suggestion(shop):
    return lane(shop.rig)["suggestion"]


def looked(shop):
    with urllib.request.urlopen(f"http://127.0.0.1:{shop.rig.http_port}/metrics", timeout=10) as r:
        return int(re.search(r"^laneway_hints_looked_total (\d+)$", r.read().decode(), re.M)[1])


def enrol(shop, basket):
    shop.till.kept("basket_opened", basket=basket)
    post(shop.rig, "/api/v1/lanes/1/enrol", {"first_name": "Clara", "last_name": "Kern", "email": SAYS})
    return until(lambda: suggestion(shop), 10, "the suggestion")


def comes_and_is_corrected(shop, basket):
    """Who was enrolled in the other store, with something of this store's own."""
    shop.till.kept("basket_opened", basket=basket)
    shop.till.kept("customer_chosen", basket=basket, kind="email", value=SAYS)
    assert shop.person()["state"] == "known"
    before = looked(shop)
    post(shop.rig, "/api/v1/lanes/1/correct", {"language": "de"})
    until(lambda: looked(shop) > before, 10, "it to be looked for somebody")


def in_step(chain, shop):
    shop.gate.open()
    until(shop.settled, 60, "the store to be in step")
    return chain.rows("SELECT id FROM profile WHERE n > ? AND id <> ?", OTHERS, chain.clara)[0][0]


def listed(chain):
    return [{p["a"]["customer"], p["b"]["customer"]} for p in chain.read("duplicates")["list"]]


def test_01_a_no_counts_after_a_kill_at_hq_and_in_the_other_store(chain):
    """Goal: offline, masked, answered once for ever."""
    east, west = chain.shops
    shown = enrol(east, "B1")
    assert shown["text"] == MASKED
    assert "Kern" not in json.dumps(lane(east.rig)) and "8394" not in json.dumps(lane(east.rig))
    east.kill()
    assert until(lambda: suggestion(east), 15, "the suggestion after the kill") == shown
    post(east.rig, "/api/v1/lanes/1/not-me", {"suggestion": shown["id"]})
    assert suggestion(east) is None
    east.kill()
    until(lambda: east.person()["state"] == "known" and looked(east) > 0, 15, "it to be looked again")
    assert suggestion(east) is None

    new = in_step(chain, east)
    assert {chain.clara, new} not in listed(chain)
    assert re.search(rf"^apart {new} and {chain.clara}: said by store", chain.say("profile", new, "--why"), re.M)
    assert re.search(r"^apart: unit \S+ is not unit \S+: a person said so", east.why(new), re.M)
    in_step(chain, west)
    until(lambda: cached(west.rig, new), 30, "the other store to know her")
    comes_and_is_corrected(west, "W1")
    assert suggestion(west) is None
    assert re.search(r"^apart: ", west.why(chain.clara), re.M)


def test_02_a_yes_is_the_stewards_to_decide(chain):
    """Goal: the pair goes to the list, nobody is joined by a tap; what a steward does settles it. And without a word the other
    store suggests the same."""
    east, west = chain.shops
    shown = enrol(east, "B1")
    new = in_step(chain, east)
    assert suggestion(east) == shown
    east.kill()
    assert until(lambda: suggestion(east), 15, "the suggestion again, of somebody whom HQ has taken") == shown
    assert {chain.clara, new} in listed(chain)
    in_step(chain, west)
    until(lambda: cached(west.rig, new), 30, "the other store to know her")
    comes_and_is_corrected(west, "W1")
    assert until(lambda: suggestion(west), 10, "the suggestion in the other store") == shown

    post(west.rig, "/api/v1/lanes/1/same-person", {"suggestion": shown["id"]})
    assert suggestion(west) is None
    until(west.settled, 60, "HQ to know it")
    until(lambda: ("same_person", None) in chain.review(), 15, "the steward's list")
    assert chain.rows("SELECT count(*) FROM profile WHERE person <> n") == [(0,)]
    until(lambda: suggestion(east) is None, 30, "the first store to hear of it")
    chain.say("link", chain.clara, new, "--reason", "asked her", "--yes")
    assert ("same_person", None) not in chain.review()
    until(lambda: cached(west.rig, chain.clara).get("pairs") is None, 30, "the stores to know one customer")


def test_03_stores_score_by_what_hq_learned_also_without_hq(make_rig):
    """Goal: weights that were estimated at HQ reach a store that is online within seconds, and stay over a kill -9."""
    rig = make_rig(customers=1200)
    rig.bring_up()
    until(lambda: cached(rig, "C000001"), 30, "the store to be in step")

    def estimate():
        rig.tool("laneway-hq", "duplicates", "--estimate", "-c", rig.work / "hq.conf")
        return json.loads((rig.work / "hq" / "hq.weights").read_text())["made"]

    def heard():
        return [e["properties"] for e in hq_lines(rig, "Configuration Changed") if e["properties"]["author"] == "HQ"]

    made = [estimate()]
    until(lambda: "suggestions go by weights" in rig.log_of("daemon"), 5, "a running store to go by them, without another start or ask")
    made.append(estimate())
    until(lambda: len(heard()) == 2, 15, "HQ to hear that the store has changed to the next ones, too")
    assert heard() == [{"author": "HQ", "reason": "weights for suggestions", "version": m} for m in made]
    made = made[1]
    rig.kill("hq")
    rig.kill("daemon")
    before = rig.log_of("daemon").count("suggestions go by weights")
    rig.start_daemon()
    until(lambda: rig.log_of("daemon").count("suggestions go by weights") == before + 1, 15, "the weights to be there again")
    assert f"of {made}" in rig.log_of("daemon").rsplit("suggestions go by weights", 1)[1]


def test_04_pairs_that_hq_found_are_asked_about_in_the_stores(chain):
    """Goal: a steward's command, and whoever of a pair stands at a till is asked about the other one; answered once for all stores. Of
    the two the store's own rules say nothing: both are HQ's, and what they have in common is a birth date, which no store has."""
    east, west = chain.shops
    path = chain.hq.work / "lena.csv"
    path.write_text("customer_id,first_name,last_name,phone,birth_date,postcode,city,street\n"
                    "L1,Lena,Wolf-Ahrens,+491728394111,1988-03-19,50667,Bonn,Hofweg 17\nL2,Lena,Ahrens,+491728394222,1988-03-19,50667,Bonn,Hofweg 17\n")
    chain.hq.tool("laneway-hq", "import", "-c", chain.hq.work / "hq.conf", path)
    one, two = (chain.rows("SELECT id FROM profile WHERE external = ?", key)[0][0] for key in ("L1", "L2"))
    for shop in chain.shops:
        shop.gate.open()
    until(lambda: all(cached(s.rig, c) for s in chain.shops for c in (one, two)), 60, "both stores to hold them")

    def comes(shop, basket):
        shop.till.kept("basket_opened", basket=basket)
        shop.till.kept("customer_chosen", basket=basket, kind="phone", value="+491728394222")
        assert shop.person()["state"] == "known"

    comes(east, "B1")
    listed_only = chain.read("duplicates")
    assert {one, two} in [{p["a"]["customer"], p["b"]["customer"]} for p in listed_only["list"]] and "suggested" not in listed_only
    assert suggestion(east) is None
    said = chain.say("duplicates", "--suggest")
    assert re.search(r"^stores that have both customers of a pair may ask about \d+ of them \(\d+ are new or changed, 0 no longer\)$", said, re.M), said
    assert chain.say("duplicates", "--suggest").count("(0 are new or changed, 0 no longer)") == 1
    shown = until(lambda: suggestion(east), 15, "the store to hear of it, and ask while she stands there")
    assert shown["text"] == "Maybe already a customer: L. W., phone …11"
    comes(west, "W1")
    assert until(lambda: suggestion(west), 15, "the other store to ask as well")["id"] == shown["id"]
    post(east.rig, "/api/v1/lanes/1/not-me", {"suggestion": shown["id"]})
    assert suggestion(east) is None
    until(lambda: suggestion(west) is None, 30, "the other store to ask no more")
    assert re.search(rf"^apart {two} and {one}: said by store", chain.say("profile", one, "--why"), re.M)
    chain.say("duplicates", "--suggest")
    until(lambda: "likely" not in cached(west.rig, two), 15, "the line to say no more of it")
    assert suggestion(west) is None
