"""The Circuit and Readouts pages in a real browser: kept examples, a click on a node, a change of the slider."""

import pytest

from tests.browser.conftest import settled

pytestmark = pytest.mark.browser

NODE = """key => {
    const plot = document.querySelector('.st-key-circuit_chart .js-plotly-plot');
    const trace = plot.data.find(t => t.customdata && t.customdata.some(d => d[0] === key));
    const i = trace.customdata.findIndex(d => d[0] === key);
    const layout = plot._fullLayout, box = plot.querySelector('.nsewdrag').getBoundingClientRect();
    return [box.x + layout.xaxis.l2p(trace.x[i]), box.y + layout.yaxis.l2p(trace.y[i])];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_kept_circuit_is_there_at_once_and_a_click_chooses_a_node(site, visit, tmp_path, theme):
    page = visit(site.page("circuit"), theme=theme, size=(1024, 2200))
    page.wait_for_selector(".st-key-circuit_chart .main-svg")
    assert page.locator("[data-testid=stException]").count() == 0
    settled(page)
    page.mouse.click(*page.evaluate(NODE, "L24 H4@12"))
    page.wait_for_selector("input[value='L24 H4@12'], :text('L24 H4@12')")
    assert page.screenshot(path=tmp_path / f"circuit-{theme}.png")


def test_three_hundred_edges_are_redrawn(site, visit):
    page = visit(site.page("circuit", edges_position=200), size=(1440, 2200))
    page.wait_for_selector(".st-key-circuit_chart .main-svg")
    settled(page)
    before = page.get_by_text("Showing", exact=False).first.inner_text()
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => !document.body.innerText.includes(before)", arg=before)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_the_kept_readouts_are_there_at_once(site, visit):
    page = visit(site.page("readouts"), size=(1024, 1400))
    page.wait_for_selector(".st-key-direct .main-svg")
    assert page.locator("[data-testid=stException]").count() == 0
