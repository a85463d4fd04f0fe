"""Runs on the default model in a real browser: progress, cancel, reload, two sessions."""

import re

import pytest

from core.prompts.bundled import load_bundled
from core.prompts.pairs import PairSet
from core.prompts.parse import pairs_to_csv
from tests.browser.conftest import settled

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.fixture(scope="module")
def one(site) -> str:
    """A set of one pair, by its digest."""
    pairs = PairSet("one", load_bundled("ioi_abba").pairs[:1])
    folder = site.results / "pairs"
    folder.mkdir(exist_ok=True)
    (folder / f"{pairs.digest}.csv").write_text(pairs_to_csv(pairs), encoding="utf-8")
    return pairs.digest


def run_button(page):
    return page.get_by_role("button", name=re.compile("^Run "))


def only(page, *methods: str) -> None:
    """Tick these methods and no others."""
    for name in ("Screen and verify", "Exact", "AtP", "AtP + QK fix", "AtP + GradDrop", "AtP*"):
        box = page.get_by_role("checkbox", name=name, exact=True)
        if box.is_checked() != (name in methods):
            page.locator("label").filter(has=box).click()
            settled(page)


def test_cancel_stops_an_exact_run(site, visit):
    page = visit(site.page("attribution"))  # forty pairs: minutes of work
    run_button(page).wait_for()
    only(page, "Exact")
    run_button(page).click()
    page.get_by_text(re.compile(r"\d+ of \d+ steps")).first.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(re.compile("was cancelled")).first.wait_for()
    if page.get_by_text("What it has is kept").count():  # a pair was finished already
        page.get_by_role("button", name="Go on with it").wait_for()
        return
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("Nothing has been run yet").wait_for()


def test_a_run_outlives_a_reload_and_is_there_for_another_session(site, visit, one):
    page = visit(site.page("attribution", pairs=one))
    run_button(page).wait_for()
    only(page, "Exact", "AtP")
    run_button(page).click()
    page.wait_for_url(re.compile("result="))
    page.reload()
    page.get_by_text(re.compile("^Patching layer ")).first.wait_for()
    page.wait_for_selector(".st-key-panels .main-svg")
    page.wait_for_function("!document.body.innerText.includes('not finished')")
    settled(page)
    said = page.get_by_text(re.compile("^Patching layer ")).inner_text()

    other = visit(page.url)
    other.get_by_text(re.compile("^Patching layer ")).wait_for()
    assert other.get_by_text(re.compile("^Patching layer ")).inner_text() == said
    other.wait_for_selector(".st-key-inspect_attention .main-svg")
    other.get_by_text("What it writes, in tokens").wait_for()


def test_the_attention_grid_draws_without_the_network(site, visit, one):
    page = visit(site.page("attention", pairs=one))
    page.wait_for_selector(".st-key-large .main-svg")
    grid = page.frame_locator("iframe").locator("canvas")
    grid.nth(9).wait_for()  # nine heads and the one enlarged
    assert grid.count() >= 10
