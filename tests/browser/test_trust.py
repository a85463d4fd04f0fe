"""The Trust page in a real browser: verification with cancel, missed nodes, the study; dark and narrow."""

import re
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.browser

PART = "trust_part"
MISSED, STUDY = "What AtP misses", "A study of the methods"


@pytest.mark.parametrize(("theme", "size"), [("light", (1440, 900)), ("dark", (1024, 768))])
def test_examples_and_study_draw_without_computing(site, visit, theme, size):
    page = visit(site.page("trust", **{PART: quote(STUDY)}), theme=theme, size=size)
    page.wait_for_selector("[class*=st-key-study_curves] .main-svg")
    page.get_by_text("How often the bound holds").wait_for()
    page = visit(site.page("trust", run="saturated"), theme=theme, size=size)
    page.wait_for_selector("[class*=st-key-row_saturated] .main-svg")
    page.wait_for_selector("[class*=st-key-parts_saturated] .main-svg")
    assert page.get_by_text("Constructed model with a saturated head").count()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.model
def test_verification_fills_in_and_survives_a_cancel(site, visit):
    page = visit(site.page("trust"))
    button = page.get_by_role("button", name="Verify and bound")
    button.wait_for()
    button.click()
    page.get_by_text(re.compile(r"\d+ of \d+ steps")).first.wait_for()
    page.get_by_text(re.compile(r"^[1-9]\d* of 3.528 nodes are verified")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("What was verified is kept").wait_for()
    kept = list((site.results / "verified").glob("*/state.safetensors"))
    assert len(kept) == 1


@pytest.mark.model
def test_missed_nodes_of_a_pair_of_ones_own(site, visit):
    page = visit(site.page("trust", **{PART: quote(MISSED)}))
    button = page.get_by_role("button", name="Look for missed nodes")
    button.wait_for()
    page.get_by_text("Go on when I close this page").wait_for()
    button.click()
    page.wait_for_url(re.compile("run=[0-9a-f]{16}"))
    page.get_by_text(re.compile("nodes that AtP . QK fix raises most")).first.wait_for()
    page.wait_for_selector("[class*=st-key-parts_] .main-svg")
    other = visit(page.url)
    other.wait_for_selector("[class*=st-key-parts_] .main-svg")
