"""The lane screen in a real Chromium, on a real store: every state as a cashier meets it.

With LANEWAY_SHOTS=FOLDER a picture of each state is left there.
"""

import os
import tempfile
from pathlib import Path

import pytest
from rig import until
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from store import Scanner, Till, customers, hq_lines, up

FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
 --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --force-device-scale-factor=1
 --window-size=1280,800""".split()


class Screen:
    """One lane's page: what stands on it, and taps."""

    def __init__(self, rig, profile):
        options = webdriver.ChromeOptions()
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.get(f"http://127.0.0.1:{rig.http_port}/lane/1")
        self.shots = os.environ.get("LANEWAY_SHOTS")

    def text(self, name):
        return self.driver.execute_script(
            "const e = document.getElementById(arguments[0]); return e.hidden ? '' : e.textContent", name)

    def state(self, key):
        return self.driver.execute_script("return document.getElementById('screen').dataset[arguments[0]]", key)

    def shows(self, name, wanted, shot=None):
        until(lambda: wanted in self.text(name), 8, f"{name} to show {wanted!r}, not {self.text(name)!r}")
        if shot and self.shots:
            Path(self.shots).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(f"{self.shots}/{shot}.png")

    def answer(self, key):
        """Tap until the question is gone: a tap that comes with the question itself is not taken."""
        def gone():
            return self.driver.execute_script(
                "const q = document.getElementById('question'); if (q.hidden) return true;"
                "document.getElementById(arguments[0]).click(); return false", key)
        until(gone, 8, "the question to go")

    def tap(self, label):
        next(b for b in self.driver.find_elements(By.TAG_NAME, "button") if b.is_displayed() and b.text == label).click()


@pytest.fixture
def screen(rig):
    with tempfile.TemporaryDirectory() as profile:
        s = Screen(rig, profile)
        yield s
        s.driver.quit()


def test_a_cashiers_day_on_the_screen(rig, screen):
    """Goal: every state of the lane, reached by scanning, typing and tapping."""
    anna, berta, carla = customers(rig)[10], customers(rig)[11], customers(rig)[12]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    screen.shows("headline", "Ready", "live-01-idle")
    till = Till(rig)
    scanner.scan(anna["loyalty"])
    screen.shows("headline", anna["first_name"][0] + "…", "live-02-waiting-masked")
    till.kept("basket_opened", basket="B1")
    till.kept("line_added", **till.line("B1"))
    screen.shows("headline", anna["first_name"], "live-03-known")
    assert screen.text("figure").replace(" ", "").replace(" ", "") == anna["points"]
    scanner.scan(berta["loyalty"])
    screen.shows("question-text", f"Replace {anna['first_name']}", "live-04-replace")
    screen.driver.find_element(By.ID, "choice-1").click()
    till.kept("tender_started", basket="B1", value="1.49")
    scanner.scan(carla["loyalty"])
    screen.shows("question-text", carla["first_name"], "live-05-held")
    screen.answer("choice-1")
    till.kept("order_completed", **till.order("B1", "0001"))
    screen.shows("headline", anna["first_name"], "live-06-done")
    until(lambda: anna["first_name"] not in screen.text("headline"), 8, "the panel to blank after the sale")


def test_cards_that_are_nobodys_and_the_big_key(rig, screen):
    """Goal: an unknown card and a payment card say so; "Wrong customer" empties the panel."""
    anna = customers(rig)[13]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    screen.shows("headline", "No card yet", "live-07-nobody")
    scanner.scan("2699900000012")
    until(lambda: screen.state("person") == "unknown", 8, "the card to be called unknown")
    screen.shows("headline", "not known", "live-08-unknown")
    scanner.scan("4000000000000002")
    until(lambda: screen.state("person") == "refused_card", 8, "the payment card to be refused")
    assert "4000" not in screen.driver.page_source
    screen.shows("headline", "", "live-09-payment-card")
    scanner.scan(anna["loyalty"])
    screen.shows("headline", anna["first_name"])
    screen.tap("Wrong customer")
    screen.shows("headline", "No card yet", "live-10-detached")
    till.kept("line_added", **till.line("B1"))
    till.kept("order_completed", **till.order("B1", "0001"))
    scanner.scan(customers(rig)[15]["loyalty"])
    screen.shows("question-text", "last customer", "live-11-last")
    screen.answer("choice-0")


def test_the_screen_through_a_kill_and_without_hq(rig, screen):
    """Goal: after a kill the basket continues and says so; without HQ the strip says so; nothing is re-opened by hand."""
    anna = customers(rig)[14]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    scanner.scan(anna["loyalty"])
    till.kept("line_added", **till.line("B1"))
    screen.shows("headline", anna["first_name"])
    till.close()
    rig.kill("daemon")
    rig.start_daemon()
    until(lambda: screen.text("restored"), 15, "the screen to come back by itself")
    screen.shows("headline", anna["first_name"], "live-12-continued")
    rig.kill("broker")
    screen.shows("hq", "away", "live-13-hq-away")


def test_a_cashier_corrects_a_customer_who_showed_the_card(rig, screen):
    """Goal: name, number and "No more" by the form; the panel and HQ have the new number, and not the old one."""
    anna = customers(rig)[16]
    scanner = Scanner(rig)
    until(lambda: up(rig), 15, "the scanner")
    till = Till(rig)
    till.kept("basket_opened", basket="B1")
    scanner.scan(anna["loyalty"])
    screen.shows("headline", anna["first_name"])
    screen.tap("Details")
    screen.shows("details-body", anna["phone"])
    screen.tap("Correct")
    screen.shows("correct-title", f"Correct {anna['first_name']}")
    screen.driver.switch_to.active_element.send_keys("Hanna")
    screen.driver.find_element(By.ID, "correct-contact").send_keys("0172 8394057")
    screen.tap("Replaces the number we have")
    screen.tap("No more")  # the first of two: no offers
    screen.tap("Save")
    screen.shows("details-body", "+491728394057", "live-20-corrected")
    assert anna["phone"] not in screen.text("details-body")
    screen.shows("headline", "Hanna")
    until(rig.drained, 30, "the events at HQ")
    said = [(e["properties"]["purpose"], e["properties"]["value"]) for e in hq_lines(rig, "Consent Changed")]
    assert said == [("marketing", "withdrawn")]
    assert [e["properties"]["fields"] for e in hq_lines(rig, "Customer Corrected")] == [["first_name"]]
