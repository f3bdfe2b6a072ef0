"""Each state of the lane, brought about as it comes about in a store, on a real screen of three sizes.

Store, broker and HQ are real, and so are scans, forms, rules and what a till says. With LANEWAY_SHOTS=FOLDER a picture of
each state is left there, as a 10-inch tablet, a 7-inch panel and a phone show it.
"""

import csv
import itertools
import json
import sys
import time
from pathlib import Path

import pytest
from rig import ROOT, until
from store import Scanner, Till, get, lane, up
from test_lane import CONTRAST, CONTRAST_JS, OVERFLOW_JS, TOUCH_PX, el, size, visible_text

sys.path.append(str(Path(ROOT) / "tests" / "fault"))

from machine import Machine, build_shim  # noqa: E402
from power import slowcard  # noqa: E402

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.takes(60)]

DAY_S = 86400
SIZES = (("", 1280, 800), ("-small", 800, 480), ("-upright", 390, 844))
LONG = "Maximiliane-Alexandra Josephine Theodora"  # 40 letters


def card(n):
    digits = f"26{n:010d}"
    return digits + str(-sum(int(d) * (1 if i % 2 else 3) for i, d in enumerate(reversed(digits))) % 10)


def phone(n):
    return f"+49172{8394000 + 7 * n}"


# name, tier, points, state, the number of the phone
PEOPLE = {
    "anna": ("Anna", "gold", 12345, "active", 1),
    "berta": ("Berta", "silver", 250, "active", 2),
    "long": (LONG, "platinum", 1234567, "active", 3),
    "vietnamese": ("Nguyễn Thị Hồng Ánh", "base", 1, "active", 4),
    "arabic": ("عبد الرحمن", "gold", 730, "active", 5),
    "emoji": ("Zoë 🌻👩‍👩‍👧‍👦", "base", 9999, "active", 6),
    "vip": ("Ophelia", "gold", 40, "confidential", 7),
    "lea": ("Lea", "base", 10, "active", 8),
    "leo": ("Leo", "silver", 20, "active", 8),
    "kim": ("Kim", "base", 33, "active", 9),
    "clara": ("Clara", "base", 5, "active", 10),
}
LAST = {"clara": "Kern"}
EMAIL = {"clara": "clara.kern@gmail.com"}  # Gmail folds dots and what stands behind a plus
CARD = {who: card(4711000000 + i) for i, who in enumerate(PEOPLE)}
PHONE = {who: phone(row[4]) for who, row in PEOPLE.items()}
SESSION = itertools.count(1)  # no long numbers: one in some may be a payment card's
NEW_CARD, UNKNOWN_CARD, STAFF_CARD = card(5000000001), card(5000000002), card(5000000003)


