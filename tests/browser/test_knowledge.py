"""The Knowledge page in a real browser: the kept study, its controls, and nothing asked of the outside."""

import pytest

pytestmark = [pytest.mark.browser]

DRAWN = ".js-plotly-plot .main-svg"


@pytest.mark.parametrize(("theme", "size"), [("light", (1440, 900)), ("dark", (1024, 768))])
def test_the_kept_study_is_drawn_and_its_controls_answer(site, visit, theme, size):
    page = visit(site.page("knowledge"), theme=theme, size=size)
    page.wait_for_selector(DRAWN)
    page.get_by_role("radio", name="Explicit opinion").or_(page.get_by_role("button", name="Explicit opinion")).click()
    page.get_by_text("Explicit opinion: CCS").first.wait_for()
    assert "against=" in page.url
    assert page.get_by_text("Reference lines").count() > 0
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]  # nothing sticks out to the side
