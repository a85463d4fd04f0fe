"""The study behind the Trust page: cost of verified recall of attention nodes on the default model.

    python -m benchmarks.atp_study

runs every file of ``pairs/`` (one pair each) and keeps curves, bounds and one number a method under
``assets/study``. The exact truth of one pair takes a minute on one core, the subsets and blocks of the rivals and
bounds five.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from core.__main__ import main

HERE = Path(__file__).parent
KEPT = ("recall.csv", "bound.csv", "summary.json")


def run(pairs: Path) -> None:
    """One task; the scores of single nodes are not kept."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "out"
        options = ["--nodes", "q,k,v,z", "--seeds", "3", "--samples", "512", "--device", "cpu", "--out", str(out)]
        if main(["recall", "--model", "smollm2-135m", "--pairs", str(pairs), *options]):
            raise SystemExit(2)
        kept = HERE.parents[1] / "assets" / "study" / pairs.stem
        kept.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copy(out / name, kept / name)


if __name__ == "__main__":
    for file in sorted((HERE / "pairs").glob("*.csv")):
        run(file)
