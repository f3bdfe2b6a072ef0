"""Looking: more of the customer on a tap, for ten seconds; and who has a phone number, for a reason or in a sale."""

import time

import pytest
from selenium.webdriver.common.keys import Keys
from test_lane import (CONTRAST, CONTRAST_JS, IDLE, KNOWN, OVERFLOW_JS, REPLACE, STATES, TOUCH_PX, el, headline, merged, screen, shown,  # noqa: F401
                       size, visible_text, wait_for)

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.takes(40)]

REF = "AAECAwQFBgcICQoLDA0ODw"
HERE = merged(KNOWN, {"person": {"details": REF}})
SIZES = (("", 1280, 800), ("-small", 800, 480), ("-upright", 390, 844))
WORDS = "Rings twice; the bell is broken, and the dog is friendly. " * 3 + "Thank her for the flowers."
CHOICES = [{"code": c, "words": w} for c, w in (
    ("assistance", "Needs a hand with bags and packing"), ("large_print", "Needs large print"), ("quiet", "Prefers few words"),
    ("invoice", "Wants an invoice"), ("no_bag", "Brings their own bag"), ("deliveries", "Has purchases delivered"))]
MORE = {"details": REF, "seconds": 10, "choices": CHOICES, "notes": [
    {"code": "large_print", "since": "2026-11-20", "words": "Needs large print"}, {"code": "text", "since": "2026-10-03", "words": WORDS}],
    "notes_refused": None, "contact": [
        {"kind": "phone", "state": None, "value": "+491728394057", "verified": True},
        {"kind": "email", "state": "bounced", "value": "anna.katharina.von-der-lippe@mail.example.org", "verified": False}],
    "contact_refused": None}
REFUSED = merged(MORE, {"notes": [], "contact": [], "contact_refused": "Phone and e-mail: only after the customer's own card or wallet was scanned"})
LOOKED = {"seconds": 10, "state": "known", "words": None, "first_name": "A…", "tier": "gold", "points": 1200, "masked": True}


def look(screen, box, said=MORE, view=HERE):
    shown(screen, box, view)
    box.answers = [(200, said)]
    el(screen, "details-open").click()
    wait_for(lambda: el(screen, "details").is_displayed())


def body(screen):
    return visible_text(screen, "details-body")


def pictures(screen, shots, name):
    for suffix, width, height in SIZES:
        size(screen, width, height)
        screen.save_screenshot(str(shots / f"{name}{suffix}.png"))
        assert screen.execute_script(OVERFLOW_JS) == [], suffix
        assert [(t, round(c, 2)) for t, c in screen.execute_script(CONTRAST_JS) if c < CONTRAST] == []
        for key in screen.find_elements("css selector", "button, input"):
            assert not key.is_displayed() or key.size["height"] >= TOUCH_PX, key.get_attribute("id")
    size(screen)


def test_a_tap_shows_notes_and_contact_at_both_sizes(screen, box, shots):
    shown(screen, box, HERE)
    pictures(screen, shots, "40-details-key")
    look(screen, box)
    assert box.posts.get(timeout=2) == ("/api/v1/lanes/3/details", "application/json", {"details": REF})
    for said in ("Needs large print", "20 Nov 2026", "the dog is friendly", "from the manager", "+491728394057", "does not arrive"):
        assert said in body(screen), said
    pictures(screen, shots, "41-details")
    assert headline(screen) == "Anna" and el(screen, "wrong").is_displayed()


def test_after_ten_seconds_nothing_of_it_is_left_in_the_page(screen, box):
    look(screen, box)
    before = time.monotonic()
    time.sleep(8)
    assert "+491728394057" in body(screen)
    wait_for(lambda: not el(screen, "details").is_displayed(), seconds=5)
    assert 9 <= time.monotonic() - before <= 11
    for secret in ("+491728394057", "large print", "friendly", "von-der-lippe"):
        assert secret not in screen.page_source
    assert el(screen, "details-open").is_displayed()


@pytest.mark.parametrize("how", ["close", "key", "escape"])
def test_a_second_tap_or_a_key_ends_it_sooner(screen, box, how):
    look(screen, box)
    if how == "escape":
        screen.switch_to.active_element.send_keys(Keys.ESCAPE)
    else:
        el(screen, "details-close" if how == "close" else "details-open").click()
    wait_for(lambda: not el(screen, "details").is_displayed())
    assert "large print" not in screen.page_source
    assert box.posts.qsize() == 1  # closing asks the box nothing


