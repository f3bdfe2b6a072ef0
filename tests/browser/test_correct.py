"""What is wrong of a customer, put right at the lane: nothing ticked beforehand, and never of somebody else."""

import time

import pytest
from selenium.webdriver.common.keys import Keys
from test_details import HERE, MORE, REF, REFUSED, el, look, pictures
from test_lane import KNOWN, merged, screen, shown, visible_text, wait_for  # noqa: F401

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.takes(30)]

PATH = "/api/v1/lanes/3/correct"
TEXT = {"text_version": "lane-correct-2026-11", "language": "en"}
NOTHING_KNOWN = merged(MORE, {"contact": []})
PHONE_ONLY = merged(MORE, {"contact": MORE["contact"][:1]})


def open_form(screen, box, said=MORE, view=HERE):
    look(screen, box, said, view)
    box.posts.get(timeout=2)
    el(screen, "details-correct").click()
    wait_for(lambda: el(screen, "correct-first").is_displayed())


def closed(screen):
    return not el(screen, "correct").is_displayed()


def sent(box):
    path, _, body = box.posts.get(timeout=2)
    assert path == PATH and body.pop("details") == REF
    return body


def key(screen, purpose, value):
    return screen.find_element("css selector", f'#correct .answer[data-purpose="{purpose}"][data-value="{value}"]')


def pressed(screen):
    return screen.find_elements("css selector", '#correct [aria-pressed="true"]')


def test_the_form_is_whole_legible_and_names_whom_it_is_about(screen, box, shots):
    open_form(screen, box)
    assert visible_text(screen, "correct-title") == "Correct Anna" and not el(screen, "details").is_displayed()
    assert pressed(screen) == [] and not el(screen, "correct-fate").is_displayed()
    assert "+491728394057" not in screen.page_source  # the form knows that there is one, not which
    pictures(screen, shots, "60-correct")
    el(screen, "correct-contact").send_keys("0172 5530918")
    el(screen, "correct-replace").click()
    key(screen, "marketing", "withdrawn").click()
    pictures(screen, shots, "61-correct-filled")


def test_no_more_is_as_big_as_yes(screen, box):
    open_form(screen, box)
    for keys in (screen.find_elements("css selector", "#correct .answer"), None):
        keys = keys or (el(screen, "correct-contact").send_keys("1") or [el(screen, "correct-replace"), el(screen, "correct-add")])
        style = "const s = getComputedStyle(arguments[0]); return [s.color, s.backgroundColor, s.fontWeight, s.borderColor]"
        assert len({(k.size["width"], k.size["height"]) for k in keys}) == 1
        assert len({str(screen.execute_script(style, k)) for k in keys}) == 1


def test_a_name_alone_changes_a_name_alone(screen, box):
    open_form(screen, box)
    screen.switch_to.active_element.send_keys("Hanna", Keys.ENTER)
    assert sent(box) == {"first_name": "Hanna"}
    wait_for(lambda: closed(screen))
    time.sleep(0.3)
    assert box.posts.empty() and not el(screen, "details").is_displayed()  # the name stands on the screen anyway


@pytest.mark.parametrize("how,gone", [("replace", {"no_phone": True}), ("add", {})])
def test_what_becomes_of_the_number_that_is_known_is_asked(screen, box, shots, how, gone):
    open_form(screen, box)
    el(screen, "correct-contact").send_keys("0172 5530918", Keys.ENTER)
    wait_for(lambda: "replaces the number we have, or is added" in visible_text(screen, "correct-error"))
    assert screen.switch_to.active_element.get_attribute("id") == "correct-contact" and box.posts.empty()
    assert visible_text(screen, "correct-replace") == "Replaces the number we have"
    pictures(screen, shots, "62-correct-fate")
    el(screen, f"correct-{how}").click()
    box.answers = [(200, {}), (200, PHONE_ONLY)]
    el(screen, "correct-save").click()
    assert sent(box) == {"phone": "0172 5530918", **gone}
    assert box.posts.get(timeout=2)[::2] == ("/api/v1/lanes/3/details", {"details": REF})  # as it is now
    wait_for(lambda: el(screen, "details").is_displayed())


def test_where_none_is_known_nothing_is_asked_of_it(screen, box):
    open_form(screen, box, NOTHING_KNOWN)
    for name in ("correct-no-phone", "correct-no-email", "correct-fate"):
        assert not el(screen, name).is_displayed()
    el(screen, "correct-contact").send_keys("anna@example.org", Keys.ENTER)
    assert sent(box) == {"email": "anna@example.org"}


def test_another_kind_is_added_without_a_question_and_an_old_choice_is_forgotten(screen, box):
    open_form(screen, box, PHONE_ONLY)
    contact = el(screen, "correct-contact")
    contact.send_keys("0172 5530918")
    el(screen, "correct-replace").click()
    contact.send_keys(Keys.CONTROL, "a")
    contact.send_keys("anna@example.org")
    assert not el(screen, "correct-fate").is_displayed()
    contact.send_keys(Keys.ENTER)
    assert sent(box) == {"email": "anna@example.org"}


