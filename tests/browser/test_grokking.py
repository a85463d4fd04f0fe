"""The Grokking page in a real browser: curves grow while it trains, the page answers, a reload finds them again."""

import re

import pytest

from tests.browser.conftest import settled

pytestmark = pytest.mark.browser

PLOT = ".js-plotly-plot .main-svg"


def test_it_trains_in_sight_and_answers_meanwhile(site, visit):
    visit(site.page())  # the very first page of a new server is started in another way
    page = visit(site.page("grokking"))
    page.locator(PLOT).first.wait_for()
    page.get_by_text("Change task, network and training").click()
    steps = page.get_by_label("Steps", exact=True)
    steps.fill("700")
    steps.press("Enter")
    settled(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".st-key-grok_live .main-svg").first.wait_for()
    before = page.evaluate(LAST_STEP)

    page.get_by_text("Every run in numbers").wait_for(state="detached")  # nothing is finished yet
    page.get_by_role("radio", name="Simulation").click()
    page.get_by_text("three ingredients suffice").wait_for()
    page.get_by_role("radio", name="Grokking", exact=True).click()
    page.locator(".st-key-grok_live .main-svg").first.wait_for()

    page.reload()
    page.locator(".st-key-grok_live .main-svg, .st-key-verdict").first.wait_for()
    page.locator(".st-key-verdict").wait_for()
    page.locator(".st-key-grok_curves .main-svg").first.wait_for()
    assert page.evaluate(LAST_STEP.replace("grok_live", "grok_curves")) == 700 > before
    assert re.search(r"run=[0-9a-f]{16}", page.url)


LAST_STEP = "() => Math.max(...document.querySelector('.st-key-grok_live .js-plotly-plot')._fullData[0].x)"


def test_a_slider_through_training_redraws_the_circles(site, visit):
    page = visit(site.page("grokking"))
    page.locator(".st-key-grok_circles .main-svg").first.wait_for()
    radius = "() => Math.max(...document.querySelector('.st-key-grok_circles .js-plotly-plot')._fullData[0].x)"
    grown = page.evaluate(radius)
    thumb = page.get_by_role("slider").first
    thumb.press("Home")
    page.get_by_text("Step 0:").wait_for()
    page.wait_for_function(f"({radius})() < {grown}")