@pytest.mark.parametrize("next_view", [IDLE, merged(HERE, {"person": {"details": "AQEBAQEBAQEBAQEBAQEBAQ", "first_name": "Berta"}}), KNOWN])
def test_it_goes_with_the_customer(screen, box, next_view):
    look(screen, box)
    shown(screen, box, next_view)
    wait_for(lambda: not el(screen, "details").is_displayed())
    assert "+491728394057" not in screen.page_source


def test_a_word_on_somebody_else_is_not_shown(screen, box):
    shown(screen, box, HERE)
    box.answers = [(200, merged(MORE, {"details": "AQEBAQEBAQEBAQEBAQEBAQ"}))]
    el(screen, "details-open").click()
    box.posts.get(timeout=2)
    time.sleep(0.5)
    assert not el(screen, "details").is_displayed() and "large print" not in screen.page_source


def test_what_the_identification_is_not_good_for_is_said_in_words(screen, box, shots):
    look(screen, box, REFUSED)
    assert "None" in body(screen) and "own card or wallet was scanned" in body(screen)
    pictures(screen, shots, "42-details-typed")
    el(screen, "details-close").click()
    box.answers = [(409, {"error": {"code": "disk_full", "message": "the box cannot keep it now; press again"}})]
    el(screen, "details-open").click()
    wait_for(lambda: visible_text(screen, "notice") == "the box cannot keep it now; press again")
    assert not el(screen, "details").is_displayed()
    screen.get_log("browser")


def test_a_question_stays_where_it_is_and_a_note_runs_nothing(screen, box, shots):
    look(screen, box, merged(MORE, {"notes": [{"code": "text", "since": "2026-10-03", "words": "<img src=x onerror=alert(1)>"}]}),
         merged(HERE, {"question": REPLACE}))
    assert "<img src=x" in body(screen) and screen.execute_script("return document.images.length") == 0
    pictures(screen, shots, "43-details-question")
    assert el(screen, "choice-0").is_displayed()


def test_there_is_no_key_where_nothing_may_be_shown(screen, box):
    for name in ("02-idle", "03-basket-nobody", "28-confidential", "29-locked"):
        shown(screen, box, STATES[name])
        assert not el(screen, "details-open").is_displayed(), name


# --- notes ---


def note_key(screen, code):
    return el(screen, "notes").find_element("css selector", f'[data-code="{code}"]')


def open_notes(screen, box, said=MORE):
    look(screen, box, said)
    box.posts.get(timeout=2)
    el(screen, "details-change").click()
    wait_for(lambda: el(screen, "notes").is_displayed())


def test_a_note_is_one_tap_and_another_takes_it_back(screen, box, shots):
    open_notes(screen, box)
    assert not el(screen, "details").is_displayed()
    pictures(screen, shots, "49-notes")
    pressed = [k.get_attribute("data-code") for k in screen.find_elements("css selector", '#notes [aria-pressed="true"]')]
    assert pressed == ["large_print"]  # a manager's own words are not for a cashier to take back
    for code, body, stands in (("quiet", {"note": "quiet"}, "true"), ("large_print", {"no_note": "large_print"}, "false"),
                               ("large_print", {"note": "large_print"}, "true")):
        note_key(screen, code).click()
        assert box.posts.get(timeout=2)[::2] == ("/api/v1/lanes/3/correct", {"details": REF, **body})
        wait_for(lambda code=code, stands=stands: note_key(screen, code).get_attribute("aria-pressed") == stands)
    box.answers = [(409, {"error": {"code": "too_many", "message": "too many changes wait for HQ already"}})]
    note_key(screen, "invoice").click()
    wait_for(lambda: "too many changes" in visible_text(screen, "notes-error"))
    assert note_key(screen, "invoice").get_attribute("aria-pressed") == "false"
    el(screen, "notes-done").click()
    wait_for(lambda: not el(screen, "notes").is_displayed())
    assert "Prefers few words" not in screen.page_source
    screen.get_log("browser")


