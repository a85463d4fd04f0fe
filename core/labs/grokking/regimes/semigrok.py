"""Semi-grokking: near the critical size some networks stay at a middling accuracy (Varma et al., prediction 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.labs.grokking.regimes.shared import MOD_113, Standing
from core.labs.grokking.settings import Settings

TITLE = "Semi-grokking"
CLAIM = (
    "Close to the critical size, some networks change late to a solution that gets a middling share of the unseen "
    "pairs right, and stay there (prediction 4)."
)
LIMITS = (
    "The paper trains hundreds of runs for tens of millions of steps. Here a plateau may be the slow start of full "
    "generalisation, as the paper warns of its own; a few plateaus among few runs are no rate."
)
SMALL: dict[str, Any] = {
    "operation": "x + y",
    "p": 41,
    "d_model": 24,
    "n_heads": 4,
    "d_mlp": 96,
    "lr": 1e-2,
    "steps": 12_000,
    "points": 120,
    "sizes": (440, 480, 520, 560),
    "seeds": 4,
}
PAPER: dict[str, Any] = MOD_113 | {
    "steps": 1_000_000,
    "points": 400,
    "sizes": (1500, 1600, 1700, 1800, 1900, 2000, 2050),
    "seeds": 8,
}
MIDDLING, HIGH = (0.2, 0.8), 0.95
FLAT = 0.03  # a curve moves by less than this on a plateau
LATE = 0.1  # how far test accuracy must rise after training accuracy is perfect
SEVERAL = 2  # plateaus; one may be chance


def measured(settings: Settings, table: pd.DataFrame, ends: pd.DataFrame, trig: dict[int, float]) -> dict[str, Any]:
    """How each run went, and how many went each way."""
    kinds = {int(run): course(part) for run, part in table.groupby("run")}
    rows = [
        {"run": int(end.run), "seed": int(end.seed), "n_train": int(end.n_train), "kind": kinds[int(end.run)]}
        | {"test_acc": float(end.test_acc)}
        for end in ends.itertuples()
    ]
    counts = pd.Series([row["kind"] for row in rows]).value_counts()
    return {"runs": rows, "counts": {str(k): int(n) for k, n in counts.items()}, "chance": 1 / settings.p}


def course(table: pd.DataFrame) -> str:
    """How one run went, by its accuracy on unseen pairs (a running median of 3 points).

    ``generalised``: it ends at 95 % or more; ``transient``: the same, after a fifth of the run between 20 and 80 %;
    ``semi-grokked``: it ends between 20 and 95 %, has risen by 10 points since the training set was learned, and the
    first and last third of the run's last quarter differ by less than 3 points; ``rising``: as that, but still
    moving; ``memorised``: all others; ``not learned``: training accuracy never reached 100 %.
    """
    learned = table["step"][table["train_acc"] >= 1.0]
    if learned.empty:
        return "not learned"
    after = table[table["step"] >= learned.iloc[0]]
    step, acc = after["step"].to_numpy(), after["test_acc"].rolling(3, center=True, min_periods=1).median().to_numpy()
    end = step[-1]
    if acc[-1] >= HIGH:
        between = step[(acc > MIDDLING[0]) & (acc < MIDDLING[1])]
        return "transient" if len(between) and np.ptp(between) > end / 5 else "generalised"
    if acc[-1] <= MIDDLING[0] or acc[-1] - acc[0] < LATE:
        return "memorised"
    first, last = acc[(step >= 0.75 * end) & (step <= 0.84 * end)], acc[step >= 0.91 * end]
    settled = len(first) > 0 and abs(np.median(last) - np.median(first)) < FLAT
    return "semi-grokked" if settled else "rising"


def said(numbers: dict[str, Any]) -> tuple[Standing, list[str]]:
    """How the claim stands, and sentences."""
    counts, n = numbers["counts"], len(numbers["runs"])
    parts = ", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts, key=lambda kind: -counts[kind]))
    lines = [f"Of {n} runs: {parts}."]
    for row in numbers["runs"]:
        if row["kind"] in ("semi-grokked", "transient"):
            what = f"ends at {100 * row['test_acc']:.0f} % on unseen pairs"
            lines.append(f"Seed {row['seed']} with {row['n_train']} pairs: {row['kind']}, {what}.")
    lines.append(f"Chance is {100 * numbers['chance']:.1f} %.")
    plateaus = counts.get("semi-grokked", 0)
    if plateaus >= SEVERAL:
        return "agrees", lines
    return ("partly" if plateaus or counts.get("transient") else "cannot tell"), lines
