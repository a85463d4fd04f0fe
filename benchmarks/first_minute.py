"""The first minute of a new user, in a real browser: from the address to the bound, against the plain exact sweep.

    python -m benchmarks.first_minute [--pairs 40] [--verify 50] [--sweep-pairs 40] [--pages]

A server with an empty store is started and the model loaded; then a fresh browser opens the Attribution page on so many
pairs of the bundled indirect objects and presses Run as it stands. Seconds count from that press. Afterwards the same
page runs the plain exact sweep, and every time is also given as its share of that. ``--pages`` adds, for every page on
the then warm server, the seconds to its heading and its first figure in a fresh browser: on the first visit of all, and
on the next, when the server has read what that page needs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.timing import processor
from core.prompts.bundled import load_bundled
from core.prompts.pairs import PairSet
from core.runs.store import Store
from tests.browser.conftest import FLAGS
from tests.serving import served
from ui.shell.navigation import ENTRIES
from ui.shell.navigation import RESULTS as RESULT_PAGES

RESULTS = Path(__file__).parent / "results" / "first_minute.json"
PAGES = tuple("" if entry is ENTRIES[0] else entry.script for entry in ENTRIES if entry.section != RESULT_PAGES)
PATIENCE = 1800.0  # seconds for anything
FIGURE = ".js-plotly-plot .main-svg"


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--verify", type=int, default=50, help="nodes of each family")
    parser.add_argument("--sweep-pairs", type=int, help="of the exact sweep, scaled up to --pairs; default: the same")
    parser.add_argument("--pages", action="store_true", help="also the first figure of every page")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as place,
        served(Path(place), one_thread=False) as (url, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        store, bundled = Store(Path(place)), load_bundled("ioi_abba")
        sets = [
            PairSet("first minute", bundled.pairs[:n]) for n in (options.pairs, options.sweep_pairs or options.pairs)
        ]
        few, many = (store.put_pairs(pairs) for pairs in reversed(sets))
        found: dict[str, Any] = {"pairs": options.pairs, "verify": options.verify, "load": os.getloadavg()[0]}
        found["processor"] = processor()
        found["model_loaded"] = loaded(browser, url)
        found["screen"] = screened(browser, f"{url}/attribution?pairs={many}", options.verify)
        sweep = swept(browser, f"{url}/attribution?pairs={few}") * options.pairs / len(sets[1])
        found["exact_sweep"] = sweep
        found["share_of_the_sweep"] = {name: seconds / sweep for name, seconds in found["screen"].items()}
        if options.pages:
            for visit in ("first visit", "next visit"):
                found[visit] = {path or "home": first_figure(browser, f"{url}/{path}") for path in PAGES}
        browser.close()
    RESULTS.parent.mkdir(exist_ok=True)
    text = json.dumps(json.loads(json.dumps(found), parse_float=lambda x: round(float(x), 3)), indent=1)
    RESULTS.write_text(text + "\n")
    print(text)


@contextmanager
def fresh(browser: Browser, url: str) -> Iterator[Page]:
    """A page of a browser that was never here."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.goto(url)
    try:
        yield page
    finally:
        context.close()


def clock() -> Callable[[], float]:
    """Seconds since now."""
    began = time.monotonic()
    return lambda: time.monotonic() - began


def loaded(browser: Browser, url: str) -> float:
    """Seconds until the form is there, the model loaded on the way."""
    since = clock()
    with fresh(browser, f"{url}/attribution") as page:
        page.get_by_role("button", name="Run 1 method").wait_for()
        return since()


def screened(browser: Browser, url: str, verify: int) -> dict[str, float]:
    """Seconds from the press to each step of the recommended choice."""
    with fresh(browser, url) as page:
        press = page.get_by_role("button", name="Run 1 method")
        press.wait_for()
        if verify != 50:
            page.get_by_role("spinbutton", name="Nodes to verify").fill(str(verify))
            page.keyboard.press("Enter")
            page.wait_for_timeout(1000)
        since, found = clock(), {}
        press.click()
        page.locator(FIGURE).first.wait_for()
        found["estimate"] = since()
        for name, told in (
            ("first_verified_node", r"not finished: [1-9]\d* of \d+ nodes|which makes none|certain"),
            ("all_verified", r"nothing bounds the others yet|if effects add up"),
        ):
            page.get_by_text(re.compile(told)).first.wait_for()
            found[name] = since()
        page.get_by_text(re.compile("not finished")).first.wait_for(state="detached")
        page.get_by_text(re.compile("if effects add up")).first.wait_for()
        found["bound"] = since()
        return found


def swept(browser: Browser, url: str) -> float:
    """Seconds from the press to the whole exact sweep."""
    with fresh(browser, url) as page:
        page.get_by_role("button", name="Run 1 method").wait_for()
        for name in ("Exact", "Screen and verify"):
            page.locator("label").filter(has_text=re.compile(f"^{name}$")).click()
            page.wait_for_timeout(1500)
        since = clock()
        page.get_by_role("button", name="Run 1 method").click()
        page.locator(FIGURE).first.wait_for()
        page.get_by_text(re.compile("pairs so far")).first.wait_for(state="detached")
        page.get_by_text("Ranking", exact=True).first.wait_for()
        return since()


def first_figure(browser: Browser, url: str) -> dict[str, float | None]:
    """Seconds to a page's heading and to its first figure, if it has one without being asked."""
    since = clock()
    with fresh(browser, url) as page:
        page.locator("h1").first.wait_for()
        found: dict[str, float | None] = {"heading": since(), "figure": None}
        try:
            page.locator(f"{FIGURE}, iframe").first.wait_for(timeout=15_000)
            found["figure"] = since()
        except Exception:  # a page that waits for a choice
            pass
        return found


if __name__ == "__main__":
    main()
