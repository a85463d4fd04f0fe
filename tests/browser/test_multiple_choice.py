"""The Multiple choice page in a real browser: every part of a kept study is drawn, and nothing is asked of outside."""

import pytest

pytestmark = pytest.mark.browser
PARTS = ("Heads", "Subspaces", "Mutations", "Labels", "Training", "Output nodes")


def drawn(page, caption):
    page.get_by_text(caption).first.wait_for()
    page.wait_for_selector(".js-plotly-plot .main-svg")


@pytest.mark.parametrize(("theme", "size"), [("light", (1440, 900)), ("dark", (1024, 768))])
def test_every_part_is_drawn(site, visit, theme, size):
    page = visit(site.page("multiple_choice", run="label-binding-words"), theme=theme, size=size)
    drawn(page, "Net direct effect: a node")
    captions = (
        "Where heads look",
        "kept only in a subspace",
        "under every mutation",
        "highest of the four",
        "by training",
    )
    for part, caption in zip(PARTS, captions):
        page.get_by_role("radio", name=part, exact=True).or_(page.get_by_role("button", name=part, exact=True)).click()
        drawn(page, caption)
    wide = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    assert wide
    assert page.locator("[data-testid=stException]").count() == 0


def test_a_link_opens_the_refusal_first(site, visit):
    page = visit(site.page("multiple_choice", run="smollm2-135m-general"))
    drawn(page, "highest of the four")
    assert page.get_by_text("does not bind labels").is_visible()
    assert page.get_by_text("Part of the study").count() == 0