def test_notes_go_with_the_customer_and_after_ten_seconds(screen, box):
    open_notes(screen, box)
    shown(screen, box, KNOWN)
    wait_for(lambda: not el(screen, "notes").is_displayed())
    open_notes(screen, box, merged(MORE, {"seconds": 2}))
    wait_for(lambda: not el(screen, "notes").is_displayed(), seconds=4)
    assert "large print" not in screen.page_source


def test_where_notes_are_hidden_none_is_offered(screen, box):
    look(screen, box, merged(MORE, {"notes": [], "choices": [], "notes_refused": "Notes: not by a card or number that several people use"}))
    assert "several people use" in body(screen) and not screen.find_elements("id", "details-change")


# --- who has this number ---


def open_find(screen):
    el(screen, "find-open").click()
    wait_for(lambda: el(screen, "find-contact").is_displayed())


def closed(screen):
    return not el(screen, "find").is_displayed()


def test_without_a_sale_the_form_asks_why(screen, box, shots):
    shown(screen, box, IDLE)
    pictures(screen, shots, "44-idle-keys")
    open_find(screen)
    screen.switch_to.active_element.send_keys("0172 8394057", Keys.TAB)
    screen.switch_to.active_element.send_keys("Left an umbrella, wants a call")
    pictures(screen, shots, "45-find")
    box.answers = [(200, LOOKED)]
    screen.switch_to.active_element.send_keys(Keys.ENTER)
    assert box.posts.get(timeout=2) == ("/api/v1/lanes/3/find", "application/json",
                                        {"phone": "0172 8394057", "reason": "Left an umbrella, wants a call"})
    wait_for(lambda: "A…" in visible_text(screen, "find-found"))
    assert "1200 points" in visible_text(screen, "find-found").lower()
    assert not el(screen, "find-attach").is_displayed()
    pictures(screen, shots, "46-found")
    time.sleep(8)
    assert not closed(screen)
    wait_for(lambda: closed(screen), seconds=5)
    assert "A…" not in screen.page_source
    assert screen.execute_script("return [...document.querySelectorAll('#find input')].every((i) => i.value === '')")


def test_in_a_sale_no_reason_is_asked_and_who_was_found_can_be_added(screen, box, shots):
    shown(screen, box, STATES["03-basket-nobody"])
    open_find(screen)
    assert not el(screen, "find-reason").is_displayed()
    box.answers = [(200, merged(LOOKED, {"first_name": "Anna", "masked": False}))]
    screen.switch_to.active_element.send_keys("anna@example.org", Keys.ENTER)
    assert box.posts.get(timeout=2)[2] == {"email": "anna@example.org"}
    wait_for(lambda: el(screen, "find-attach").is_displayed())
    pictures(screen, shots, "47-found-sale")
    el(screen, "find-attach").click()
    assert box.posts.get(timeout=2)[::2] == ("/api/v1/lanes/3/enrol", {"email": "anna@example.org", "known": "attach"})
    wait_for(lambda: closed(screen))


def test_what_is_missing_is_said_at_its_field_and_who_is_unknown_in_words(screen, box, shots):
    shown(screen, box, IDLE)
    open_find(screen)
    said = "no sale is open: expected why you look for this customer, in 1 to 200 characters"
    box.answers = [(400, {"error": {"code": "reason_needed", "field": "reason", "message": said}}),
                   (200, {"seconds": 10, "state": "unknown", "words": "No customer has this"})]
    screen.switch_to.active_element.send_keys("0172 8394057", Keys.ENTER)
    wait_for(lambda: visible_text(screen, "find-error") == said)
    assert screen.switch_to.active_element.get_attribute("id") == "find-reason"
    pictures(screen, shots, "48-find-why")
    screen.switch_to.active_element.send_keys("Found keys", Keys.ENTER)
    wait_for(lambda: visible_text(screen, "find-found") == "No customer has this")
    el(screen, "find-cancel").click()
    wait_for(lambda: closed(screen))
    screen.get_log("browser")


def test_a_form_for_finding_goes_when_somebody_comes_by_another_way(screen, box):
    shown(screen, box, IDLE)
    open_find(screen)
    screen.switch_to.active_element.send_keys("0172")
    shown(screen, box, KNOWN)
    wait_for(lambda: closed(screen))
    assert el(screen, "find-contact").get_attribute("value") == ""
