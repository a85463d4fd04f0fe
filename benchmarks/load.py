"""Many browser sessions on one server at once: pages, sweeps, cancels; every result against its single-user value.

    python -m benchmarks.load [--sessions 20] [--seconds 300]

The sessions run in one process by Streamlit's own test driver, on a tiny random model, sharing the worker, the model
and the store as browsers do. Each one wanders over the pages, changes views, starts runs, cancels some. At the end
every stored result is compared with the same run computed alone, and memory with what it was after a quarter of the
time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from core.models import load
from core.models.load import wrap
from core.prompts.pairs import PairSet, PromptPair
from core.runs.execute import execute
from tests.pages.conftest import tiny_tokenizer
from tests.tiny import tiny_hf

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "load.json"
PAGES = ("home", "pairs", "attribution", "attention", "runs", "report")
NAMES = ("Mary", "John", "Tom", "Anna")
METRICS, METHODS = ("logit_diff", "log_prob", "prob"), ("exact", "atp", "atp-qk", "atp-star")


def pair_sets() -> list[PairSet]:
    """Sets of one pair each, for every two names."""
    sets = []
    for a, b in itertools.permutations(NAMES, 2):
        start = f"When {a} and {b} met, "
        sets.append(
            PairSet(f"{a} {b}", (PromptPair(f"{start}{b} gave it to", f"{start}{a} gave it to", f" {a}", f" {b}"),))
        )
    return sets


class Session(threading.Thread):
    """One visitor. Keeps what it did, and every exception that a page showed."""

    def __init__(self, seed: int, until: float, links: list[str]):
        super().__init__(daemon=True)
        self._rng, self._until, self._links = np.random.default_rng(seed), until, links
        self.did: Counter = Counter()
        self.errors: list[str] = []

    def run(self) -> None:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params["pairs"] = str(self._rng.choice(self._links))
        try:
            app.run()
            while time.monotonic() < self._until:
                self._act(app)
                self.errors += [str(error.value) for error in app.exception]
        except Exception as error:  # whatever it is, it is what the benchmark is looking for
            self.errors.append(repr(error))

    def _act(self, app: AppTest) -> None:
        action = str(self._rng.choice(["page", "run", "run", "cancel", "look", "new"]))
        self.did[action] += 1
        if action == "page":
            app.switch_page(f"pages/{self._rng.choice(PAGES)}.py").run()
        elif action == "new":
            self.did["sessions"] += 1
            app.query_params["pairs"] = str(self._rng.choice(self._links))
            app.run()
        else:
            app.switch_page("pages/attribution.py").run()
            getattr(self, f"_{action}")(app)

    def _run(self, app: AppTest) -> None:
        if not any(box.key == "run_metric" for box in app.selectbox):
            return
        app.selectbox(key="run_metric").select(self._rng.choice(METRICS))
        for method in METHODS:
            app.checkbox(key=f"run_{method}").set_value(bool(self._rng.random() < 0.5))
        app.run()
        start = [button for button in app.button if button.label.startswith("Run ") and not button.disabled]
        if start:
            start[0].click().run()

    def _cancel(self, app: AppTest) -> None:
        cancels = [button for button in app.button if button.label == "Cancel"]
        if cancels:
            cancels[0].click().run()

    def _look(self, app: AppTest) -> None:
        app.query_params["scale"] = str(self._rng.choice(["Signed", "Absolute"]))
        app.run()


def main() -> None:
    """Run the sessions, check every result, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["CIRCUITARIUM_RESULTS"] = place
        found = _measure(options.sessions, options.seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    sys.exit(1 if found["errors"] or found["wrong_results"] else 0)


def _measure(sessions: int, seconds: float) -> dict[str, Any]:
    tokenizer = tiny_tokenizer()
    load.load_model = lambda model_id, **_: wrap(tiny_hf("llama"), tokenizer, model_id=model_id)
    from ui.resources import worker
    from ui.store import save_pairs, store

    sets = {pairs.digest: pairs for pairs in pair_sets()}
    links = [save_pairs(pairs) for pairs in sets.values()]
    began, threads = time.monotonic(), []
    for seed in range(sessions):
        threads.append(Session(seed, began + seconds, links))
        threads[-1].start()
    time.sleep(seconds / 4)
    early = _megabytes()
    for thread in threads:
        thread.join(seconds + 120)
    late = _megabytes()
    worker().close()
    wrong, checked = _wrong(store(), sets)
    return {
        "sessions": sessions,
        "seconds": round(time.monotonic() - began, 1),
        "actions": dict(sum((thread.did for thread in threads), Counter())),
        "unfinished_sessions": sum(thread.is_alive() for thread in threads),
        "errors": [error for thread in threads for error in thread.errors][:20],
        "results_checked": checked,
        "wrong_results": wrong,
        "megabytes_after_a_quarter": early,
        "megabytes_at_the_end": late,
    }


def _wrong(store: Any, sets: dict[str, PairSet]) -> tuple[list[str], int]:
    """Digests whose stored numbers differ from those of the run alone, and how many were looked at."""
    from core.prompts.align import align
    from ui.resources import ModelChoice, slot

    model, wrong, checked = slot().get(ModelChoice()), [], 0
    for entry in store.entries():
        if entry.state != "done" or entry.pairs_digest not in sets:
            continue
        stored = store.get(entry.digest)
        alone = execute(entry.spec, model, align(sets[entry.pairs_digest], model.tokenizer).pairs)
        checked += 1
        for kind, arrays in alone.effects.items():
            if not all(np.allclose(x, y, atol=1e-5) for x, y in zip(arrays, stored.effects[kind])):
                wrong.append(entry.digest)
                break
    return wrong, checked


def _megabytes() -> float:
    """Memory of this process, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 2**20, 1)


if __name__ == "__main__":
    main()
