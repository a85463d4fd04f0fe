"""Five seeds of SIRL as one batch against one after another, and the time of the whole table on GridRobot.

    python -m benchmarks.similarity [--whole]

"One after another" is the same code given one seed at a time. Seconds are of the process, so that a busy machine
distorts less; ratios are medians of alternating turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core.labs.similarity.learning.fit import Training
from core.labs.similarity.learning.net import Net
from core.labs.similarity.learning.triplet import fit_similarity
from core.labs.similarity.person import Person, simulated
from core.labs.similarity.settings import Settings
from core.labs.similarity.study import run_study
from core.worlds.listed.gridrobot import gridrobot

OUT = Path(__file__).parent / "results" / "similarity.json"
SEEDS, ANSWERS, TURNS, STEPS = range(5), 100, 3, 300
WIDTH, DIM = Settings().width, Settings().dim


def seconds(work: Callable[[], Any]) -> float:
    """Seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def batch() -> dict[str, float]:
    """Seconds of both ways, and how many times as fast the batch is."""
    world, training = gridrobot(), Training(STEPS)
    raw, net = torch.as_tensor(world.raw), Net((world.raw.shape[1], WIDTH, WIDTH, DIM))
    answers = [simulated(world, ANSWERS, seed, Person()) for seed in SEEDS]

    def together() -> None:
        fit_similarity(raw, answers, list(SEEDS), net, training)

    def one_by_one() -> None:
        for seed in SEEDS:
            fit_similarity(raw, [answers[seed]], [seed], net, training)

    together()  # everything loaded
    turns = [(seconds(together), seconds(one_by_one)) for _ in range(TURNS)]
    return {
        "together_s": round(statistics.median(a for a, _ in turns), 3),
        "one_by_one_s": round(statistics.median(b for _, b in turns), 3),
        "times_as_fast": round(statistics.median(b / a for a, b in turns), 2),
    }


def whole_table() -> dict[str, float]:
    """Seconds of ten rows with three seeds: three numbers of answers, and what asks nobody."""
    with tempfile.TemporaryDirectory() as folder:
        began, process = time.perf_counter(), time.process_time()
        run_study(Settings(answers=(100, 500, 1000)), Path(folder))
        return {
            "wall_s": round(time.perf_counter() - began, 1),
            "process_s": round(time.process_time() - process, 1),
        }


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--whole", action="store_true", help="also the whole table, half a minute")
    whole = parser.parse_args().whole
    results: dict[str, Any] = {"steps": STEPS, "seeds": len(SEEDS), "five_seeds": batch()}
    if whole:
        results["whole_table"] = whole_table()
    text = json.dumps(results, indent=1)
    OUT.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
