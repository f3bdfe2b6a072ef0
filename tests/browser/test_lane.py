"""The lane screen in a real Chromium: every state at the size of a 10-inch tablet, seen and measured."""

import copy
import itertools
import time

import pytest

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.takes(40)]

NAME_CAP_PX = 59  # 10 mm on a 10-inch tablet at 1280x800
POINTS_CAP_PX = 41  # 7 mm
CHOICE_KEY_PX = 88
TOUCH_PX = 44
CONTRAST = 4.5

REVS = itertools.count(2)

def merged(base, change):
    out = copy.deepcopy(base)
    for key, value in change.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


IDLE = {
    "lane": "3", "rev": 1, "state": "idle",
    "person": {"state": "none", "first_name": "", "tier": "", "points": None, "points_as_of": "",
               "provisional": False, "struck": False, "masked": False, "shared": False, "confidential": False},
    "question": None, "notice": None, "prompt": "Ask for the card", "restored": None, "restored_cause": None, "basket": None,
    "fresh": {"level": "now", "age_s": 12, "as_of": "17:02", "text": ""},
    "hq": {"reachable": True, "since": "14:05"}, "at": "2026-11-21T17:02:03.123Z",
}


def line(i, name, price, quantity="1", unit="piece", total=None, provisional=False):
    return {"line_id": str(i), "name": name, "quantity": quantity, "unit": unit, "price": price,
            "total": total or price, "provisional": provisional}


SHOPPING = [
    line(1, "Sourdough bread", "4.20"), line(2, "Organic milk 1 l", "1.49", "2", total="2.98"),
    line(3, "Braeburn apples", "3.49", "1.240", "kg", "4.33"), line(4, "Alpine cheese, matured 12 months", "6.80"),
    line(5, "Espresso beans 500 g", "11.90", provisional=True),
]
BASKET = {"till": "T3", "lines": SHOPPING, "value": "30.21", "currency": "EUR"}
ANNA = {"state": "known", "first_name": "Anna", "tier": "gold", "points": 1200}

KNOWN = merged(IDLE, {"state": "basket", "person": ANNA, "basket": BASKET, "prompt": "Greet by name"})
HELD = {"id": "q1", "kind": "held", "text": "A card was scanned after payment began. Whose is it?",
        "choices": [{"key": "this", "label": "This customer"}, {"key": "next", "label": "Next customer"}]}
REPLACE = {"id": "q2", "kind": "replace", "text": "Replace Anna?",
           "choices": [{"key": "replace", "label": "Replace"}, {"key": "keep", "label": "Keep Anna"}]}
LAST = {"id": "q3", "kind": "last", "text": "A card was scanned. Whose is it?",
        "choices": [{"key": "last", "label": "Last customer"}, {"key": "next", "label": "Next customer"}]}

NOBODY = {"key": "none", "label": "Somebody else"}
WHICH = {"id": "q4", "kind": "which", "text": "Ask for the first name",
         "choices": [{"key": str(i + 1), "label": name} for i, name in enumerate(["Anna", "Ben, gold", "Ben, silver", "Maximiliane-Alexandra Josephine"])]
         + [NOBODY]}
THEIRS = {"id": "q5", "kind": "which", "text": "Ask for the first name", "choices": [{"key": "1", "label": "Anna"}, NOBODY]}

