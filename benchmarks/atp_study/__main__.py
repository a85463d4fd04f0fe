"""The study behind the Trust page, kept under ``assets/study``.

    python -m benchmarks.atp_study [NAME ...]

runs everything, or the parts named: contests (``ioi-attention``, ``ioi-set``, ``ioi-neurons``, ...), ``failures``,
``coverage`` and ``signs``. On a quiet core a contest on attention nodes takes one to three minutes. The exact
effects of all neurons take three to eight minutes a pair; they are kept, and computed again only where their file
(``exact.safetensors``) was removed. The coverage takes a quarter of an hour, the signs five minutes.
"""

from __future__ import annotations

import sys
import time

from benchmarks.atp_study import contests, coverage, failures, signs
from core.models.catalogue import DEFAULT
from core.models.load import load_model


def main(names: list[str]) -> None:
    """Run the parts named, or all."""
    model = load_model(DEFAULT, device="cpu", dtype="float32")
    parts = {"failures": failures.run, "coverage": coverage.run, "signs": signs.run}
    studies = list(contests.studies(model))
    if unknown := set(names) - {study.name for study in studies} - set(parts):
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}")
    for study in studies:
        if names and study.name not in names:
            continue
        began = time.perf_counter()
        contests.run(model, study)
        print(f"{study.name}: {time.perf_counter() - began:.0f} s", flush=True)
    for part, work in parts.items():
        if not names or part in names:
            work(model)


if __name__ == "__main__":
    main(sys.argv[1:])
