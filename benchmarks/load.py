"""Many browser sessions on one server at once: pages, sweeps, cancels; every result against its single-user value.

    python -m benchmarks.load [--sessions 20] [--seconds 300]

The server is the app itself on a tiny random model; the sessions are windows of one headless Chromium. Each wanders
over the pages, opens pair sets by link, runs the methods with another metric, cancels some. At the end every stored
result is compared with the same run computed alone, and the server's memory with what it was after a third of the time.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Error, Page, async_playwright

from benchmarks.tiny_server import tiny
from core.models.catalogue import DEFAULT
from core.prompts.align import align
from core.prompts.pairs import PairSet, PromptPair
from core.runs.execute import execute
from core.runs.store import Store
from tests.serving import served

RESULTS = Path(__file__).parent / "results" / "load.json"
PAGES = ("", "pairs", "attribution", "attention", "runs", "report")
METRICS = ("Logit difference", "Log-probability", "Probability")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def pair_sets() -> dict[str, PairSet]:
    """Sets of one pair each, for every two names, by digest."""
    sets = []
    for a, b in itertools.permutations(("Mary", "John", "Tom", "Anna"), 2):
        start = f"When {a} and {b} met, "
        pair = PromptPair(f"{start}{b} gave it to", f"{start}{a} gave it to", f" {a}", f" {b}")
        sets.append(PairSet(f"{a} {b}", (pair,)))
    return {pairs.digest: pairs for pairs in sets}


def main() -> None:
    """Run the sessions, check every result, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = measure(Path(place), options.sessions, options.seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    sys.exit(1 if found["errors"] or found["wrong_results"] or not found["results_checked"] else 0)


def measure(place: Path, sessions: int, seconds: float) -> dict[str, Any]:
    """Visit a server whose store lies in ``place``; what was done, what went wrong, what differs."""
    sets, store = pair_sets(), Store(place)
    for pairs in sets.values():
        store.put_pairs(pairs)
    with served(place, ("-m", "benchmarks.tiny_server")) as (url, server):
        found = asyncio.run(_visit(url, server.pid, list(sets), sessions, seconds))
        found["server_alive"] = server.poll() is None
    wrong, checked = _wrong(store, sets)
    return {"sessions": sessions, "seconds": seconds, **found, "results_checked": checked, "wrong_results": wrong}


async def _visit(url: str, server: int, links: list[str], sessions: int, seconds: float) -> dict[str, Any]:
    did: Counter = Counter()
    errors: list[str] = []
    until = time.monotonic() + seconds
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        tasks = []
        for seed in range(sessions):
            page = await (await browser.new_context(viewport={"width": 1200, "height": 900})).new_page()
            tasks.append(_session(page, url, links, np.random.default_rng(seed), until, did, errors))
        visits = asyncio.gather(*tasks)
        await asyncio.sleep(seconds / 3)
        early = _megabytes(server)
        await visits
        late = _megabytes(server)
        await browser.close()
    return {"actions": dict(did), "errors": errors[:20], "megabytes_early": early, "megabytes_at_the_end": late}


async def _session(
    page: Page,
    url: str,
    links: list[str],
    rng: np.random.Generator,
    until: float,
    did: Counter,
    errors: list[str],
) -> None:
    """One visitor, until the time is over; what a page shows as a fault is kept."""
    while time.monotonic() < until:
        action = str(rng.choice(["page", "run", "run", "cancel"]))
        name = rng.choice(PAGES) if action == "page" else "attribution"
        try:
            await page.goto(f"{url}/{name}?pairs={rng.choice(links)}", timeout=120_000)
            await page.wait_for_selector("h1", timeout=120_000)
            if action != "page":
                await _run(page, rng, cancel=action == "cancel")
            await page.wait_for_timeout(float(rng.uniform(500, 3000)))
            faults = await page.locator('[data-testid="stException"]').all_inner_texts()
            faults += [text for text in await page.locator(".stAlert").all_inner_texts() if "fault" in text]
            errors += [f"{action}: {fault[:300]}" for fault in faults]
            did[action] += 1
        except Error as error:
            did[f"gave up: {str(error).splitlines()[0][:80]}"] += 1  # the driver lost a race with a rerun, or patience


async def _run(page: Page, rng: np.random.Generator, *, cancel: bool) -> None:
    """Choose a metric and press the button; sometimes press Cancel as soon as there is one."""
    button = page.get_by_role("button", name="Run ").first
    await button.wait_for(timeout=120_000)
    await page.get_by_role("combobox", name="Metric").click()
    await page.get_by_role("option", name=str(rng.choice(METRICS)), exact=True).click()
    await page.wait_for_timeout(500)
    await button.click()
    if cancel:
        await page.wait_for_timeout(300)
        stop = page.get_by_role("button", name="Cancel")
        if await stop.count():
            await stop.first.click(timeout=2000, no_wait_after=True)


def _wrong(store: Store, sets: dict[str, PairSet]) -> tuple[list[str], int]:
    """Digests whose stored numbers differ from those of the run alone, and how many were looked at."""
    model, wrong, checked = tiny(DEFAULT), [], 0
    for entry in store.entries():
        stored = store.get(entry.digest)
        if stored is None:
            continue
        alone = execute(entry.spec, model, align(sets[entry.pairs_digest], model.tokenizer).pairs)
        checked += 1
        for kind, arrays in alone.effects.items():
            if not all(np.allclose(x, y, atol=1e-5) for x, y in zip(arrays, stored.effects[kind])):
                wrong.append(f"{entry.digest} {kind}")
    return wrong, checked


def _megabytes(process: int) -> float:
    """Memory of a process, now."""
    kilobytes = next(line for line in Path(f"/proc/{process}/status").read_text().splitlines() if "VmRSS" in line)
    return round(int(kilobytes.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()