STATES = {
    "01-starting": merged(IDLE, {"state": "starting", "prompt": "Cards are kept, names in a moment"}),
    "01-starting-card": merged(IDLE, {"state": "starting", "prompt": "Cards are kept, names in a moment", "notice": "Card kept"}),
    "02-idle": IDLE,
    "03-basket-nobody": merged(IDLE, {"state": "basket", "basket": BASKET}),
    "04-known": KNOWN,
    "05-provisional": merged(KNOWN, {"person": {"provisional": True}}),
    "06-struck": merged(KNOWN, {"person": {"struck": True}, "prompt": ""}),
    "07-unknown": merged(IDLE, {"state": "basket", "person": {"state": "unknown"}, "notice": "Card not known",
                                "basket": BASKET}),
    "08-refused-card": merged(IDLE, {"person": {"state": "refused_card"},
                                     "notice": "That is a payment card. Its number was not kept."}),
    "09-conflict": merged(IDLE, {"person": {"state": "conflict"}, "notice": "More than one customer has this number",
                                 "basket": BASKET, "state": "basket"}),
    "10-held": merged(IDLE, {"state": "tender", "question": HELD, "basket": BASKET}),
    "11-replace": merged(KNOWN, {"question": REPLACE}),
    "12-last": merged(IDLE, {"state": "done", "question": LAST, "basket": BASKET, "prompt": ""}),
    "13-restored": merged(KNOWN, {"restored": "17:02", "restored_cause": "power"}),
    "14-as-of": merged(KNOWN, {"fresh": {"level": "as_of", "text": "as of 14:05"}}),
    "15-amber": merged(KNOWN, {"fresh": {"level": "amber", "text": "as of 14:05, 3 d ago"},
                               "hq": {"reachable": False}}),
    "16-no-points": merged(KNOWN, {"fresh": {"level": "no_points", "text": "data 16 days old"},
                                   "hq": {"reachable": False, "since": "14:05"}}),
    "17-hq-away": merged(KNOWN, {"hq": {"reachable": False, "since": "16:40"}}),
    "18-long": merged(KNOWN, {
        "person": {"first_name": "Maximiliane-Alexandra", "tier": "platinum", "points": 1234567, "provisional": True},
        "basket": {"lines": [line(i, f"Article number {i}", "1.00") for i in range(1, 41)], "value": "123456.78"},
        "question": REPLACE, "restored": "17:02", "notice": "One line of this basket was refused"}),
    "19-tender": merged(KNOWN, {"state": "tender"}),
    "20-done": merged(KNOWN, {"state": "done", "prompt": ""}),
    "21-accents": merged(KNOWN, {"person": {"first_name": "Ångström Éygy", "provisional": True}}),
    "23-shared": merged(IDLE, {"state": "basket", "basket": BASKET, "person": {"state": "shared"}, "prompt": "",
                               "notice": "Ask for the customer's own card"}),
    "24-shared-known": merged(KNOWN, {"person": {"shared": True}, "prompt": ""}),
    "25-blocked": merged(IDLE, {"state": "basket", "basket": BASKET, "person": {"state": "blocked"}, "prompt": "",
                                "notice": "Ask for another: a country's example number"}),
    "26-stale": merged(IDLE, {"state": "basket", "basket": BASKET, "person": {"state": "stale"}, "prompt": "",
                              "notice": "Not used for a long time: ask for another card"}),
    "27-staff": merged(IDLE, {"state": "basket", "basket": BASKET, "person": {"state": "staff"}, "prompt": "",
                              "notice": "Ask a colleague to serve you"}),
    "28-confidential": merged(KNOWN, {"person": {"first_name": "Member", "tier": "", "confidential": True, "masked": True},
                                      "prompt": ""}),
    "29-locked": merged(KNOWN, {"person": {"first_name": "Member", "tier": "", "points": None, "masked": True}, "prompt": "",
                                "fresh": {"level": "locked", "text": "data too old: names are locked"},
                                "hq": {"reachable": False, "since": "14:05"}}),
    "30-which": merged(IDLE, {"state": "basket", "basket": BASKET, "person": {"state": "conflict"}, "prompt": "",
                              "notice": "More than one customer has this", "question": WHICH}),
    "31-stale-asks": merged(IDLE, {"state": "basket", "basket": BASKET, "person": {"state": "stale"}, "prompt": "",
                                   "notice": "Not used for a long time", "question": THEIRS}),
    "22-member": merged(KNOWN, {"person": {"first_name": "", "tier": "", "points": 1}}),
}

# A character's real height, drawn by the browser in the element's own font.
CAP_JS = """
const s = getComputedStyle(arguments[0]);
const c = document.createElement('canvas').getContext('2d');
c.font = `${s.fontWeight} ${s.fontSize} ${s.fontFamily}`;
return c.measureText(arguments[1]).actualBoundingBoxAscent;
"""

