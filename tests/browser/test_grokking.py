"""The Grokking page in a real browser: curves grow while it trains, the page answers, a reload finds them again."""

import re
import time

import pytest

from tests.browser.conftest import within

pytestmark = pytest.mark.browser

PATIENCE = 240_000  # milliseconds
PLOT = ".js-plotly-plot .main-svg"


def test_it_trains_in_sight_and_answers_meanwhile(site, visit):
    visit(site.page())  # the very first page of a new server is started in another way
    page = visit(site.page("grokking"))
    page.locator(PLOT).first.wait_for(timeout=PATIENCE)
    page.get_by_text("Change task, network and training").click()
    steps = page.get_by_label("Steps", exact=True)
    steps.fill("1500")
    steps.press("Enter")
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".st-key-grok_live .main-svg").first.wait_for(timeout=PATIENCE)
    before = page.evaluate(LAST_STEP)

    page.get_by_text("Every run in numbers").wait_for(state="detached", timeout=PATIENCE)  # nothing is finished yet
    began = time.monotonic()
    page.get_by_role("radio", name="Simulation").click()
    page.get_by_text("three ingredients suffice").wait_for(timeout=PATIENCE)
    assert time.monotonic() - began < within(1.5)
    page.get_by_role("radio", name="Grokking", exact=True).click()
    page.locator(".st-key-grok_live .main-svg").first.wait_for(timeout=PATIENCE)

    page.reload()
    page.locator(".st-key-grok_live .main-svg, .st-key-verdict").first.wait_for(timeout=PATIENCE)
    page.locator(".st-key-verdict").wait_for(timeout=PATIENCE)
    page.locator(".st-key-grok_curves .main-svg").first.wait_for(timeout=PATIENCE)
    assert page.evaluate(LAST_STEP.replace("grok_live", "grok_curves")) == 1500 > before
    assert re.search(r"run=[0-9a-f]{16}", page.url)


LAST_STEP = "() => Math.max(...document.querySelector('.st-key-grok_live .js-plotly-plot')._fullData[0].x)"


def test_a_slider_through_training_redraws_the_circles(site, visit):
    page = visit(site.page("grokking"))
    page.locator(".st-key-grok_circles .main-svg").first.wait_for(timeout=PATIENCE)
    radius = "() => Math.max(...document.querySelector('.st-key-grok_circles .js-plotly-plot')._fullData[0].x)"
    grown = page.evaluate(radius)
    thumb = page.get_by_role("slider").first
    thumb.press("Home")
    page.get_by_text("Step 0:").wait_for(timeout=PATIENCE)
    page.wait_for_function(f"({radius})() < {grown}", timeout=PATIENCE)
