"""What only a browser can tell: which cell a click finds, and whether hostile tokens stay text."""

import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from core.export.browser import download_row
from core.export.document import figure_document
from core.figures.effects.heatmap import effect_heatmap
from core.figures.inside import circuitsvis
from core.figures.printing import for_print
from core.patching.results.summary import layer_by_head, layer_by_position
from tests.make_results import make_pair, make_result

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")]

SCRIPT = "window.hit = (window.hit || 0) + 1"
HOSTILE = (
    f"</script><script>{SCRIPT}</script>",
    f'<img src="x" onerror="{SCRIPT}">',
    "<b>b</b>",
    "$x$",
    "%{x}",
    " end",
)


@pytest.fixture(scope="module")
def browser():
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page from a file; afterwards nothing outside the file may have been asked for."""
    page = browser.new_page(viewport={"width": 900, "height": 800})
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    def open_page(html: str):
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield open_page
    page.close()
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def hostile_result():
    return make_result([make_pair(clean=HOSTILE, corrupt=(*HOSTILE[:-1], " x"))])


def document(figure) -> str:
    return figure_document(figure, title=HOSTILE[0], caption=HOSTILE[1], provenance={HOSTILE[1]: HOSTILE[0]})


def test_a_click_anywhere_in_a_cell_finds_that_cell(opened):
    page = opened(document(effect_heatmap(layer_by_head(make_result(), "z"))))
    page.wait_for_selector("#figure .main-svg")
    page.evaluate("document.getElementById('figure').on('plotly_click', e => window.picked = e.points[0].customdata)")
    place = """([x, y]) => {
        const {xaxis, yaxis} = document.getElementById('figure')._fullLayout;
        const box = document.querySelector('.nsewdrag').getBoundingClientRect();
        return [box.x + xaxis.l2p(x), box.y + yaxis.l2p(y)];
    }"""
    for layer, head, dx, dy in [
        (0, 0, 0, 0),
        (0, 0, 0.45, 0.45),
        (1, 2, -0.45, 0.45),
        (2, 3, 0.45, -0.45),
        (2, 0, -0.4, 0),
    ]:
        x, y = page.evaluate(place, [head + dx, layer + dy])
        page.mouse.move(x, y)
        page.wait_for_timeout(400)  # two quick clicks would be a double click
        page.mouse.click(x, y)
        page.wait_for_function("window.picked !== undefined")
        assert page.evaluate("window.picked") == ["z", layer, head, None]
        page.evaluate("window.picked = undefined")


def test_hostile_tokens_stay_text_in_a_figure(opened):
    page = opened(document(effect_heatmap(layer_by_position(hostile_result(), "mlp_out"), title=HOSTILE[1])))
    page.wait_for_selector("#figure .xtick text")
    ticks = page.eval_on_selector_all(".xtick text", "all => all.map(e => e.textContent)")
    assert ticks[2:] == ["<b>b</b>", "$x$", "%{x}", "·end"]
    page.mouse.move(
        *page.evaluate("(b => [b.x + 5, b.y + 5])(document.querySelector('.nsewdrag').getBoundingClientRect())")
    )
    page.wait_for_selector(".hoverlayer .hovertext")
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hit") is None


def test_hostile_tokens_stay_text_in_circuitsvis(opened):
    patterns = np.tril(np.full((2, 6, 6), 0.5))
    page = opened(circuitsvis.html(patterns, HOSTILE, script_url=None, theme="dark"))
    page.wait_for_selector("canvas")
    assert page.get_by_text("Head 1").count() > 0
    assert page.evaluate("window.hit") is None


def test_the_row_saves_an_svg_at_print_width_whose_text_is_text(opened, tmp_path):
    from plotly.offline import get_plotlyjs

    (tmp_path / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    figure = effect_heatmap(layer_by_position(hostile_result(), "mlp_out"))
    page = opened(
        download_row(for_print(figure), for_print(figure, columns=2), name="run 1", script_url="plotly.min.js")
    )
    page.select_option("#columns", "2")
    page.check("#clear")
    with page.expect_download() as download:
        page.click("#svg")
    assert download.value.suggested_filename == "run-1.svg"
    root = ET.parse(download.value.path()).getroot()
    assert root.get("width") == "662"
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"<b>b</b>", "Layer", "first differing token"} <= set(texts)
    background = root.find("{http://www.w3.org/2000/svg}rect")
    assert "fill-opacity: 0" in background.get("style"), "transparent"
    with page.expect_download() as download:
        page.click("#png")
    png = download.value.path().read_bytes()
    assert int.from_bytes(png[16:20], "big") == pytest.approx(662 / 96 * 300, abs=1), "300 dots an inch"