# Contrast (WCAG 2) of every visible text against the nearest painted background behind it.
CONTRAST_JS = r"""
const rgb = (t) => { const m = t.match(/[\d.]+/g).map(Number); return {r: m[0], g: m[1], b: m[2], a: m[3] ?? 1}; };
const lum = ({r, g, b}) => { const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
const behind = (el) => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor); if (c.a > 0.9) return c; } };
const out = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const el = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !el.checkVisibility() || el.tagName === 'NOSCRIPT') continue;
  const [a, b] = [lum(rgb(getComputedStyle(el).color)), lum(behind(el))].sort((x, y) => y - x);
  out.push([walk.currentNode.data.trim(), (a + 0.05) / (b + 0.05)]);
}
return out;
"""

# Everything that can be seen must lie inside the window and, but for the scrolled list, not be cut off.
OVERFLOW_JS = """
const out = [];
for (const el of document.querySelectorAll('body *')) {
  if (!el.checkVisibility() || el.closest('#lines, #details-body > *') || el.tagName === 'NOSCRIPT') continue;
  const r = el.getBoundingClientRect();
  if (el.closest('.strip, .eyebrow, .facts, button') && el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).overflowX !== 'visible') out.push('cut: ' + el.textContent);
  if (r.width && (r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1)) out.push(el.id || el.className);
}
for (const [a, b] of [['headline', 'notice'], ['notice', 'question'], ['notice', 'prompt'], ['headline', 'question'], ['question', 'wrong'], ['points', 'question'], ['points', 'notice'], ['sale', 'headline']]) {
  const [x, y] = [a, b].map((i) => document.getElementById(i)), p = x.getBoundingClientRect(), q = y.getBoundingClientRect();
  if (p.height && q.height && p.bottom > q.top + 1) out.push(`${a} over ${b}`);
}
return out;
"""


def size(browser, width=1280, height=800):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


def wait_for(check, seconds=5.0):
    end = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
    return result


def el(browser, ident):
    return browser.find_element("id", ident)


def visible_text(browser, ident):
    element = el(browser, ident)
    return element.text if element.is_displayed() else ""


def headline(browser):
    return visible_text(browser, "headline")


