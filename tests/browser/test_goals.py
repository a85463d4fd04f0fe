"""The Goals page in a real browser: it trains in sight, answers meanwhile, steps through an episode, gives a clip."""

import re

import pytest

from tests.browser.conftest import settled

pytestmark = pytest.mark.browser

LIVE = ".st-key-g_live .main-svg"


def test_it_trains_in_sight_and_answers_meanwhile(site, visit):
    visit(site.page())  # the very first page of a new server is started in another way
    page = visit(site.page("goals"))
    page.locator(".st-key-g_verdict").wait_for()
    page.get_by_role("radio", name="Watch and change").click()
    page.get_by_text("Step 0 of 40").wait_for()
    page.get_by_role("radio", name="Train your own").click()
    page.get_by_text("Choose the trainings").click()
    for label, value in (("Seeds", "1"), ("Steps of the world, each agent", "100000")):
        box = page.get_by_label(label, exact=True)
        box.fill(value)
        box.press("Enter")
        settled(page)
    page.get_by_text("1 agent, about").wait_for()
    page.locator(".st-key-g_train button").click()
    page.locator(LIVE).first.wait_for()
    training = page.url
    assert re.search(r"run=[0-9a-f]{16}", training)

    page.get_by_role("radio", name="Corner", exact=True).click()
    page.locator(".st-key-g_verdict").wait_for()
    page.get_by_role("radio", name="Watch and change").click()
    page.get_by_text("Step 0 of 40").wait_for()

    page.goto(training)
    page.locator(".st-key-g_verdict").wait_for()
    page.get_by_role("radio", name="What was learned").click()
    page.locator(".st-key-g_returns .main-svg").first.wait_for()
    assert page.get_by_text("N = 1 seed a training").count()


def test_an_episode_is_stepped_through_and_taken_away(site, visit):
    page = visit(site.page("goals"))
    page.get_by_role("radio", name="Watch and change").click()
    page.get_by_text("Step 0 of 40").wait_for()
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_text("Step 1 of 40").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="MP4").click()
    with open(download.value.path(), "rb") as file:
        assert file.read(12)[4:8] == b"ftyp"
    page.get_by_role("button", name="Make the change").click()
    page.get_by_text("on the changed board it goes").wait_for()
