"""A customer who is enrolled at a till, without a line to HQ: known on every lane, after kill -9 too, and HQ's in the end."""

import sqlite3

import pytest
from rig import until
from store import Scanner, Till, get, lane, post, up

pytestmark = pytest.mark.takes(15)

PHONE = "0172 8394057"


def card(n):
    digits = f"26{n:010d}"
    return digits + str(-sum(int(d) * (1 if i % 2 else 3) for i, d in enumerate(reversed(digits))) % 10)


def consent(value):
    return [{"purpose": "marketing", "channel": "sms", "value": value, "text_version": "t1", "language": "de"}]


def pending(rig):
    return get(rig, "/api/v1/status")["pending"]


def awaited(rig):
    with sqlite3.connect(f"file:{rig.work}/store/journal.db?mode=ro", uri=True) as db:
        return db.execute("SELECT event FROM awaited ORDER BY ordinal, seq").fetchall()


def hq_rows(rig, sql, *args):
    with rig.hq() as db:
        return db.execute(sql, args).fetchall()


def shows(rig, name, first_name, new=None):
    def check():
        p = lane(rig, name)["person"]
        return p["state"] == "known" and p["first_name"] == first_name and (new is None or p["new"] == new)
    return check


def enrolled_offline(rig, anna="Mia"):
    """Enrolled on lane 1 with a new card, while neither broker nor HQ run; her card."""
    rig.kill("hq")
    rig.kill("broker")
    mine, one, two = card(4711000001), Scanner(rig, "1"), Scanner(rig, "2")
    until(lambda: up(rig, "scan-1") and up(rig, "scan-2"), 15, "the scanners")
    till = Till(rig, "T1", "1")
    till.kept("basket_opened", basket="B1")
    one.scan(mine)
    until(lambda: lane(rig, "1")["new_card"], 5, "the new card")
    post(rig, "/api/v1/lanes/1/enrol", {"first_name": anna, "phone": PHONE, "consents": consent("granted")})
    assert shows(rig, "1", anna, True)()  # with the answer, not some time later
    return mine, till, one, two


def test_01_known_on_every_lane_and_after_a_kill(rig):
    """Goal: what the form was answered for is there, whatever happens to the process right after."""
    mine, till, one, two = enrolled_offline(rig)
    other = Till(rig, "T2", "2", "other")
    other.kept("basket_opened", basket="C1")
    two.scan(mine)
    until(shows(rig, "2", "Mia", True), 5, "the name on lane 2")
    assert {e for e, in awaited(rig)} == {"Customer Enrolled", "Consent Changed"}

    rig.kill("daemon")
    for end in (till.close, other.close, one.unplug, two.unplug):
        end()
    rig.start_daemon()
    one, two = Scanner(rig, "1"), Scanner(rig, "2")
    until(shows(rig, "1", "Mia", True), 15, "the basket's customer after the kill")
    assert pending(rig)["events"] == 2 and not pending(rig)["alarm"]
    other = Till(rig, "T2", "2", "again")
    other.kept("basket_opened", basket="C2")
    until(lambda: up(rig, "scan-1") and up(rig, "scan-2"), 15, "the scanners")
    two.scan(mine)
    until(shows(rig, "2", "Mia", True), 5, "the name on lane 2 after the kill")
    other.kept("customer_removed", basket="C2")
    other.kept("customer_chosen", basket="C2", kind="phone", value=PHONE)
    until(shows(rig, "2", "Mia", True), 5, "the name by phone")


def test_02_hq_makes_a_customer_and_the_store_lets_its_own_word_go(rig):
    """Goal: the overlay empties, the packs need not be kept for it, the card means HQ's customer; the basket in front goes on."""
    mine, till, _, two = enrolled_offline(rig)
    rig.start_broker()
    rig.start_hq()
    until(lambda: pending(rig)["events"] == 0, 40, "HQ to include the enrolment")
    until(lambda: awaited(rig) == [], 10, "the journal to be told so")
    rows = hq_rows(rig, "SELECT id, first_name FROM profile WHERE first_name = 'Mia'")
    assert len(rows) == 1
    until(shows(rig, "1", "Mia", False), 5, "the basket's customer to be HQ's")
    other = Till(rig, "T2", "2", "other")
    other.kept("basket_opened", basket="C1")
    two.scan(mine)
    until(shows(rig, "2", "Mia", False), 5, "HQ's customer on lane 2")
    till.kept("line_added", **till.line("B1"))
    till.kept("order_completed", **till.order("B1", "0001"))
    until(rig.drained, 30, "the order to be confirmed")
    until(lambda: hq_rows(rig, "SELECT owner FROM sale") == [(rows[0][0],)], 15, "the order to be hers at HQ")