def noise(browser, box):
    """What the page complained of; its picture may be fetched late, so what names another test's box is not this one's."""
    def is_ours(message):
        return "/api/" not in message and ("http://127.0.0.1:" not in message or box.url.removesuffix("/lane/3") in message)
    return [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE" and is_ours(e["message"])]


@pytest.fixture
def screen(browser, box):
    """The page with the idle view on it."""
    size(browser)
    box.show(IDLE)
    browser.get(box.url)
    wait_for(lambda: headline(browser) == "Ready")
    yield browser
    assert noise(browser, box) == []
    browser.get("about:blank")  # nothing of a page is fetched from a box that is gone


def shown(browser, box, view):
    """Show a view and wait until the page has drawn it."""
    rev = next(REVS)
    box.show(merged(view, {"rev": rev}))
    wait_for(lambda: browser.execute_script("return document.getElementById('screen').dataset.rev") == str(rev))
    time.sleep(0.25)  # the panel's colour fades


def cap(browser, element, letter):
    return browser.execute_script(CAP_JS, element, letter)


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_legible_and_whole_on_a_tablet(screen, box, shots, name):
    shown(screen, box, STATES[name])
    screen.save_screenshot(str(shots / f"{name}.png"))
    span = screen.find_element("css selector", "#headline > span")
    assert cap(screen, span, "H") >= NAME_CAP_PX
    assert screen.execute_script(OVERFLOW_JS) == []
    weak = [(t, round(c, 2)) for t, c in screen.execute_script(CONTRAST_JS) if c < CONTRAST]
    assert weak == []
    for key in screen.find_elements("css selector", "button"):
        if key.is_displayed():
            assert key.size["height"] >= TOUCH_PX
    for key in screen.find_elements("css selector", ".keys button"):
        if key.is_displayed():
            assert key.size["height"] >= CHOICE_KEY_PX


@pytest.mark.parametrize("name", ["04-known", "10-held", "11-replace", "18-long"])
def test_a_seven_inch_panel_shows_all_of_it_too(screen, box, shots, name):
    size(screen, 800, 480)
    shown(screen, box, STATES[name])
    screen.save_screenshot(str(shots / f"small-{name}.png"))
    assert screen.execute_script(OVERFLOW_JS) == []
    for key in screen.find_elements("css selector", "button"):
        if key.is_displayed():
            assert key.size["height"] >= TOUCH_PX


def test_points_are_big_and_said_to_be_about_when_they_are_old(screen, box):
    shown(screen, box, KNOWN)
    assert cap(screen, el(screen, "figure"), "0") >= POINTS_CAP_PX
    assert visible_text(screen, "figure") == "1200"
    assert visible_text(screen, "about") == ""
    for level in ("amber", "no_prompts"):
        shown(screen, box, merged(KNOWN, {"fresh": {"level": level, "text": "as of Monday"}}))
        wait_for(lambda: visible_text(screen, "about") == "about")
    for level in ("no_points", "locked"):
        shown(screen, box, merged(KNOWN, {"fresh": {"level": level, "text": "as of May"}}))
        wait_for(lambda: visible_text(screen, "points") == "")


def test_the_strip_says_how_fresh_the_data_is_and_whether_hq_answers(screen, box):
    shown(screen, box, KNOWN)
    assert visible_text(screen, "fresh") == ""
    assert visible_text(screen, "hq") == "HQ connected"
    shown(screen, box, STATES["14-as-of"])
    wait_for(lambda: visible_text(screen, "fresh") == "Data as of 14:05")
    shown(screen, box, STATES["16-no-points"])
    wait_for(lambda: visible_text(screen, "fresh") == "Data 16 days old")
    shown(screen, box, STATES["17-hq-away"])
    wait_for(lambda: visible_text(screen, "hq") == "HQ away since 16:40 · all is kept here")
    assert visible_text(screen, "alarm") == ""
    shown(screen, box, merged(KNOWN, {"alarm": "The box's disk is slow and may be failing"}))
    wait_for(lambda: visible_text(screen, "alarm") == "The box's disk is slow and may be failing")


def test_nothing_moves_when_a_name_appears(screen, box):
    where = "return ['headline', 'lines', 'total', 'hq', 'lane'].map((i) => { const r = document.getElementById(i).getBoundingClientRect(); return [r.left, r.top, r.bottom]; })"
    shown(screen, box, merged(STATES["03-basket-nobody"], {"prompt": ""}))
    before = screen.execute_script(where)
    shown(screen, box, KNOWN)
    wait_for(lambda: headline(screen) == "Anna")
    assert [p[1:] for p in screen.execute_script(where)] == [p[1:] for p in before]


def test_a_provisional_person_is_marked_and_a_refused_one_struck_out(screen, box):
    shown(screen, box, STATES["05-provisional"])
    wait_for(lambda: visible_text(screen, "saving") == "saving…")
    style = "return getComputedStyle(document.querySelector('#headline > span')).textDecorationLine"
    assert screen.execute_script(style) == "underline"
    shown(screen, box, KNOWN)
    wait_for(lambda: visible_text(screen, "saving") == "")
    assert screen.execute_script(style) == "none"
    shown(screen, box, STATES["06-struck"])
    wait_for(lambda: screen.execute_script(style) == "line-through")
    assert visible_text(screen, "notice") == "Not saved. Please scan again."
    assert visible_text(screen, "points") == visible_text(screen, "wrong") == ""


def test_a_start_says_that_cards_are_kept_and_claims_nothing_of_sales(screen, box):
    shown(screen, box, STATES["01-starting"])
    assert headline(screen) == "Starting"
    assert visible_text(screen, "prompt") == "Cards are kept, names in a moment"
    assert visible_text(screen, "notice") == visible_text(screen, "empty") == visible_text(screen, "sale") == ""
    shown(screen, box, STATES["01-starting-card"])
    assert visible_text(screen, "notice") == "Card kept"
    shown(screen, box, IDLE)
    assert visible_text(screen, "empty") == "No sale open"


def test_a_sale_that_goes_on_says_what_was_in_between(screen, box):
    for cause, words in (("power", "after power cut"), ("crash", "after a restart"), ("restart", "after a restart"),
                         ("upgrade", "after an upgrade"), (None, "after a restart")):
        shown(screen, box, merged(KNOWN, {"restored": "17:02", "restored_cause": cause}))
        assert visible_text(screen, "restored") == f"Continued {words} at 17:02"


@pytest.mark.parametrize("name, headline, words", [
    ("23-shared", "Used by several", "Ask for the customer's own card"),
    ("25-blocked", "Not accepted", "Ask for another: a country's example number"),
    ("26-stale", "Still theirs?", "Not used for a long time: ask for another card"),
    ("27-staff", "Your own card", "Ask a colleague to serve you"),
])
def test_what_was_scanned_and_is_nobodys_says_what_to_do(screen, box, name, headline, words):
    shown(screen, box, STATES[name])
    assert visible_text(screen, "headline") == headline
    assert visible_text(screen, "notice") == words
    assert not el(screen, "wrong").is_displayed()


@pytest.mark.parametrize("name, headline, words", [
    ("24-shared-known", "Anna", "Several people use this: points only"),
    ("28-confidential", "Member", "The name is protected"),
    ("29-locked", "Member", "Names are locked: the data is too old"),
    ("04-known", "Anna", ""),
])
def test_what_is_special_about_a_customer_is_said_beside_the_name(screen, box, name, headline, words):
    shown(screen, box, STATES[name])
    assert visible_text(screen, "headline") == headline
    assert visible_text(screen, "notice") == words


def test_an_unknown_card_says_so_once(screen, box):
    shown(screen, box, STATES["07-unknown"])
    wait_for(lambda: headline(screen) == "Card not known")
    assert visible_text(screen, "notice") == ""
    assert visible_text(screen, "wrong") == ""


def test_a_choice_is_sent_with_its_question(screen, box):
    shown(screen, box, STATES["10-held"])
    time.sleep(0.35)
    el(screen, "choice-1").click()
    assert box.posts.get(timeout=2) == ("/api/v1/lanes/3/choose", "application/json", {"question": "q1", "choice": "next"})
    shown(screen, box, STATES["11-replace"])
    time.sleep(0.35)
    el(screen, "choice-0").click()
    assert box.posts.get(timeout=2)[2] == {"question": "q2", "choice": "replace"}


def test_one_of_several_people_is_chosen_by_name(screen, box):
    shown(screen, box, STATES["30-which"])
    assert visible_text(screen, "headline") == "Several match"
    time.sleep(0.35)  # a key that has just appeared is not pressed yet
    el(screen, "choice-2").click()
    assert box.posts.get(timeout=5)[2] == {"question": "q4", "choice": "3"}
    shown(screen, box, merged(STATES["31-stale-asks"], {"question": {"id": "q6"}}))
    assert not el(screen, "choice-2").is_displayed()
    time.sleep(0.35)
    el(screen, "choice-1").click()
    assert box.posts.get(timeout=5)[2] == {"question": "q6", "choice": "none"}


def test_a_finger_that_was_already_there_chooses_nothing(screen, box):
    shown(screen, box, merged(STATES["10-held"], {"question": {"id": "first"}}))
    box.show(STATES["10-held"])
    wait_for(lambda: screen.execute_script("""
        if (document.getElementById('question').dataset.id === arguments[0]) {
            document.getElementById('choice-0').click(); return true; } return false;""", "q1"))
    time.sleep(0.5)
    assert box.posts.empty()


def test_choices_can_be_made_with_the_keyboard_alone(screen, box):
    from selenium.webdriver.common.keys import Keys

    shown(screen, box, STATES["11-replace"])
    time.sleep(0.35)
    seen = []
    for _ in range(6):
        screen.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(screen.switch_to.active_element.get_attribute("id"))
    assert ["choice-0", "choice-1", "wrong"] == [s for s in seen if s in ("choice-0", "choice-1", "wrong")][:3]
    el(screen, "choice-1").send_keys(Keys.ENTER)
    assert box.posts.get(timeout=2)[2] == {"question": "q2", "choice": "keep"}


def test_wrong_customer_is_there_only_while_somebody_is_shown(screen, box):
    assert visible_text(screen, "wrong") == ""
    shown(screen, box, KNOWN)
    wait_for(lambda: visible_text(screen, "wrong") == "Wrong customer")
    el(screen, "wrong").click()
    assert box.posts.get(timeout=2) == ("/api/v1/lanes/3/wrong-customer", "application/json", {})
    shown(screen, box, IDLE)
    wait_for(lambda: visible_text(screen, "wrong") == "")


def test_a_refused_key_press_is_explained(screen, box):
    box.refuse = "nobody is attached any more"
    shown(screen, box, KNOWN)
    el(screen, "wrong").click()
    wait_for(lambda: visible_text(screen, "notice") == "nobody is attached any more")
    screen.get_log("browser")  # the browser notes the 409 by itself


def test_the_newest_line_is_in_sight_and_the_total_is_big(screen, box):
    shown(screen, box, STATES["18-long"])
    at_end = "const l = document.getElementById('lines'); return l.scrollHeight > l.clientHeight && l.scrollTop + l.clientHeight >= l.scrollHeight - 2"
    wait_for(lambda: screen.execute_script(at_end))
    assert cap(screen, el(screen, "total"), "0") >= POINTS_CAP_PX
    assert "123456.78" in visible_text(screen, "total")


def test_markup_in_names_is_shown_and_never_run(screen, box):
    evil = "<img src=x onerror=alert(1)>"
    shown(screen, box, merged(KNOWN, {"person": {"first_name": evil}, "basket": {"lines": [line(1, evil, "1.00")]},
                                      "notice": evil, "prompt": evil}))
    wait_for(lambda: headline(screen) == evil)
    assert screen.execute_script("return document.images.length") == 0


def test_a_broken_line_is_mended_and_the_view_comes_back(screen, box):
    shown(screen, box, KNOWN)
    box.hang_up()
    wait_for(lambda: visible_text(screen, "hq") == "Looking for the box…")
    assert headline(screen) == "Anna"
    box.show(merged(KNOWN, {"person": {"first_name": "Bert"}}))
    wait_for(lambda: headline(screen) == "Bert")
    wait_for(lambda: visible_text(screen, "hq") == "HQ connected")


def test_nobody_stays_on_a_screen_that_has_lost_its_box_for_half_a_minute(screen, box, shots):
    shown(screen, box, KNOWN)
    box.silent = True
    box.hang_up()
    time.sleep(26)
    assert headline(screen) == "Anna"
    wait_for(lambda: headline(screen) == "No connection to the box", seconds=8)
    assert visible_text(screen, "points") == visible_text(screen, "tier") == visible_text(screen, "wrong") == ""
    assert "Anna" not in screen.page_source
    time.sleep(0.25)
    screen.save_screenshot(str(shots / "23-no-connection.png"))
    box.silent = False
    wait_for(lambda: headline(screen) == "Anna")
    screen.get_log("browser")


@pytest.mark.alone
def test_the_first_paint_comes_within_a_tenth_of_a_second(screen, box):
    paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    times = []
    for _ in range(5):
        screen.get(box.url)
        times.append(wait_for(lambda: screen.execute_script(paint)))
    assert min(times) < 100, times  # what else the machine does makes some of them longer


def test_the_page_names_its_language_and_announces_who_it_is(screen):
    assert screen.execute_script("return document.documentElement.lang") == "en"
    assert screen.execute_script("return document.getElementById('headline').closest('[aria-live]').ariaLive") == "polite"
    assert screen.title == "Lane 3"
