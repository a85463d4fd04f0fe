"""A server on a free port with a results directory of its own, and a Chromium that counts outside requests."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.export.folder import write_folder
from core.paths import ROOT
from tests.make_results import make_pair, make_result
from tests.serving import wait_for

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
LOCAL = ("http://127.0.0.1", "http://localhost", "ws://127.0.0.1", "ws://localhost", "data:", "blob:", "about:")

SCRIPT = "window.top.hit = (window.top.hit || 0) + 1"
HOSTILE = (
    f"</script><script>{SCRIPT}</script>",
    f'<img src=x onerror="{SCRIPT}">',
    "![x](http://example.com/x.png)",
    " $x$",
)


def within(seconds: float) -> float:
    """A time limit on this machine now: where more runs than there are cores, everything takes longer."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Site:
    """A running server and what lies in its results directory."""

    def __init__(self, url: str, exact: str, estimate: str, hostile: str, results: Path):
        self.url, self.exact, self.estimate, self.hostile, self.results = url, exact, estimate, hostile, results

    def page(self, path: str = "", **query: str) -> str:
        """The address of a page."""
        return f"{self.url}/{path}" + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")


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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app.py",
            "--server.port",
            str(port),
            "--server.address",
            "127.0.0.1",
        ],
        cwd=ROOT,
        env={**os.environ, "CIRCUITARIUM_RESULTS": str(results), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/_stcore/health")
        yield Site(url, *(stored[name].spec.digest for name in stored), results)
    finally:
        server.terminate()
        server.wait(10)


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

    def open_page(url: str, *, theme: str = "light", size: tuple[int, int] = (1440, 900)):
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.on("request", lambda r: None if r.url.startswith(LOCAL) else outside.append(r.url))
        page.goto(url)
        page.wait_for_selector("h1", timeout=30_000)
        return page

    yield open_page
    hits = [page.evaluate("window.hit || 0") for page in pages]
    for context in contexts:
        context.close()
    assert outside == []
    assert sum(hits) == 0
