"""Kill -9 at random moments while sweeps are computed, checkpointed and stored, then look at what is left.

    python -m benchmarks.robustness [--kills 200]

Each round starts a process that accepts exact sweeps of a tiny model, computes them with checkpoints and puts them into
one store, and kills it after a random time. Afterwards the store is opened and checked: the database is whole, every
stored result equals the one computed without interruption, every accepted run is finished or reported as
interrupted, and nothing half-written is left. At last the interrupted runs are resumed, and must give the same
numbers too.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from core.patching.results import AttributionResult
from core.prompts.pairs import PairSet, PromptPair
from core.runs.checkpoint import Checkpoints
from core.runs.execute import execute, make_spec
from core.runs.spec import RunSpec
from core.runs.store import Store
from tests.tiny import random_pairs, tiny_model

RESULTS = Path(__file__).parent / "results" / "robustness.json"
SWEEPS = 12  # different runs, so that kills fall into all stages of several
PAIRS, LENGTH, FIRST = 6, 12, 4
LIMIT = 200_000  # bytes: small enough that eviction happens all the time


def main() -> None:
    """Run the rounds and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        _work(options.work)
    else:
        with tempfile.TemporaryDirectory() as place:
            found = _rounds(Path(place), options.kills)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        print(json.dumps(found, indent=1))


def _sweep(i: int) -> tuple[RunSpec, tuple]:
    pairs = PairSet(f"sweep {i}", (PromptPair(str(i), "b", "c", "d"),))
    spec = make_spec(MODEL, pairs, metric="logit_diff", direction="noising", nodes=("q", "k", "v", "z"), method="exact")
    return spec, random_pairs(PAIRS, LENGTH, FIRST, seed=i)


def _work(root: Path) -> None:
    """What is killed: sweep after sweep, for ever; finished ones are deleted so that they are computed again."""
    store, rng = Store(root, limit=LIMIT), np.random.default_rng()
    print("ready", flush=True)
    while True:
        spec, pairs = _sweep(int(rng.integers(SWEEPS)))
        if store.has(spec.digest):
            store.bin(spec.digest)
        store.accept(spec, pairs=len(pairs))
        print(spec.digest, flush=True)
        store.mark(spec.digest, "running")
        with store.computing(spec.digest):
            store.put(execute(spec, MODEL, pairs, checkpoints=Checkpoints(store.checkpoints(spec.digest))))


def _rounds(root: Path, kills: int) -> dict:
    rng, states, resumed = np.random.default_rng(0), Counter(), 0
    truth = {spec.digest: execute(spec, MODEL, pairs) for spec, pairs in map(_sweep, range(SWEEPS))}
    began = time.perf_counter()
    for kill in range(kills):
        accepted = _killed(root, rng.uniform(0, 1.0))
        store = Store(root, limit=LIMIT)
        states.update(_check(store, truth, accepted))
        for entry in [e for e in store.entries() if e.state == "interrupted"][:2]:
            spec, pairs = next(s for s in map(_sweep, range(SWEEPS)) if s[0].digest == entry.digest)
            kept = store.checkpoints(spec.digest)
            resumed += any(kept.glob("*.safetensors"))
            store.put(execute(spec, MODEL, pairs, checkpoints=Checkpoints(kept)))
            _same(store.get(spec.digest), truth[spec.digest])
        store.close()
        if kill % 20 == 19:
            print(f"{kill + 1} kills, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    seconds = round(time.perf_counter() - began, 1)
    return {"kills": kills, "seconds": seconds, "runs_seen": dict(states), "resumed_from_finished_pairs": resumed}


def _killed(root: Path, seconds: float) -> list[str]:
    """Start the worker, kill it so long after it was ready, and give what it said it had accepted."""
    command = [sys.executable, "-m", "benchmarks.robustness", "--work", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return process.stdout.read().split()


def _check(store: Store, truth: dict[str, AttributionResult], accepted: list[str]) -> Counter:
    with sqlite3.connect(store.root / "store.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list((store.root / ".work").glob("*.part"))
    entries = store.entries()
    for entry in entries:
        assert entry.state in ("done", "interrupted"), entry
        if entry.state == "done":
            _same(store.get(entry.digest), truth[entry.digest])
    if accepted:  # earlier ones may have been evicted since
        assert store.entry(accepted[-1]) is not None
    return Counter(entry.state for entry in entries)


def _same(result: AttributionResult | None, truth: AttributionResult) -> None:
    assert result is not None
    for kind, arrays in truth.effects.items():
        for x, y in zip(result.effects[kind], arrays):
            np.testing.assert_allclose(x, y, atol=2e-5)


MODEL = tiny_model("llama")

if __name__ == "__main__":
    main()