def test_03_a_correction_is_seen_at_once_and_hq_takes_it(rig):
    """Goal: the corrected name is the store's, then HQ's; nothing says that HQ kept another one."""
    mine, till, *_ = enrolled_offline(rig, "Mja")
    post(rig, "/api/v1/lanes/1/correct", {"first_name": "Mia"})
    until(shows(rig, "1", "Mia"), 5, "the corrected name")
    rig.start_broker()
    rig.start_hq()
    until(lambda: pending(rig)["events"] == 0, 40, "HQ to include it")
    assert hq_rows(rig, "SELECT first_name FROM profile WHERE first_name IN ('Mia', 'Mja')") == [("Mia",)]
    until(shows(rig, "1", "Mia", False), 5, "HQ's customer in the basket")
    assert lane(rig, "1")["notice"] in (None, "") and lane(rig, "1")["change"] is None


def test_05_a_number_that_is_given_up_finds_nobody_in_the_store_and_at_hq(rig):
    """Goal: whoever gets the number next is not taken for her, in the store at once, at HQ too."""
    mine, _, _, two = enrolled_offline(rig)
    till = Till(rig, "T2", "2", "other")
    till.kept("basket_opened", basket="C1")
    two.scan(mine)  # her own card
    until(shows(rig, "2", "Mia", True), 5, "her on lane 2")
    post(rig, "/api/v1/lanes/2/correct", {"no_phone": True})
    till.kept("customer_removed", basket="C1")
    till.kept("customer_chosen", basket="C1", kind="phone", value=PHONE)
    until(lambda: lane(rig, "2")["person"]["state"] == "unknown", 5, "nobody by the number")
    rig.start_broker()
    rig.start_hq()
    until(lambda: pending(rig)["events"] == 0, 40, "HQ to include it")
    fates = "SELECT i.kind, c.fate FROM claim c JOIN ident i ON i.id = c.ident WHERE c.source = 'till' ORDER BY 1"
    assert hq_rows(rig, fates) == [("loyalty", "holds"), ("phone", "undone")]


def test_04_mail_goes_to_the_address_as_it_was_typed(rig, tmp_path):
    """Goal: an address links by its normal form; HQ keeps what was typed, of an enrolment and of an import."""
    till = Till(rig, "T1", "1")
    till.kept("basket_opened", basket="B1")
    post(rig, "/api/v1/lanes/1/enrol", {"first_name": "Mia", "email": "Mia.Kern@Example.ORG"})
    (tmp_path / "one.csv").write_text("customer_id,first_name,email\nY1,Eva,Eva@Ex\u00e4mple.org\n")
    rig.tool("laneway-hq", "import", "-c", rig.work / "hq.conf", tmp_path / "one.csv")
    until(lambda: len(hq_rows(rig, "SELECT 1 FROM claim WHERE typed IS NOT NULL")) == 2, 20, "both at HQ")
    rows = hq_rows(rig, "SELECT i.value, c.typed, p.id FROM claim c JOIN ident i ON i.id = c.ident JOIN profile p ON p.n = c.unit "
                        "WHERE typed IS NOT NULL ORDER BY 1")
    assert [r[:2] for r in rows] == [("eva@xn--exmple-cua.org", "Eva@Ex\u00e4mple.org"), ("mia.kern@example.org", "Mia.Kern@Example.ORG")]
    shown = rig.tool("laneway-hq", "profile", rows[1][2], "-c", rig.work / "hq.conf").stdout
    assert "  email mia.kern@example.org (not verified), typed Mia.Kern@Example.ORG\n" in shown
