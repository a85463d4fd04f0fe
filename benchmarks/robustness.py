"""Kill -9 at random moments while sweeps and trainings are computed, checkpointed and stored; see what is left.

    python -m benchmarks.robustness [--kills 200]

Each round starts a process that accepts jobs (``benchmarks.robustness_jobs``), computes them with checkpoints and puts
them into one store, and kills it after a random time. Afterwards the store is opened and checked: the database is
whole, every stored result equals the one computed without interruption, every accepted job is finished or reported as
interrupted, and nothing half-written is left. At last interrupted jobs are resumed, and must give the same numbers too.
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

from benchmarks.robustness_jobs import Work, all_work
from core.runs.store import Store

RESULTS = Path(__file__).parent / "results" / "robustness.json"
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


def _work(root: Path) -> None:
    """What is killed: job after job, for ever; finished ones are deleted so that they are computed again."""
    store, rng, jobs = Store(root, limit=LIMIT), np.random.default_rng(), all_work()
    print("ready", flush=True)
    while True:
        job = jobs[int(rng.integers(len(jobs)))]
        digest = job.spec.digest
        if store.has(digest):
            store.bin(digest)
        store.accept(job.spec, pairs=1)
        print(digest, flush=True)
        store.mark(digest, "running")
        with store.computing(digest):
            job.compute(store)


def _rounds(root: Path, kills: int) -> dict:
    rng, states, resumed = np.random.default_rng(0), Counter(), Counter()
    jobs = {job.spec.digest: job for job in all_work()}
    began = time.perf_counter()
    for kill in range(kills):
        accepted = _killed(root, rng.uniform(0, 1.5))
        store = Store(root, limit=LIMIT)
        states.update(_check(store, jobs, accepted))
        for entry in [e for e in store.entries() if e.state == "interrupted"][:2]:
            job = jobs[entry.digest]
            resumed[type(job).__name__.lower()] += any(store.checkpoints(entry.digest).rglob("*.safetensors"))
            job.compute(store)
            job.check(store)
        store.close()
        if kill % 20 == 19:
            print(f"{kill + 1} kills, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    seconds = round(time.perf_counter() - began, 1)
    return {"kills": kills, "seconds": seconds, "runs_seen": dict(states), "resumed_from_checkpoints": dict(resumed)}


def _killed(root: Path, seconds: float) -> list[str]:
    """Start the worker, kill it so long after it was ready, and give what it said it had accepted."""
    command = [sys.executable, "-m", "benchmarks.robustness", "--work", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return process.stdout.read().split()


def _check(store: Store, jobs: dict[str, Work], accepted: list[str]) -> Counter:
    with sqlite3.connect(store.root / "store.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list((store.root / ".work").glob("*.part"))
    entries = store.entries()
    for entry in entries:
        assert entry.state in ("done", "interrupted"), entry
        if entry.state == "done":
            jobs[entry.digest].check(store)
    if accepted:  # earlier ones may have been evicted since
        assert store.entry(accepted[-1]) is not None
    return Counter(f"{'training' if entry.lab else 'sweep'} {entry.state}" for entry in entries)


if __name__ == "__main__":
    main()
