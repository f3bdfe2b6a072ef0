"""The form for a new customer: few taps, nothing ticked beforehand, errors where they belong."""

import pytest
from selenium.webdriver.common.keys import Keys
from test_lane import (CONTRAST, CONTRAST_JS, KNOWN, OVERFLOW_JS, STATES, TOUCH_PX, el, headline, merged, screen, shown, size,  # noqa: F401
                       visible_text, wait_for)

NOBODY = merged(STATES["03-basket-nobody"], {"new_card": False})
NEW_CARD = merged(STATES["07-unknown"], {"new_card": True})
ENROL = "/api/v1/lanes/3/enrol"


def open_form(screen):
    el(screen, "enrol-open").click()
    wait_for(lambda: el(screen, "enrol-name").is_displayed())


def answer(screen, purpose, value):
    screen.find_element("css selector", f'.answer[data-purpose="{purpose}"][data-value="{value}"]').click()


def pressed(screen):
    return [(k.get_attribute("data-purpose"), k.get_attribute("data-value"))
            for k in screen.find_elements("css selector", '.answer[aria-pressed="true"]')]


def closed(screen):
    return not el(screen, "enrol-name").is_displayed()


def test_the_form_is_whole_legible_and_big_enough_to_touch(screen, box, shots):
    shown(screen, box, NEW_CARD)
    screen.save_screenshot(str(shots / "30-enrol-key.png"))
    open_form(screen)
    el(screen, "enrol-name").send_keys("Anna")
    el(screen, "enrol-contact").send_keys("anna@example.org")
    answer(screen, "marketing", "refused")
    for name, width, height in (("31-enrol", 1280, 800), ("31-enrol-small", 800, 480), ("31-enrol-desk", 1920, 1080)):
        size(screen, width, height)
        screen.save_screenshot(str(shots / f"{name}.png"))
        box_of = screen.execute_script("const r = document.getElementById('enrol').getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]")
        assert box_of[0] >= 0 and box_of[1] >= 0 and box_of[2] <= width and box_of[3] <= height
        assert screen.execute_script("const d = document.getElementById('enrol'); return d.scrollHeight <= d.clientHeight + 1")
        for key in screen.find_elements("css selector", "#enrol button, #enrol input"):
            if key.is_displayed():
                assert key.size["height"] >= TOUCH_PX, key.get_attribute("id")
    size(screen)
    weak = [(t, round(c, 2)) for t, c in screen.execute_script(CONTRAST_JS) if c < CONTRAST]
    assert weak == []


def test_refusal_is_as_big_as_assent_and_nothing_is_ticked(screen, box):
    shown(screen, box, NOBODY)
    open_form(screen)
    assert pressed(screen) == []
    keys = screen.find_elements("css selector", "#enrol .answer")
    assert len(keys) == 4 and len({(k.size["width"], k.size["height"]) for k in keys}) == 1
    style = "const s = getComputedStyle(arguments[0]); return [s.color, s.backgroundColor, s.fontWeight, s.borderColor]"
    assert len({str(screen.execute_script(style, k)) for k in keys}) == 1


def test_five_taps_and_typing_make_a_customer(screen, box):
    shown(screen, box, NOBODY)
    open_form(screen)  # tap 1; the name has the focus
    screen.switch_to.active_element.send_keys("Anna")
    el(screen, "enrol-contact").click()  # tap 2
    screen.switch_to.active_element.send_keys("0172 8394057")
    answer(screen, "marketing", "granted")  # tap 3
    answer(screen, "personalisation", "refused")  # tap 4
    el(screen, "enrol-save").click()  # tap 5
    path, kind, body = box.posts.get(timeout=2)
    assert (path, kind) == (ENROL, "application/json")
    text = {"text_version": "lane-2026-11", "language": "en"}
    assert body == {"first_name": "Anna", "phone": "0172 8394057", "consents": [
        {"purpose": "marketing", "channel": "sms", "value": "granted", **text},
        {"purpose": "personalisation", "channel": "any", "value": "refused", **text}]}
    wait_for(lambda: closed(screen))


def test_the_keyboard_alone_is_enough_and_no_answer_is_no_answer(screen, box):
    shown(screen, box, NOBODY)
    el(screen, "enrol-open").send_keys(Keys.ENTER)
    wait_for(lambda: screen.switch_to.active_element.get_attribute("id") == "enrol-name")
    screen.switch_to.active_element.send_keys("Anna", Keys.TAB)
    screen.switch_to.active_element.send_keys("anna@example.org", Keys.ENTER)
    assert box.posts.get(timeout=2)[2] == {"first_name": "Anna", "email": "anna@example.org"}
    wait_for(lambda: closed(screen))


def test_an_answer_can_be_taken_back(screen, box):
    shown(screen, box, NOBODY)
    open_form(screen)
    answer(screen, "marketing", "granted")
    answer(screen, "marketing", "refused")
    assert pressed(screen) == [("marketing", "refused")]
    answer(screen, "marketing", "refused")
    assert pressed(screen) == []


def test_escape_leaves_nothing_behind(screen, box):
    shown(screen, box, NOBODY)
    open_form(screen)
    screen.switch_to.active_element.send_keys("Anna", Keys.ESCAPE)
    wait_for(lambda: closed(screen))
    open_form(screen)
    assert el(screen, "enrol-name").get_attribute("value") == ""
    assert box.posts.empty()


