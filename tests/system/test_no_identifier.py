"""What is no identifier, by every way that a value comes in: refused with a reason, counted, nobody's, and nothing ends."""

import csv
import io
import json
import os
import re
import subprocess
import urllib.error

import pytest
from box import Box
from rig import until
from store import Till, lane, post

pytestmark = [pytest.mark.xdist_group("no identifier"), pytest.mark.takes(25)]

VALUES = {
    "nothing": "",
    "60,000 digits": "9" * 60_000,
    "64 KiB": "9" * 65536,
    "control characters": "26\x01\x02000000178",
    "a zero byte": "26000\x000000178",
    "an escape sequence": "\x1b[2J\x1b]0;owned\x07",
    "a line's end": "2600000000178\nC000001",
    "emoji": "\U0001f600\U0001f680\U0001f600",
    "a right-to-left mark": "\u202e2600000000178",
    "SQL": "'; DROP TABLE profile; --",
    "a number with letters": "26000000O0l78",
    "HTML": "<script>alert(1)</script>",
    "another script's letters": "\u0430nn\u0430@",
}


@pytest.fixture(scope="module")
def shop(make_rig_of_module):
    """A store with its HQ."""
    rig = make_rig_of_module(customers=5)
    rig.bring_up()
    shop = Box(rig, begun=True)
    shop.till = Till(rig, "T-in", "1", "in")
    shop.till.kept("basket_opened", basket="OPEN")
    return shop


def customers(shop):
    with shop.rig.hq() as db:
        return db.execute("SELECT count(*) FROM profile").fetchone()[0]


# --- the ways: each gives the reason ---


def scanned(shop, value):
    """The scanner's own refusal (Input Refused), or the identifier's."""
    told, refused = len(shop.tail.find("Identifier Presented")), len(shop.tail.find("Input Refused"))
    data = value.encode()
    for at in range(0, len(data), 1024):
        os.write(shop.scanner.master, data[at:at + 1024])
    os.write(shop.scanner.master, b"\r")
    if not value:  # the end of a line alone is no scan: there is nothing to refuse
        shop.good_scan()
        return "nothing"
    events = until(lambda: shop.tail.find("Identifier Presented")[told:] or shop.tail.find("Input Refused")[refused:], 10,
                   "the event")
    p = events[0]["properties"]
    assert p.get("outcome", "refused") == "refused"
    return p["reason"]


def by_till(shop, value):
    """The till's answer, or, kept, the event's reason."""
    answers = set()
    for kind in ("loyalty", "phone", "email", "wallet", "account", "gsrn", "vat_id"):
        told = len(shop.tail.find("Identifier Presented"))
        message = shop.till.send("customer_chosen", basket="OPEN", kind=kind, value=value)
        while (answer := shop.till.read())["type"] != "error" and answer.get("source_message_id") != message:
            pass
        if answer["type"] == "error":
            assert answer["field"] == "value" or answer["code"] == "not_json"
            assert len(answer["message"]) > 10
            answers.add(answer["code"])
            continue
        p = until(lambda: shop.tail.find("Identifier Presented")[told:], 10, "the event")[0]["properties"]
        assert p["outcome"] == "refused", (kind, p)
        answers.add(p["reason"])
    return ",".join(sorted(answers))


def by_form(shop, value):
    """The API's answer to an enrolment, on a lane where no card was shown."""
    answers = set()
    for member in ("phone", "email"):
        with pytest.raises(urllib.error.HTTPError) as wrong:
            post(shop.rig, "/api/v1/lanes/2/enrol", {"first_name": "Mia", member: value})
        assert 400 <= wrong.value.code < 500
        if wrong.value.code == 413:  # the request itself is longer than one may be: nobody reads it
            assert len(value) >= 65536
            answers.add("too_long")
            continue
        error = json.loads(wrong.value.read())["error"]
        assert len(error["message"]) > 10
        answers.add(error["code"])
    return ",".join(sorted(answers))


def by_file(shop, value):
    """The line of the import's report: one row for each kind of identifier."""
    kinds = ("loyalty", "phone", "email", "gsrn", "wallet", "account", "vat_id")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(kinds)
    for i in range(len(kinds)):
        rows.writerow([value if k == i else "" for k in range(len(kinds))])
    (shop.rig.work / "bad.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    done = shop.rig.tool("laneway-hq", "import", "-c", shop.rig.work / "hq.conf", shop.rig.work / "bad.csv", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    reasons = re.findall(r"^line \d+: (.*)$", said, re.M)
    if value:
        assert len(reasons) == len(kinds), said
    assert value == "" or value[:12] not in said
    return reasons[0] if reasons else "no rows"


def by_tool(shop, value):
    """What `block` says, in the store and at HQ: the value comes on standard input, as it is."""
    said = set()
    for tool in (("laneway", "--socket", shop.rig.work / "api.sock", "block", "loyalty", "--reason", "none"),
                 ("laneway-hq", "block", "phone", "--reason", "none", "--yes", "-c", shop.rig.work / "hq.conf")):
        done = subprocess.run([str(shop.rig.build / tool[0]), *map(str, tool[1:])], input=value.encode(),
                              capture_output=True, check=False)
        words = (done.stdout + done.stderr).decode()
        assert done.returncode in (1, 2) and len(words) > 20, words
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u200f\u202e]", words) and (not value or value[:12] not in words), words
        said.add(words)
    return said


WAYS = {"scanner": scanned, "till": by_till, "form": by_form, "file": by_file, "tool": by_tool}
COUNTERS = ("scan_bad", "scan_too_long", "scan_too_short", "pos_refused", "http_bad_requests", "identifiers_refused")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", VALUES)
def test_what_is_no_identifier_is_refused_counted_and_nobodys(shop, way, name):
    """Goal: a reason to whoever sent it, one more in a counter, no new customer, and everything goes on."""
    before, known = {c: shop.count(c) for c in COUNTERS}, customers(shop)
    reason = WAYS[way](shop, VALUES[name])
    assert reason
    if way not in ("file", "tool") and reason != "nothing":
        assert any(shop.count(c) > before[c] for c in COUNTERS)
    assert customers(shop) == known
    assert not shop.tail.find("Customer Enrolled") and not shop.tail.find("Customer Attached")
    shown = json.dumps(lane(shop.rig), ensure_ascii=False)
    assert not re.search(r"[\x00-\x1f\u200f\u202e]", shown) and "DROP" not in shown and "<script" not in shown
    shop.good(shop.till)


def test_after_all_this_both_ends_still_answer(shop):
    """Goal: HQ has every event, none of which says more than a reason in the clear."""
    shop.good_scan()
    until(shop.rig.drained, 30, "the store's events to be confirmed")
    log = shop.rig.log_of("daemon") + shop.rig.log_of("hq")
    assert "DROP TABLE" not in log and "\x1b" not in log
    assert json.loads(shop.rig.tool("laneway-hq", "status", "-c", shop.rig.work / "hq.conf", "--json").stdout)
