"""The knowledge laboratory's speed: ``python -m benchmarks.probing``.

Writes ``benchmarks/results/probing.json`` (or ``--out``). Nothing else may run on the machine meanwhile. One process:
50 seeds of CCS as one batch against one seed after another, by the same function; then the whole audit of the bundled
sentiment set with an empty cache and again from the cache, each as a person would start it on the command line.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timing import seconds
from core.labs.knowledge.probes.ccs import fit_ccs
from core.labs.knowledge.probes.normalise import fit_normaliser
from core.labs.knowledge.theory.planted import plant
from core.models.catalogue import DEFAULT

SEEDS, EPOCHS, D_MODEL, ITEMS = 50, 1000, 576, 144  # the bundled set's training part on the default model
ALONE = 5  # seeds that are timed one at a time; the others would take as long


def batch_against_single() -> dict[str, float]:
    """Seconds of all seeds as one batch, and of one seed after another (from a few of them)."""
    data = plant(np.random.default_rng(0), truth=2.0, distractor=1.0, items=ITEMS, d_model=D_MODEL)
    x = fit_normaliser(data.pairs)(data.pairs)
    together = seconds(lambda: fit_ccs(x, range(SEEDS), epochs=EPOCHS), repeats=2)
    alone = seconds(lambda: [fit_ccs(x, range(k, k + 1), epochs=EPOCHS) for k in range(ALONE)], repeats=2)
    one_after_another = alone * SEEDS / ALONE
    return {
        "batch_seconds": together,
        "one_after_another_seconds": one_after_another,
        "ratio": one_after_another / together,
        "threads": torch.get_num_threads(),
    }


def whole_audit(data: str) -> dict[str, float]:
    """Wall seconds of ``core audit`` with an empty cache, and once more."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first", "repeated"):
            command = [sys.executable, "-m", "core", "audit", "--model", DEFAULT, "--data", data]
            command += ["--cache", f"{folder}/cache", "--out", f"{folder}/{name}"]
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            found[f"{name}_seconds"] = time.perf_counter() - began
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "probing.json")
    options = parser.parse_args()
    result: dict[str, Any] = {
        "ccs": batch_against_single(),
        "audit_sentiment": whole_audit("sentiment"),
        "processor": platform.processor() or platform.machine(),
        "versions": {name: version(name) for name in ("torch", "scikit-learn", "transformers")},
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
