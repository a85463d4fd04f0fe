"""A server on a free port with a results directory of its own, and a Chromium that counts outside requests."""

import os
import shutil
from pathlib import Path

import pytest

from core.export.folder import write_folder
from tests.make_results import make_pair, make_result
from tests.serving import served

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 240_000  # milliseconds: the one limit of every wait; a busy machine reads torch and the model slowly
LOCAL = ("http://127.0.0.1", "http://localhost", "ws://127.0.0.1", "ws://localhost", "data:", "blob:", "about:")

SCRIPT = "window.top.hit = (window.top.hit || 0) + 1"
HOSTILE = (
    f"</script><script>{SCRIPT}</script>",
    f'<img src=x onerror="{SCRIPT}">',
    "![x](http://example.com/x.png)",
    " $x$",
)


class Site:
    """A running server and what lies in its results directory."""

    def __init__(self, url: str, exact: str, estimate: str, hostile: str, results: Path):
        self.url, self.exact, self.estimate, self.hostile, self.results = url, exact, estimate, hostile, results

    def page(self, path: str = "", **query: str) -> str:
        """The address of a page."""
        return f"{self.url}/{path}" + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")


SETTLED = """() => document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-stale=true]')"""


def settled(page) -> None:
    """Wait until the page's script ran to its end, and what it drew is in place."""
    page.wait_for_timeout(300)  # a press of a key or button needs a moment to reach the server
    page.wait_for_function(SETTLED)
    page.wait_for_timeout(700)  # figures are drawn by scripts of their own


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    stored = {
        "exact": make_result(),
        "estimate": make_result(seed=1, method="atp"),
        "hostile": make_result(
            [make_pair(clean=HOSTILE, corrupt=(*HOSTILE[:-1], " y"), name=HOSTILE[1])], pairs_digest="h"
        ),
    }
    for result in stored.values():
        write_folder(result, results / result.spec.digest)
    with served(results) as (url, _):
        yield Site(url, *(stored[name].spec.digest for name in stored), results)


@pytest.fixture(scope="module")  # other modules start a Playwright of their own, and only one may live at a time
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None and not os.environ.get("CIRCUITARIUM_REQUIRE_BROWSER"):
        pytest.skip("needs chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens a page; at the end no request may have gone outside, and no hostile script may have run."""
    contexts, outside, pages = [], [], []

    def open_page(url: str, *, theme: str = "light", size: tuple[int, int] = (1440, 900), script: str = ""):
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, accept_downloads=True
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        pages.append(page)
        page.on("request", lambda r: None if r.url.startswith(LOCAL) else outside.append(r.url))
        page.goto(url)
        page.wait_for_selector("h1")
        return page

    yield open_page
    hits = [page.evaluate("window.hit || 0") for page in pages]
    for context in contexts:
        context.close()
    assert outside == []
    assert sum(hits) == 0
