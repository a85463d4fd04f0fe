"""Grokking: under weight decay a network that has memorised turns, much later, to the solution that holds for all.

The small preset (half of the table, learning rate 0.01, weight decay 0.3) was chosen among nine, on seeds 0 to 19,
for a delay that is long enough to see and short enough to wait for, whatever the seed.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.labs.grokking.regimes.shared import MOD_53, MOD_113, MOMENTS, Standing, in_range, middle_and_range
from core.labs.grokking.settings import Settings

TITLE = "Grokking"
CLAIM = (
    "A network first memorises its training pairs; much later, under weight decay, it changes to a solution that "
    "holds for unseen pairs too, because that one gives the same logits at a smaller norm."
)
LIMITS = (
    "A few seeds of a small network on one table at a high learning rate; the size of the training set and the weight "
    "decay were chosen so that the delay fits into a minute. It shows that and when, not why. Where x and y can be "
    "swapped, a network that has only memorised is right on unseen pairs whose mirror image it has seen: with half of "
    "the table, on up to half of them."
)
SMALL: dict[str, Any] = MOD_53 | {
    "lr": 1e-2,
    "steps": 8500,
    "sizes": (1404,),
    "weight_decays": (0.3,),
    "seeds": 2,
    "moments": MOMENTS,
}
PAPER: dict[str, Any] = MOD_113 | {"steps": 20_000, "sizes": (3830,), "seeds": 1, "moments": MOMENTS, "points": 200}
DELAY = 3.0  # test accuracy this many times later than training accuracy counts as grokking


def measured(settings: Settings, table: pd.DataFrame, ends: pd.DataFrame, trig: dict[int, float]) -> dict[str, Any]:
    """By weight decay: how many runs learned, generalised and grokked, and how late."""
    return {"by_weight_decay": [_of(part) for _, part in ends.groupby("weight_decay")]}


def _of(ends: pd.DataFrame) -> dict[str, Any]:
    delay = (ends["step_test_95"] / ends["step_train_100"]).dropna().astype(float)
    return {
        "weight_decay": float(ends["weight_decay"].iloc[0]),
        "n": len(ends),
        "memorised": int(ends["step_train_100"].notna().sum()),
        "generalised": int(ends["step_test_95"].notna().sum()),
        "grokked": int((delay >= DELAY).sum()),
        "delay": middle_and_range(delay),
        "final_test_acc": middle_and_range(ends["test_acc"]),
        "final_norm": middle_and_range(ends["norm"]),
    }


def said(numbers: dict[str, Any]) -> tuple[Standing, list[str]]:
    """How the claim stands, and sentences."""
    rows = numbers["by_weight_decay"]
    grokked, n = (sum(row[name] for row in rows) for name in ("grokked", "n"))
    return ("agrees" if grokked == n else "partly" if grokked else "does not agree"), lines(rows)


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """One sentence a weight decay."""
    found = []
    for row in rows:
        line = (
            f"Weight decay {row['weight_decay']:g}: {row['memorised']} of {row['n']} runs learned every training pair, "
            f"{row['generalised']} reached 95 % on unseen pairs, {row['grokked']} of them at least three times later."
        )
        if row["delay"]:
            delay = row["delay"]
            line += f" Delay: {delay['median']:.1f} times ({delay['low']:.1f} to {delay['high']:.1f})."
        found.append(f"{line} Final accuracy on unseen pairs: {in_range(row['final_test_acc'], 100, 0)} %.")
    return found
