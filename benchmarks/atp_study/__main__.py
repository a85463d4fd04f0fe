"""The study behind the Trust page, kept under ``assets/study``.

    python -m benchmarks.atp_study [NAME ...]

runs everything, or the parts named: contests (``ioi-attention``, ``ioi-set``, ``ioi-neurons``, ...), ``coverage`` and
``failures``. On two quiet cores a contest on attention nodes of a pair takes a minute, of a set five. The exact
effects of all neurons take five to fifteen minutes a pair; they are kept, and computed again only where their file
(``exact.safetensors``) was removed.
"""

from __future__ import annotations

import sys
import time

from benchmarks.atp_study import contests, coverage, failures
from core.models.catalogue import DEFAULT
from core.models.load import load_model


def main(names: list[str]) -> None:
    """Run the parts named, or all."""
    model = load_model(DEFAULT, device="cpu", dtype="float32")
    for study in contests.chosen(model, names):
        began = time.perf_counter()
        contests.run(model, study)
        print(f"{study.name}: {time.perf_counter() - began:.0f} s", flush=True)
    for part, work in (("failures", failures.run), ("coverage", coverage.run)):
        if not names or part in names:
            work(model)


if __name__ == "__main__":
    main(sys.argv[1:])