def write_people(rig):
    with open(rig.work / "customers.csv", "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(("customer_id", "first_name", "last_name", "email", "loyalty", "phone", "tier", "points", "points_as_of", "state"))
        for i, (who, (name, tier, points, state, _)) in enumerate(PEOPLE.items()):
            out.writerow((f"X{i:06}", name, LAST.get(who, ""), EMAIL.get(who, ""), CARD[who], PHONE[who], tier, points, "2026-01-01", state))


def write_rules(rig):
    (rig.work / "rules.json").write_text(json.dumps({
        "version": "states", "author": "a test", "reason": "states",
        "rules": [{"kind": "phone", "stale_days": 1}],
        "staff": [{"kind": "loyalty", "value": CARD["kim"], "staff_ref": "K17"},
                  {"kind": "loyalty", "value": STAFF_CARD, "staff_ref": "K18"}]}))
    rig.write_store_conf(f'rules = "{rig.work}/rules.json"\n')


def made(make_rig):
    rig = make_rig(customers=len(PEOPLE))
    write_people(rig)
    write_rules(rig)
    return rig


class Lane:
    """Lane 1 of a store: its scanner, its till and its screen."""

    def __init__(self, rig, browser, shots):
        self.rig, self.browser, self.shots = rig, browser, shots
        self.scanner = Scanner(rig)
        self.till, self.basket, self.number = None, None, 0

    def open(self, staff=None):
        """A new basket; the one before is over."""
        self.till = self.till or Till(self.rig, session=f"s{next(SESSION)}")
        self.close()
        self.number += 1
        self.basket = f"B{self.number}"
        self.till.kept("basket_opened", basket=self.basket, **({"staff_ref": staff} if staff else {}))
        self.till.kept("line_added", **self.till.line(self.basket))

    def close(self):
        if self.basket:
            self.till.kept("basket_voided", basket=self.basket)
        self.basket = None

    def pay(self):
        self.till.kept("order_completed", **self.till.order(self.basket, f"R{self.number}"))
        self.basket = None

    def chosen(self, kind, value):
        self.till.kept("customer_chosen", basket=self.basket, kind=kind, value=value)

    def page(self):
        size(self.browser)
        self.browser.get(f"http://127.0.0.1:{self.rig.http_port}/lane/1")

    def shows(self, mark, headline=None, notice=None, question=None, shot=None, seconds=10):
        """Wait until the screen says it; then look at it at each size."""
        def now():
            said = {"mark": self.browser.execute_script("return document.getElementById('screen').dataset.mark"),
                    "headline": visible_text(self.browser, "headline"), "notice": visible_text(self.browser, "notice"),
                    "question": visible_text(self.browser, "question-text")}
            wanted = {"mark": mark, "headline": headline, "notice": notice, "question": question}
            return said if all(w is None or said[k] == w for k, w in wanted.items()) else None

        try:
            until(now, seconds, f"the state {mark}")
        except TimeoutError as e:
            raise AssertionError(f"{e}: {lane(self.rig)}") from e
        self.look(shot or mark)

    def look(self, shot):
        time.sleep(0.3)  # the panel's colour fades
        for suffix, width, height in SIZES:
            size(self.browser, width, height)
            self.browser.save_screenshot(str(self.shots / f"state-{shot}{suffix}.png"))
            assert self.browser.execute_script(OVERFLOW_JS) == [], suffix
            weak = [(t, round(c, 2)) for t, c in self.browser.execute_script(CONTRAST_JS) if c < CONTRAST]
            assert weak == []
            for key in self.browser.find_elements("css selector", "button"):
                assert not key.is_displayed() or key.size["height"] >= TOUCH_PX
            assert self.one_prompt()
            if visible_text(self.browser, "mark"):  # the state is told by a sign and a word, not by its colour alone
                assert el(self.browser, "mark").find_element("css selector", "svg").size["height"] >= 16
        size(self.browser)

    def one_prompt(self):
        """A question and a prompt never stand there together."""
        return not (visible_text(self.browser, "question-text") and visible_text(self.browser, "prompt"))

    def text(self, name):
        return visible_text(self.browser, name)


@pytest.fixture(scope="module")
def world(make_rig_of_module):
    return made(make_rig_of_module).bring_up()


@pytest.fixture(scope="module")
def stands(world, browser, shots):
    at = Lane(world, browser, shots)
    until(lambda: up(world), 15, "the scanner")
    return at


@pytest.fixture
def at(stands):
    stands.page()
    stands.open()
    yield stands
    stands.close()


def test_known_is_masked_until_a_basket_is_open(at):
    at.close()
    at.scanner.scan(CARD["anna"])
    at.shows("known", "A…", shot="known-masked")
    at.open()
    at.shows("known", "Anna", "")
    assert at.text("mark") == "Known"
    assert at.text("figure") == "12\u202f345" and at.text("tier").lower() == "gold"
    assert at.text("prompt") == "Greet by name"


@pytest.mark.parametrize("who", ["long", "vietnamese", "arabic", "emoji"])
def test_a_name_of_any_length_and_script_stands_whole(at, who):
    at.scanner.scan(CARD[who])
    at.shows("known", PEOPLE[who][0], shot=f"known-{who}")
    span = "const e = document.querySelector('#headline > span'); return e.scrollHeight <= e.clientHeight + 1"
    for _, width, height in SIZES:
        size(at.browser, width, height)
        assert at.browser.execute_script(span)
    if who == "arabic":
        assert at.browser.execute_script("return getComputedStyle(document.getElementById('headline')).direction") == "rtl"


def test_unknown_says_so_and_offers_a_form(at):
    at.scanner.scan(UNKNOWN_CARD)
    at.shows("unknown", "Card not known", "")
    assert at.text("mark") == "Unknown"
    assert at.text("enrol-open") == "New customer"


def scan_again(at, value):
    """Until it is taken: a scanner that reads a card twice at once has read it once."""
    def known():
        at.scanner.scan(value)
        time.sleep(0.3)
        return lane(at.rig)["person"]["state"] == "known"

    until(known, 10, "the name")


def test_shared_earns_points_and_says_no_more(at):
    for _ in range(3):
        at.open(staff="K3")
        scan_again(at, CARD["berta"])
        at.pay()
    at.open(staff="K3")
    scan_again(at, CARD["berta"])
    at.shows("shared", "Berta", "Several people use this: points only")
    assert at.text("mark") == "Shared" and at.text("prompt") == ""
    assert lane(at.rig)["person"]["assurance"] == "typed"  # redeems nothing


def test_details_are_shown_on_a_tap_and_then_gone(at):
    """Goal: a note that a manager has just written, and her phone because her card was shown; nothing of it afterwards."""
    at.scanner.scan(CARD["anna"])
    at.shows("known", "Anna", shot="details-before")
    at.rig.tool("laneway", "--socket", at.rig.work / "api.sock", "note", "1", input="rings twice\n")
    el(at.browser, "details-open").click()
    until(lambda: "rings twice" in at.text("details-body"), 5, "the note")
    assert PHONE["anna"] in at.text("details-body")
    at.shows("known", "Anna", shot="details")
    until(lambda: not el(at.browser, "details").is_displayed(), 12, "its end")
    assert "rings twice" not in at.browser.page_source and PHONE["anna"] not in at.browser.page_source
    at.open()
    at.chosen("phone", PHONE["anna"])
    at.shows("known", "Anna", shot="details-by-phone")
    el(at.browser, "details-open").click()
    until(lambda: "rings twice" in at.text("details-body"), 5, "the note")
    assert "own card or wallet was scanned" in at.text("details-body") and PHONE["anna"] not in at.browser.page_source
    el(at.browser, "details-change").click()
    until(lambda: el(at.browser, "notes").is_displayed(), 5, "the list of notes")
    quiet = el(at.browser, "notes").find_element("css selector", '[data-code="quiet"]')
    quiet.click()
    until(lambda: quiet.get_attribute("aria-pressed") == "true", 5, "the note to be kept")
    at.look("notes")
    el(at.browser, "notes-done").click()
    el(at.browser, "details-open").click()
    until(lambda: "Prefers few words" in at.text("details-body"), 5, "the note")


def found_by_hand(at, contact, reason=None):
    until(lambda: at.text("find-open"), 10, "the key")
    el(at.browser, "find-open").click()
    until(lambda: el(at.browser, "find-contact").is_displayed(), 5, "the form")
    el(at.browser, "find-contact").send_keys(contact)
    assert el(at.browser, "find-reason").is_displayed() == bool(reason)
    if reason:
        el(at.browser, "find-reason").send_keys(reason)
    el(at.browser, "find-send").click()
    until(lambda: at.text("find-found"), 5, "the answer")
    at.look("found" if reason else "found-sale")


def test_whoever_is_looked_up_is_masked_without_a_sale_and_can_be_added_to_one(at):
    at.close()
    found_by_hand(at, PHONE["berta"], "Left an umbrella, wants a call")
    assert at.text("find-found").startswith("B…") and "Berta" not in at.browser.page_source
    assert not el(at.browser, "find-attach").is_displayed()
    el(at.browser, "find-cancel").click()
    at.open()
    found_by_hand(at, PHONE["long"])
    assert LONG in at.text("find-found")
    el(at.browser, "find-attach").click()
    at.shows("known", LONG, shot="found-added")


def test_conflict_asks_who_it_is_and_guesses_nobody(at):
    at.chosen("phone", PHONE["lea"])
    at.shows("conflict", "Several match", "More than one customer has this", "Ask for the first name")
    assert at.text("mark") == "Several"
    assert {at.text("choice-0"), at.text("choice-1")} == {"Lea", "Leo"} and at.text("choice-2") == "Somebody else"
    time.sleep(0.35)  # a key that has just appeared is not pressed yet
    leo = 0 if at.text("choice-0") == "Leo" else 1
    el(at.browser, f"choice-{leo}").click()
    at.shows("known", "Leo", shot="conflict-chosen")


def test_held_asks_whose_card_it_is(at):
    at.till.kept("tender_started", basket=at.basket, value="1.49")
    at.scanner.scan(CARD["anna"])
    at.shows("held", "Whose card?", question="Anna: this customer or next?")
    assert at.text("mark") == "Card held"
    assert (at.text("choice-0"), at.text("choice-1")) == ("This customer", "Next customer")
    time.sleep(0.35)
    el(at.browser, "choice-0").click()
    at.shows("known", "Anna", shot="held-answered")


def test_blocked_is_what_a_manager_blocked_and_what_is_nobodys(at):
    at.rig.tool("laneway", "--socket", at.rig.work / "api.sock", "--reason", "stood on a poster", "block", "loyalty", input=CARD["long"] + "\n")
    at.scanner.scan(CARD["long"])
    at.shows("blocked", "Not accepted", "Ask for another: a manager blocked it")
    assert at.text("mark") == "Blocked" and at.text("wrong") == ""
    at.open()
    at.chosen("email", "noreply@example.com")
    at.shows("blocked", "Not accepted", shot="blocked-nobodys")
    at.rig.tool("laneway", "--socket", at.rig.work / "api.sock", "--reason", "over", "unblock", "loyalty", input=CARD["long"] + "\n")


def test_staff_is_served_by_a_colleague(at):
    at.open(staff="K17")
    at.scanner.scan(CARD["kim"])
    at.shows("staff", "Your own card", "Ask a colleague to serve you", shot="staff-own")
    assert at.text("mark") == "Staff" and at.text("wrong") == ""
    at.open(staff="K3")
    at.scanner.scan(CARD["kim"])
    at.shows("staff", "Kim", "Staff sale")
    at.open(staff="K3")
    at.scanner.scan(STAFF_CARD)
    at.shows("staff", "Staff card", "Staff sale", shot="staff-nobodys")


def test_confidential_is_a_member_and_nothing_else(at):
    at.scanner.scan(CARD["vip"])
    at.shows("confidential", "Member", "The name is protected")
    assert at.text("mark") == "Protected" and at.text("tier") == "" and at.text("prompt") == ""
    assert "Ophelia" not in at.browser.page_source and "Ophelia" not in json.dumps(lane(at.rig))


# --- worlds of their own: time passes, HQ is away, the box has just been switched on ---


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def aged(make_rig, shim, browser, shots):
    """A store on a machine whose time a test lets pass."""
    rig = made(make_rig)
    rig.start_broker()
    rig.start_hq()
    rig.import_customers()
    machine = Machine(rig, shim)
    machine.boot()
    machine.start()
    until(lambda: rig.status()["sync"]["profiles"] >= rig.customers and rig.status()["clock"]["trust"] == "hq", 30, "the shard")
    at = Lane(rig, browser, shots)
    until(lambda: up(rig), 15, "the scanner")
    at.page()
    return at, machine


def test_the_older_the_data_the_less_is_said_until_names_are_locked(aged):
    """Goal: points as they are, "about", none; greeting, none; at the lease's end no name. A card earns all the same."""
    at, machine = aged
    at.open()
    at.scanner.scan(CARD["anna"])
    at.shows("known", "Anna", shot="age-now")
    assert (at.text("fresh"), at.text("about")) == ("", "")
    at.rig.kill("broker")
    for days, level, points, about, prompt in (
            (0.1, "as_of", "12\u202f345", "", "Greet by name"), (2, "amber", "12\u202f345", "about", "Greet by name"),
            (8, "no_prompts", "12\u202f345", "about", ""), (15, "no_points", "", "", "")):
        machine.passes(days * DAY_S)
        until(lambda: get(at.rig, "/api/v1/lanes/1")["fresh"]["level"] == level, 10, level)
        at.open()
        at.scanner.scan(CARD["anna"])
        at.shows("known", "Anna", shot=f"age-{level}")
        assert (at.text("figure"), at.text("about"), at.text("prompt")) == (points, about, prompt)
        machine.passes(-days * DAY_S)
    machine.passes(91 * DAY_S)
    at.open()
    at.shows("expired", "No card yet", shot="expired-nobody")
    at.scanner.scan(CARD["anna"])
    at.shows("expired", "Member", "Names are locked: the data is too old")
    assert at.text("mark") == "Locked" and at.text("points") == "" and at.text("tier") == ""
    assert "Anna" not in at.browser.page_source and "Anna" not in json.dumps(lane(at.rig))
    at.pay()


def test_stale_asks_instead_of_finding(aged):
    """Goal: a phone that was not seen for long (a day, by this store's rules) may be somebody else's."""
    at, machine = aged
    at.open()
    at.chosen("phone", PHONE["anna"])
    at.shows("known", "Anna", shot="stale-before")
    at.pay()
    until(at.rig.drained, 20, "the sale at HQ")
    seen = at.rig.tool("laneway-hq", "profile", "C000001", "-c", at.rig.work / "hq.conf", check=False)
    until(lambda: "last_seen" in json.dumps(cached_anna(at.rig)), 20, f"HQ's word on when she was seen {seen.stdout}{seen.stderr}")
    at.rig.kill("broker")
    machine.passes(3 * DAY_S)
    at.open()
    at.chosen("phone", PHONE["anna"])
    at.shows("stale", "Still theirs?", "Not used for a long time", "Ask for the first name")
    assert at.text("mark") == "Long unused" and "Anna" in at.text("choice-0")
    time.sleep(0.35)
    el(at.browser, "choice-1").click()
    at.shows("", "No card yet", shot="stale-nobody")


def cached_anna(rig):
    p = rig.tool("laneway", "--socket", rig.work / "api.sock", "--json", "profile", "C000001", check=False)
    return json.loads(p.stdout) if p.returncode == 0 else {}


def enrol_by_hand(at, name, contact):
    until(lambda: at.text("enrol-open"), 10, "the key")
    el(at.browser, "enrol-open").click()
    until(lambda: el(at.browser, "enrol-name").is_displayed(), 5, "the form")
    el(at.browser, "enrol-name").send_keys(name)
    el(at.browser, "enrol-contact").send_keys(contact)
    el(at.browser, "enrol-save").click()


def test_provisional_is_who_was_enrolled_here_until_hq_confirms(aged):
    """Goal: without a line whoever enrols is known at once, and marked; HQ's word takes the mark away."""
    at, _ = aged
    at.rig.kill("hq")
    at.rig.kill("broker")
    at.open()
    at.scanner.scan(NEW_CARD)
    at.shows("unknown", "Card not known", shot="provisional-before")
    enrol_by_hand(at, "Mia", "0172 9990011")
    at.shows("provisional", "Mia", "")
    assert at.text("mark") == "New here" and at.text("unconfirmed") == "not confirmed by HQ yet"
    at.rig.start_broker()
    at.rig.start_hq()
    at.shows("known", "Mia", shot="provisional-confirmed", seconds=40)


def test_suggested_is_asked_and_never_joined_by_itself(aged):
    """Goal: whoever is enrolled without a line may be somebody whom the store holds: the screen asks, masked."""
    at, _ = aged
    at.rig.kill("broker")
    at.open()
    enrol_by_hand(at, "Clara", "clarakern+shop@gmail.com")
    at.shows("suggested", "Clara", "")
    assert at.text("mark") == "Same person?" and "Maybe already a customer: C" in at.text("word-text")
    assert (at.text("word-same"), at.text("word-key")) == ("Same person", "Not the same")
    assert "Kern" not in at.browser.page_source
    el(at.browser, "word-key").click()
    until(lambda: at.text("word-text") == "", 10, "the suggestion to go for ever")
    at.shows("provisional", "Clara", shot="suggested-denied")


def test_hqs_other_word_waits_for_a_tap(aged, tmp_path):
    """Goal: whom HQ knows under this card already is said in one line; the basket changes when the cashier taps."""
    at, _ = aged
    at.rig.kill("broker")
    at.open()
    at.scanner.scan(NEW_CARD)
    at.shows("unknown", shot="hq-before")
    enrol_by_hand(at, "Mia", "0172 9990011")
    at.shows("provisional", "Mia", shot="hq-enrolled")
    (tmp_path / "mia.csv").write_text(f"customer_id,first_name,loyalty,tier,points,points_as_of\nX777,Mia,{NEW_CARD},gold,900,2026-01-01\n")
    at.rig.tool("laneway-hq", "import", "-c", at.rig.work / "hq.conf", tmp_path / "mia.csv")
    at.rig.start_broker()
    at.shows("hq", "Mia", seconds=40)
    assert at.text("mark") == "HQ differs" and at.text("word-text") == "HQ knows this customer already: Mia"
    assert at.text("points") == "" and at.text("word-key") == "Take over"
    el(at.browser, "word-key").click()
    at.shows("known", "Mia", shot="hq-taken-over")
    assert at.text("figure") == "900"


def test_starting_keeps_cards_before_it_has_names(aged, tmp_path):
    """Goal: a box that is just up says so, and that a card is kept; the name comes by itself."""
    at, _ = aged
    at.open()
    at.till.close()
    at.rig.kill("daemon")
    slow = slowcard(tmp_path)
    at.rig.start("daemon", [at.rig.build / "lanewayd", "-c", at.rig.work / "store.conf"],
                 {**slow, "SLOWCARD_SEEK_US": "400000", "ASAN_OPTIONS": "verify_asan_link_order=0"})
    until(lambda: state(at.rig) == "starting", 20, "the start")
    at.shows("starting", "Starting", "")
    assert at.text("mark") == "Starting" and at.text("fresh") == "" and at.text("prompt") == "Cards are kept, names in a moment"
    at.scanner.scan(CARD["anna"])
    at.shows("starting", "Starting", "Card kept", shot="starting-kept")


def state(rig):
    try:
        return lane(rig)["state"]
    except OSError:
        return None
