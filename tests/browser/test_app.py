"""The app in a real browser: what comes first, what a click does, what leaves it, and what must not."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import pytest

from core.figures.numbers import number
from core.patching.results.summary import layer_by_head
from tests.browser.conftest import settled
from tests.make_results import make_result

pytestmark = pytest.mark.browser

CELL = """([key, panel, x, y]) => {
    const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`);
    const [xaxis, yaxis] = ['xaxis', 'yaxis'].map(name => plot._fullLayout[name + (panel ? panel + 1 : '')]);
    const box = plot.querySelectorAll('.nsewdrag')[panel].getBoundingClientRect();
    return [box.x + xaxis.l2p(x), box.y + yaxis.l2p(y)];
}"""


def click_cell(page, key: str, *, column: int, layer: int, panel: int = 0) -> None:
    page.locator(f".st-key-{key}").scroll_into_view_if_needed()
    page.mouse.click(*page.evaluate(CELL, [key, panel, column, layer]))


def sentence(page):
    return page.get_by_text(re.compile("^Patching "))


ORDER = """
window.seen = [];
const marks = {heading: 'h1', words: '[data-testid=stPageLink]', figure: '.js-plotly-plot .main-svg'};
new MutationObserver(() => {
    for (const [name, mark] of Object.entries(marks))
        if (!window.seen.includes(name) && document.querySelector(mark)) window.seen.push(name);
}).observe(document, {childList: true, subtree: true});
"""


def test_the_heading_comes_first_then_words_then_the_figure(site, visit):
    page = visit(site.page(), script=ORDER)
    page.wait_for_function("window.seen.length === 3")
    assert page.evaluate("window.seen") == ["heading", "words", "figure"]


@pytest.mark.parametrize("path", ["", "pairs", "attribution", "attention"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_opens_in_both_themes(site, visit, tmp_path, path, theme):
    page = visit(site.page(path), theme=theme, size=(1024, 768))
    settled(page)
    assert page.locator("[data-testid=stException]").count() == 0
    background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert lightness > 200 if theme == "light" else lightness < 60
    assert page.screenshot(path=tmp_path / f"{path or 'home'}-{theme}.png")


def test_a_click_on_a_cell_shows_that_node(site, visit):
    page = visit(site.page("attribution", result=f"{site.exact},{site.estimate}"))
    page.wait_for_selector(".st-key-panels .main-svg")
    sentence(page).wait_for()
    for panel, layer, head in [(0, 1, 2), (1, 2, 3), (0, 0, 0)]:
        settled(page)  # the figure is drawn again with the new outline
        click_cell(page, "panels", column=head, layer=layer, panel=panel)
        page.get_by_text(re.compile(f"^Patching layer {layer}, head {head} ")).wait_for()
    assert "node=z.0.0._" in page.url


def test_the_selectbox_does_what_a_click_does(site, visit):
    page = visit(site.page("attribution", result=site.exact))
    sentence(page).wait_for()
    before = sentence(page).inner_text()
    page.get_by_role("combobox", name="Chosen node").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => ![...document.querySelectorAll('p')].some(p => p.innerText === before)", arg=before
    )
    assert re.match("^Patching layer ", sentence(page).inner_text())


def test_a_link_restores_page_result_and_view(site, visit):
    page = visit(
        site.page("attribution", result=site.exact, node="z.2.1._", scale="Absolute", positions="Sum+over+positions")
    )
    page.get_by_text(re.compile("^Patching layer 2, head 1 ")).wait_for()
    table = layer_by_head(make_result(), "z", scale="absolute", collapse="sum")
    caption = page.get_by_text(re.compile("^Magnitude of the change of the logit difference"))
    assert f"colours from 0 to {number(table.largest)}" in caption.first.inner_text()


def test_downloads_agree_with_the_screen(site, visit):
    page = visit(site.page("attribution", result=site.exact))
    page.wait_for_selector(f".st-key-heat_{site.exact} .main-svg")
    table = layer_by_head(make_result(), "z")
    export = page.locator(f".st-key-export_heat_{site.exact}")
    export.get_by_role("button", name="Export").click()

    popover = page.locator("[data-testid=stPopoverBody]")
    with page.expect_download() as csv_file:
        popover.get_by_role("button", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(csv_file.value.path().read_text())))
    cells = {(int(r["layer"]), int(r["head"])): float(r["mean"]) for r in rows}
    assert len(cells) == table.mean.size
    assert all(abs(cells[i] - table.mean[i]) < 1e-6 for i in cells)

    shown = page.evaluate(f"document.querySelector('.st-key-heat_{site.exact} .js-plotly-plot').data[0].z")
    assert all(abs(shown[layer][head] - value) < 1e-6 for (layer, head), value in cells.items())

    with page.expect_download() as svg_file:
        popover.frame_locator("iframe").get_by_role("button", name="SVG").click()
    svg = ET.fromstring(svg_file.value.path().read_bytes())
    texts = {"".join(node.itertext()) for node in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Layer", "Head", "Exact"} <= texts
    assert svg.get("width") == "322"  # one column of 3.35 in at 96 pixels an inch

    with page.expect_download() as json_file:
        popover.get_by_role("button", name="JSON").click()
    told = json.loads(json_file.value.path().read_text())
    assert told["runs"][0]["spec"] == make_result().spec.to_json()


def test_an_upload_of_a_broken_file_names_its_row(site, visit):
    page = visit(site.page("pairs", pairs_from="A+file"))
    text = "clean,corrupt,answer,distractor\nA man,A dog, is, was\nA man,A dog, is\n"
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    told = page.get_by_text(re.compile(r"row 2 · The row has 3 values for 4 columns"))
    told.first.wait_for()


def test_hostile_tokens_and_names_stay_text(site, visit):
    page = visit(site.page("attribution", result=site.hostile))
    sentence(page).wait_for()
    page.wait_for_selector(".st-key-by_pair .main-svg")
    settled(page)
    assert page.locator("img[src*='example.com'], img[src='x']").count() == 0


def test_a_damaged_link_is_told_and_harms_nothing(site, visit):
    page = visit(site.page("attribution", result="../../etc/passwd", pairs="0123456789abcdef", node="z.x"))
    page.get_by_text("does not name a result").or_(page.get_by_text("not on this server")).first.wait_for()
    assert page.locator("[data-testid=stException]").count() == 0
