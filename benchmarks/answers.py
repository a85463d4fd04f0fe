"""How soon pages answer, and how that compares with an empty Streamlit page: ``python -m benchmarks.answers``.

Nothing else should be running. Written to ``benchmarks/results/answers.json``.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.timing import processor
from core.export.folder import write_folder
from core.figures.circuit.drawing import circuit_figure
from core.runs.store import Store
from tests.browser.conftest import FLAGS
from tests.browser.test_app import click_cell
from tests.core.figures.circuit.test_drawing import large
from tests.make_results import make_pair, make_result
from tests.serving import served

RESULTS = Path(__file__).parent / "results" / "answers.json"
VISITS = 5
EMPTY = ("-m", "streamlit", "run", "empty.py", "--server.address", "127.0.0.1", "--server.port")


def main() -> None:
    """Measure, write, print."""
    found = {"processor": processor(), "cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        found |= in_process(Path(folder)) | in_browser(Path(folder))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def in_process(place: Path) -> dict[str, float]:
    """Seconds of what needs no browser."""
    pairs = [make_pair(i) for i in range(700)]
    digest = Store(place / "large").put(make_result(pairs, kinds=("z",)))
    opened, many = Store(place / "large"), _many(place / "many")
    circuit = large(300)
    return {
        "open a result of 50 000 cells": _seconds(lambda: opened.get(digest)),
        "list 5 000 runs": _seconds(many.entries),
        "draw a circuit of 300 edges": _seconds(lambda: circuit_figure(circuit).to_json()),
    }


def in_browser(place: Path) -> dict[str, Any]:
    """Medians over visits to a warm server, each with a fresh browser context."""
    results = place / "results"
    exact, estimate = make_result(), make_result(seed=1, method="atp")
    for result in (exact, estimate):
        write_folder(result, results / result.spec.digest)
    (place / "empty.py").write_text('import streamlit as st\nst.title("Empty")\n')
    empty = (*EMPTY[:3], str(place / "empty.py"), *EMPTY[4:])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with served(place / "none", empty) as (url, _):
            bare = _median(lambda: _until(browser, url, "h1"))
        with served(results) as (url, _):
            link = f"{url}/attribution?result={exact.spec.digest},{estimate.spec.digest}"
            _until(browser, url, ".main-svg")  # the very first visit also reads libraries from disk
            found = {
                "heading": _median(lambda: _until(browser, url, "h1")),
                "first words": _median(lambda: _until(browser, url, "[data-testid=stPageLink]")),
                "first figure": _median(lambda: _until(browser, url, ".main-svg")),
                "click on a cell to its sentence": _median(lambda: _click(browser, link)),
                "a slider to a circuit of 200 edges": _median(lambda: _slider(browser, url)),
            }
        browser.close()
    ratios = {f"{name}, times the heading of an empty page": round(x / bare, 2) for name, x in found.items()}
    return {"heading of an empty page": bare} | found | ratios


def _until(browser: Browser, url: str, landmark: str) -> float:
    return _on(browser, url, lambda page: page.locator(landmark).first.wait_for())


def _click(browser: Browser, url: str) -> float:
    def click(page: Page) -> float:
        page.wait_for_selector(".st-key-panels .main-svg")
        page.wait_for_timeout(2000)
        began = time.perf_counter()
        click_cell(page, "panels", column=2, layer=1)
        page.get_by_text("Patching layer 1, head 2 ").wait_for()
        return time.perf_counter() - began

    return _on(browser, url, click)


def _slider(browser: Browser, url: str) -> float:
    def slide(page: Page) -> float:
        page.wait_for_selector(".st-key-circuit_chart .main-svg")
        page.wait_for_timeout(2500)
        before = page.get_by_text("Showing", exact=False).first.inner_text()
        page.get_by_role("slider").first.focus()
        began = time.perf_counter()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("before => !document.body.innerText.includes(before)", arg=before)
        return time.perf_counter() - began

    return _on(browser, f"{url}/circuit?edges_position=200", slide)


def _on(browser: Browser, url: str, work: Callable[[Page], float | None]) -> float:
    """What ``work`` measured, or the seconds from opening the page until it returned."""
    context = browser.new_context(viewport={"width": 1440, "height": 1400})
    context.set_default_timeout(120_000)
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url)
    measured = work(page)
    spent = time.perf_counter() - began
    context.close()
    return spent if measured is None else measured


def _median(measure: Callable[[], float]) -> float:
    return round(median(measure() for _ in range(VISITS)), 3)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def _many(root: Path) -> Store:
    """A store that knows of 5 000 runs."""
    store = Store(root)
    text = json.dumps(make_result().spec.to_json())
    fixed = ("tiny", "p", "exact", "kl", "noising", 40, "done", 2.0, 0, 1000)
    rows = [(f"{i:016x}", text, *fixed, float(i), 1.0, f"number {i}") for i in range(5000)]
    names = "digest, spec, model, pairs_digest, method, metric, direction, pairs, state, seconds, written, size"
    with sqlite3.connect(root / "store.sqlite") as database:
        places = ", ".join("?" * 15)
        database.executemany(f"INSERT INTO runs ({names}, created, used, name) VALUES ({places})", rows)
    return store


if __name__ == "__main__":
    main()