def test_what_is_wrong_is_said_at_its_field(screen, box, shots):
    shown(screen, box, NOBODY)
    open_form(screen)
    box.answers = [(400, {"error": {"code": "bad_field", "field": "phone", "message": "phone: expected a phone number, like 0171 2345678 or +49 171 2345678 (This is no phone number)"}})]
    screen.switch_to.active_element.send_keys("Anna")
    el(screen, "enrol-contact").send_keys("12", Keys.ENTER)
    wait_for(lambda: "expected a phone number" in visible_text(screen, "enrol-error"))
    assert screen.switch_to.active_element.get_attribute("id") == "enrol-contact"
    assert el(screen, "enrol-contact").get_attribute("aria-invalid") == "true"
    assert el(screen, "enrol-name").get_attribute("value") == "Anna"
    screen.save_screenshot(str(shots / "32-enrol-error.png"))
    screen.get_log("browser")


@pytest.mark.parametrize("attach", [True, False])
def test_whoever_is_known_is_offered_before_a_second_one_is_made(screen, box, shots, attach):
    shown(screen, box, NOBODY)
    open_form(screen)
    box.answers = [(409, {"error": {"code": "known_customer", "field": "phone", "message": "A… has this phone already"},
                          "known": {"attach": attach, "first_name": "A…", "several": False}})]
    screen.switch_to.active_element.send_keys("Anna")
    el(screen, "enrol-contact").send_keys("0172 8394057", Keys.ENTER)
    wait_for(lambda: visible_text(screen, "enrol-known-text") == "A… has this phone number already.")
    screen.save_screenshot(str(shots / f"33-enrol-known-{attach}.png"))
    box.posts.get(timeout=2)
    assert el(screen, "enrol-attach").is_displayed() == attach
    el(screen, "enrol-attach" if attach else "enrol-new").click()
    assert box.posts.get(timeout=2)[2]["known"] == ("attach" if attach else "new")
    wait_for(lambda: closed(screen))
    screen.get_log("browser")


def test_a_new_card_needs_no_phone(screen, box):
    shown(screen, box, NEW_CARD)
    open_form(screen)
    assert visible_text(screen, "enrol-card") == "with the new card"
    screen.switch_to.active_element.send_keys("Anna", Keys.ENTER)
    assert box.posts.get(timeout=2)[2] == {"first_name": "Anna"}


def test_the_form_goes_when_somebody_comes_by_another_way(screen, box):
    shown(screen, box, NOBODY)
    open_form(screen)
    screen.switch_to.active_element.send_keys("Anna")
    shown(screen, box, KNOWN)
    wait_for(lambda: closed(screen))
    assert visible_text(screen, "enrol-open") == ""


def test_a_customer_whom_hq_has_not_confirmed_is_marked(screen, box, shots):
    shown(screen, box, merged(KNOWN, {"person": {"new": True, "tier": None, "points": None}}))
    assert headline(screen) == "Anna"
    assert visible_text(screen, "mark") == "New here"
    assert visible_text(screen, "unconfirmed") == "not confirmed by HQ yet"
    screen.save_screenshot(str(shots / "34-new.png"))
    assert screen.execute_script(OVERFLOW_JS) == []
    shown(screen, box, KNOWN)
    assert visible_text(screen, "mark") == "Known"


def test_hqs_other_word_waits_for_a_tap(screen, box, shots):
    shown(screen, box, merged(KNOWN, {"change": {"id": "c7", "text": "HQ knows this customer as Hanna"}}))
    assert visible_text(screen, "word-text") == "HQ knows this customer as Hanna"
    screen.save_screenshot(str(shots / "35-change.png"))
    assert screen.execute_script(OVERFLOW_JS) == []
    el(screen, "word-key").click()
    path, _, body = box.posts.get(timeout=2)
    assert (path, body) == ("/api/v1/lanes/3/take-over", {"change": "c7"})


def test_a_suggestion_can_be_denied_for_ever(screen, box, shots):
    said = "Maybe already a customer: C. K., phone …42"
    shown(screen, box, merged(KNOWN, {"suggestion": {"id": "AAECAwQFBgcICQoLDA0ODw", "text": said}}))
    assert visible_text(screen, "word-text") == said
    for name, width, height in (("36-suggested", 1280, 800), ("36-suggested-small", 800, 480)):
        size(screen, width, height)
        screen.save_screenshot(str(shots / f"{name}.png"))
        assert screen.execute_script(OVERFLOW_JS) == []
        assert all(el(screen, k).size["height"] >= TOUCH_PX for k in ("word-key", "word-same"))
    size(screen)
    el(screen, "word-key").click()
    path, _, body = box.posts.get(timeout=2)
    assert (path, body) == ("/api/v1/lanes/3/not-me", {"suggestion": "AAECAwQFBgcICQoLDA0ODw"})


def test_a_suggestion_can_be_agreed_to_and_hqs_word_goes_first(screen, box):
    suggestion = {"suggestion": {"id": "AAECAwQFBgcICQoLDA0ODw", "text": "Maybe already a customer: C. K."}}
    shown(screen, box, merged(KNOWN, suggestion))
    assert visible_text(screen, "word-same") == "Same person"
    el(screen, "word-same").click()
    path, _, body = box.posts.get(timeout=2)
    assert (path, body) == ("/api/v1/lanes/3/same-person", {"suggestion": "AAECAwQFBgcICQoLDA0ODw"})
    shown(screen, box, merged(KNOWN, {**suggestion, "change": {"id": "c7", "text": "HQ knows this customer as Hanna"}}))
    assert visible_text(screen, "word-text") == "HQ knows this customer as Hanna"
    assert not el(screen, "word-same").is_displayed()
