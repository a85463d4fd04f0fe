"""Ungrokking: trained on with too few pairs, a network goes back to memorising.

Varma et al. 2023, predictions 2 (the change is sharp in the number of pairs) and 3 (weight decay does not move it).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.labs.grokking.regimes.shared import MOD_53, MOD_113, Standing
from core.labs.grokking.settings import Settings

TITLE = "Ungrokking"
CLAIM = (
    "A network that has generalised, trained on with fewer than a critical number of pairs, goes back to memorising. "
    "The change is sharp in the number of pairs (prediction 2), and its end point does not depend on the strength of "
    "weight decay (prediction 3)."
)
LIMITS = (
    "One table, a small network, a fixed number of steps: runs just above the threshold may still be falling. The "
    "threshold is read off means over few seeds. Networks grok on part of the table first and then see all of it, so "
    "that nothing is memorised when pairs are taken away; the paper trains on all from the start."
)
SMALL: dict[str, Any] = MOD_53 | {
    "lr": 5e-3,
    "steps": 2500,
    "anneal": 0.2,
    "points": 40,
    "pre_sizes": (1404, 2809),
    "pre_steps": (4000, 300),
    "pre_lr": 1e-2,
    "pre_decay": 0.3,
    "sizes": (84, 140, 197, 281, 365, 449, 562, 702),
    "weight_decays": (0.5, 1.0),
    "seeds": 2,
}
PAPER: dict[str, Any] = MOD_113 | {
    "steps": 20_000,
    "anneal": 0.2,
    "pre_sizes": (3830, 12_769),
    "pre_steps": (15_000, 500),
    "pre_lr": 1e-3,
    "sizes": (390, 488, 610, 763, 955, 1194, 1494),
    "weight_decays": (0.5, 1.0),
    "seeds": 10,
}
SETTLED = 1e-2  # largest final training loss of a run that counts as settled
SAME_PLACE = 1.25  # thresholds of two weight decays closer than this factor count as one
SHARP = 3.0  # from 20 to 80 % within this factor of the set size counts as sharp


def measured(settings: Settings, table: pd.DataFrame, ends: pd.DataFrame, trig: dict[int, float]) -> dict[str, Any]:
    """Final accuracy on unseen pairs by set size and weight decay, where it crosses one half, how sharply."""
    return _ends(ends) | {"starts_at": float(table.loc[table["step"] == 0, "test_acc"].min())}


def _ends(ends: pd.DataFrame) -> dict[str, Any]:
    rows = [
        {
            "n_train": int(size),
            "weight_decay": float(decay),
            "test_acc": float(part["test_acc"].mean()),
            "low": float(part["test_acc"].min()),
            "high": float(part["test_acc"].max()),
            "n": len(part),
            "settled": int((part["train_loss"] < SETTLED).sum()),
        }
        for (decay, size), part in ends.groupby(["weight_decay", "n_train"])
    ]
    means = ends.pivot_table(index="n_train", columns="weight_decay", values="test_acc")
    lines = {float(decay): means[decay].dropna() for decay in means.columns}
    gaps = [abs(lines[a] - lines[b]).max() for a in lines for b in lines if a < b]
    return {
        "points": rows,
        "threshold": [{"weight_decay": d, "n_train": _crossing(line, 0.5)} for d, line in lines.items()],
        "from_20_to_80": [
            {"weight_decay": d, "low": _crossing(line, 0.2), "high": _crossing(line, 0.8)} for d, line in lines.items()
        ],
        "largest_difference_between_weight_decays": float(max(gaps)) if gaps else None,
        "largest_spread_between_seeds": float(max(row["high"] - row["low"] for row in rows)),
        "kept_train_acc": float(ends["train_acc"].min()),
    }


def _crossing(line: pd.Series, level: float) -> float | None:
    """Size at which a curve that rises with size passes a level, on a logarithmic axis; None: it does not."""
    sizes, values = np.log(line.index.to_numpy(dtype=float)), line.to_numpy()
    for i in range(len(values) - 1):
        if values[i] < level <= values[i + 1]:
            share = (level - values[i]) / (values[i + 1] - values[i])
            return float(np.exp(sizes[i] + share * (sizes[i + 1] - sizes[i])))
    return None


def said(numbers: dict[str, Any]) -> tuple[Standing, list[str]]:
    """How the claim stands, and sentences."""
    lines = [f"Before, every network gets at least {100 * numbers['starts_at']:.1f} % of the unseen pairs right."]
    thresholds = [row["n_train"] for row in numbers["threshold"]]
    for threshold, spread in zip(numbers["threshold"], numbers["from_20_to_80"]):
        own = [row for row in numbers["points"] if row["weight_decay"] == threshold["weight_decay"]]
        ends = (
            f"{100 * own[0]['test_acc']:.0f} % at {own[0]['n_train']} pairs and {100 * own[-1]['test_acc']:.0f} % at "
        )
        line = f"Weight decay {threshold['weight_decay']:g}: accuracy on unseen pairs ends at {ends}"
        line += f"{own[-1]['n_train']} (means of {own[0]['n']} seeds)."
        if threshold["n_train"]:
            line += f" It passes 50 % at {threshold['n_train']:.0f} pairs"
        if spread["low"] and spread["high"]:
            line += f", and goes from 20 to 80 % between {spread['low']:.0f} and {spread['high']:.0f}"
        lines.append(line.rstrip(".") + ".")
    gap, seeds = numbers["largest_difference_between_weight_decays"], numbers["largest_spread_between_seeds"]
    if gap is not None:
        lines.append(
            f"Between weight decays the means differ by at most {100 * gap:.0f} points of accuracy; between seeds of "
            f"one setting runs differ by up to {100 * seeds:.0f}."
        )
    unsettled = sum(row["n"] - row["settled"] for row in numbers["points"])
    lines.append(f"Runs whose training loss had not settled below 0.01: {unsettled}.")
    sharp = all(r["low"] and r["high"] and r["high"] / r["low"] <= SHARP for r in numbers["from_20_to_80"])
    found = [t for t in thresholds if t]
    same = len(found) == len(thresholds) and max(found) / min(found) <= SAME_PLACE if found else False
    return ("agrees" if sharp and same else "partly" if sharp or same else "does not agree"), lines
