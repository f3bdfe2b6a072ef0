"""Why a customer is told as they are: each line names what makes it true."""

import pytest
from rig import until
from store import Scanner, Till, cached, customers, hq_profile, lane, post, up

pytestmark = pytest.mark.takes(10)


def why(rig, customer_id):
    p = rig.tool("laneway", "--socket", rig.work / "api.sock", "--why", "profile", customer_id)
    return p.stdout.splitlines()


def only(lines, start):
    found = [line for line in lines if line.startswith(start)]
    assert len(found) == 1, lines
    return found[0]


def test_01_values_matches_and_consents_are_explained_before_and_after_a_correction(rig):
    """Goal: a person can read, in the store and without HQ, where each thing about a customer comes from."""
    anna = customers(rig)[7]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    pid = hq_profile(rig, anna["customer_id"])[0]
    until(lambda: cached(rig, pid), 15, "the shard")

    lines = why(rig, pid)
    assert only(lines, "customer: ").startswith(f"customer: {pid}; unit ")
    name = only(lines, "first_name: ")
    assert name.startswith(f"first_name: {anna['first_name']}; import ") and ", trust 30, fact " in name
    card = only(lines, "identifier loyalty: ")
    assert anna["loyalty"] not in card and card.startswith("identifier loyalty: *") and "finds by rule " in card
    assert only(lines, "consent profiling: ") == "consent profiling: no, nothing_recorded"

    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    scanner.scan(anna["loyalty"])
    until(lambda: lane(rig)["person"]["state"] == "known", 5, "the name on the screen")
    form = {"first_name": "Erika", "consents": [{"purpose": "profiling", "channel": "any", "value": "granted", "text_version": "1", "language": "de"}]}
    answer = post(rig, "/api/v1/lanes/1/correct", form)
    corrected = until(lambda: (line := only(why(rig, pid), "first_name: ")) != name and line, 5, str(answer))
    assert corrected.startswith("first_name: Erika; till ")
    assert f"; before it: {anna['first_name']}; import " in corrected
    assert only(why(rig, pid), "consent profiling: ").startswith("consent profiling: yes, latest; granted by till ")


def test_02_who_is_not_known_is_said_to_be_unknown(rig):
    """Goal: no empty answer for a customer that the store does not have."""
    p = rig.tool("laneway", "--socket", rig.work / "api.sock", "--why", "profile", "C999999", check=False)
    assert p.returncode == 1
    assert "no customer of this id is known in this store" in p.stderr