def test_a_number_that_is_gone_is_one_tap_and_typing_one_takes_that_back(screen, box):
    open_form(screen, box)
    el(screen, "correct-no-phone").click()
    el(screen, "correct-contact").send_keys("0172")
    assert not el(screen, "correct-no-phone").is_displayed()
    el(screen, "correct-contact").send_keys(Keys.BACKSPACE * 4)
    assert pressed(screen) == []
    el(screen, "correct-no-phone").click()
    el(screen, "correct-save").click()
    assert sent(box) == {"no_phone": True}


@pytest.mark.parametrize("tap,said,consents", [
    (("marketing", "withdrawn"), MORE, [("marketing", "any", "withdrawn")]),
    (("marketing", "granted"), MORE, [("marketing", "sms", "granted"), ("marketing", "email", "granted")]),
    (("marketing", "granted"), REFUSED, [("marketing", "any", "granted")]),
    (("personalisation", "withdrawn"), MORE, [("personalisation", "any", "withdrawn")]),
])
def test_an_answer_is_one_tap_and_no_more_is_for_every_address(screen, box, tap, said, consents):
    open_form(screen, box, said)
    key(screen, *tap).click()
    el(screen, "correct-save").click()
    assert sent(box) == {"consents": [{"purpose": p, "channel": c, "value": v, **TEXT} for p, c, v in consents]}
    wait_for(lambda: closed(screen))


def test_a_yes_is_for_the_address_that_is_typed(screen, box):
    open_form(screen, box, NOTHING_KNOWN)
    el(screen, "correct-contact").send_keys("0172 5530918")
    key(screen, "marketing", "granted").click()
    el(screen, "correct-save").click()
    assert [c["channel"] for c in sent(box)["consents"]] == ["sms"]


def test_who_only_said_a_number_is_told_why_contact_is_not_offered(screen, box, shots):
    open_form(screen, box, REFUSED)
    assert not el(screen, "correct-contact").is_displayed()
    assert "own card or wallet was scanned" in visible_text(screen, "correct-refused")
    pictures(screen, shots, "63-correct-typed")


def test_where_several_use_it_nothing_is_corrected(screen, box):
    look(screen, box, merged(MORE, {"notes": [], "choices": [], "notes_refused": "Notes: not by a card or number that several people use"}))
    assert not el(screen, "details-correct").is_displayed()


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(screen, box):
    open_form(screen, box)
    el(screen, "correct-save").click()
    wait_for(lambda: visible_text(screen, "correct-error") == "Nothing is changed yet.")
    assert box.posts.empty()
    long = "too long: use at most 32 letters of it"
    box.answers = [(400, {"error": {"code": "bad_field", "field": "last_name", "message": long}}),
                   (409, {"error": {"code": "known_customer", "field": "phone", "message": "somebody else has this phone already"}})]
    el(screen, "correct-last").send_keys("Ł" * 40, Keys.ENTER)
    wait_for(lambda: visible_text(screen, "correct-error") == long)
    assert screen.switch_to.active_element.get_attribute("id") == "correct-last"
    assert el(screen, "correct-last").get_attribute("aria-invalid") == "true"
    el(screen, "correct-contact").send_keys("0172 5530918")
    el(screen, "correct-add").click()
    el(screen, "correct-save").click()
    wait_for(lambda: "somebody else has this phone" in visible_text(screen, "correct-error"))
    assert screen.switch_to.active_element.get_attribute("id") == "correct-contact"
    assert el(screen, "correct-last").get_attribute("value") == "Ł" * 40
    screen.get_log("browser")


@pytest.mark.parametrize("next_view", [merged(HERE, {"person": {"details": "AQEBAQEBAQEBAQEBAQEBAQ", "first_name": "Berta"}}), KNOWN])
def test_it_goes_with_the_customer(screen, box, next_view):
    open_form(screen, box)
    el(screen, "correct-first").send_keys("Hanna")
    key(screen, "marketing", "granted").click()
    shown(screen, box, next_view)
    wait_for(lambda: closed(screen))
    assert el(screen, "correct-first").get_attribute("value") == "" and box.posts.empty()
    open_form(screen, box)
    assert pressed(screen) == []


def test_a_kept_answer_about_who_is_gone_opens_nothing(screen, box):
    open_form(screen, box, NOTHING_KNOWN)
    el(screen, "correct-contact").send_keys("0172 5530918")
    el(screen, "correct-cancel").click()
    wait_for(lambda: closed(screen))
    assert el(screen, "correct-contact").get_attribute("value") == "" and box.posts.empty()
