"""Rules and guards among real processes: HQ's table reaches the store, a card that many use is shared, and a manager
blocks and clears a value with the tool; HQ hears of all of it."""

import json

import pytest
from rig import until
from store import Till, customers, hq_lines, lane

pytestmark = pytest.mark.takes(20)


def tool(rig, *args, value="", check=True):
    return rig.tool("laneway", "--socket", rig.work / "api.sock", *args, input=value, check=check)


def review(rig):
    return json.loads(tool(rig, "--json", "review").stdout)["review"]


def hq_with_rules(rig, own):
    (rig.work / "rules.json").write_text(json.dumps({
        "guard": {"day_baskets_max": 2}, "own": [{"kind": "phone", "value": own}]}))
    rig.tool("laneway-hq", "rules", "publish", rig.work / "rules.json", "--author", "Ida Berg", "--reason",
             "our hotline", "--yes", "-c", rig.work / "hq.conf")


def test_hqs_rules_are_in_force_in_the_store_and_guards_go_by_them(make_rig):
    rig = make_rig(customers=20)
    anna = customers(rig)[0]
    hq_with_rules(rig, anna["phone"])
    rig.bring_up()
    until(lambda: [e["properties"] for e in hq_lines(rig, "Configuration Changed")]
          == [{"author": "Ida Berg", "reason": "our hotline", "version": "2"}], 20, "HQ's rules to be in force")
    till = Till(rig)
    till.kept("basket_opened", basket="B0")
    till.kept("customer_chosen", basket="B0", kind="phone", value=anna["phone"])
    assert lane(rig)["person"]["state"] == "blocked"
    assert lane(rig)["notice"] == "Ask for another: the chain's own number"
    till.kept("basket_voided", basket="B0")
    for n in range(1, 4):
        till.kept("basket_opened", basket=f"B{n}")
        till.kept("customer_chosen", basket=f"B{n}", kind="loyalty", value=anna["loyalty"])
        assert lane(rig)["person"]["state"] == "known"
        till.kept("order_completed", **till.order(f"B{n}", str(n)))
    assert [(r["state"], r["cause"], r["value"]) for r in review(rig)] == [
        ("shared", "day_baskets", "…" + anna["loyalty"][-3:])]
    assert anna["loyalty"] not in tool(rig, "review").stdout
    shared = until(lambda: hq_lines(rig, "Identifier Blocked"), 10, "HQ to hear of the shared card")
    assert shared[0]["properties"]["scope"] == "shared"
    till.close()


def test_a_manager_blocks_a_value_and_takes_it_back(rig):
    card = customers(rig)[1]["loyalty"]
    till = Till(rig)
    said = tool(rig, "block", "loyalty", value=card, check=False)
    assert said.returncode == 2 and "--reason" in said.stderr
    assert "Blocked" in tool(rig, "--reason", "stood on a poster", "block", "loyalty", value=card + "\n").stdout
    again = tool(rig, "--reason", "again", "block", "loyalty", value=card, check=False)
    assert again.returncode == 1 and "blocked already" in again.stderr
    till.kept("basket_opened", basket="B1")
    till.kept("customer_chosen", basket="B1", kind="loyalty", value=card)
    assert lane(rig)["person"]["state"] == "blocked"
    listed = tool(rig, "review").stdout
    assert "stood on a poster" in listed and max(map(len, listed.splitlines())) <= 80
    tool(rig, "--reason", "a mistake", "unblock", "loyalty", value=card)
    till.kept("customer_chosen", basket="B1", kind="loyalty", value=card)
    assert lane(rig)["person"]["state"] == "known"
    assert tool(rig, "review").stdout == "Nothing waits for a person.\n"
    until(lambda: hq_lines(rig, "Identifier Unblocked"), 10, "HQ to hear of it")
    blocked, lifted = (hq_lines(rig, e)[0]["properties"] for e in ("Identifier Blocked", "Identifier Unblocked"))
    assert (blocked["scope"], blocked["reason"]) == ("blocked", "manager")
    assert lifted["ident_ref"] == blocked["ident_ref"]
    customer = cached_id(rig, customers(rig)[1])
    words = until(lambda: (w := said_at_hq(rig, customer)) and "a mistake" in w and w, 20, "the manager's words at HQ")
    assert "stood on a poster" in words and "blocked loyalty: " in words and card not in words
    assert "a mistake" in rig.tool("laneway-hq", "links", "show", customer, "-c", rig.work / "hq.conf").stdout
    for log in rig.work.glob("*.log"):
        assert "a mistake" not in log.read_text(errors="replace"), f"{log.name} has a manager's words"
    till.close()


def said_at_hq(rig, customer):
    return rig.tool("laneway-hq", "profile", customer, "--why", "-c", rig.work / "hq.conf").stdout


def test_a_managers_note_goes_to_hq_and_look_ups_end_after_twenty(rig):
    """Goal: the tool's note is a manager's at HQ; the 21st look-up of an hour is refused at the lane and is on the list."""
    anna = customers(rig)[2]
    till = Till(rig)
    said = tool(rig, "note", "1", value="rings twice\n", check=False)
    assert said.returncode == 1 and "nobody is attached" in said.stderr
    till.kept("basket_opened", basket="B1", staff_ref="K1")
    till.kept("customer_chosen", basket="B1", kind="loyalty", value=anna["loyalty"])
    assert tool(rig, "note", "1", value="rings twice\n").stdout == "Kept for 90 days.\n"
    assert "note: text:rings twice; manager " in tool(rig, "--why", "profile", cached_id(rig, anna)).stdout
    until(lambda: note_at_hq(rig) == [("text:rings twice", "manager")], 20, "the note at HQ")
    assert tool(rig, "note", "1", value="\n").stdout == "Taken back.\n"
    till.kept("customer_removed", basket="B1")
    for n in range(20):
        till.kept("customer_chosen", basket="B1", kind="phone", value=f"+49172839{n:04}")
        assert lane(rig)["person"]["state"] == "unknown"
    till.kept("customer_chosen", basket="B1", kind="phone", value=anna["phone"])
    assert lane(rig)["person"]["state"] == "blocked" and anna["first_name"] not in json.dumps(lane(rig))
    assert lane(rig)["notice"].startswith("20 look-ups in an hour: ask for the card, or again at ")
    assert "1 look-up refused" in tool(rig, "review").stdout
    till.close()


def cached_id(rig, person):
    with rig.hq() as db:
        return db.execute("SELECT id FROM profile WHERE external = ?", (person["customer_id"],)).fetchone()[0]


def note_at_hq(rig):
    with rig.hq() as db:
        return db.execute("SELECT value, source FROM unit_fact WHERE field = 'note'").fetchall()
