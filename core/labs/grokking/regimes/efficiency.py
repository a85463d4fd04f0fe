"""Efficiency: what memorising and the general solution cost in norm, by set size (Varma et al., prediction 1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.labs.grokking.regimes.shared import MOD_53, MOD_113, Standing, in_range, interval, middle_and_range
from core.labs.grokking.settings import Settings

TITLE = "Efficiency"
CLAIM = (
    "Memorising costs more norm the more pairs there are; the general solution costs the same for any number. Where "
    "the two cross lies the critical size (prediction 1)."
)
LIMITS = (
    "The norm of the whole network stands for the norm of one circuit. Runs on true labels that passed are nearly "
    "pure by their test accuracy; the share of their logits in the trigonometric solution stands beside it."
)
SMALL: dict[str, Any] = MOD_53 | {
    "lr": 5e-3,
    "steps": 3000,
    "anneal": 0.4,
    "points": 40,
    "sizes": (1400, 1700, 2000),
    "random_sizes": (150, 250, 350, 500, 700, 900),
    "weight_decays": (0.5, 1.0),
    "seeds": 2,
}
PAPER: dict[str, Any] = MOD_113 | {
    "steps": 30_000,
    "anneal": 0.4,
    "sizes": (4000, 6000, 8000, 10_000),
    "random_sizes": (500, 750, 1000, 1500, 2000, 3000),
    "weight_decays": (0.3, 0.5, 1.0),
    "seeds": 3,
}
DRAWS = 2000  # of the percentile bootstrap over runs, at a fixed seed
GENERALISING = 0.99  # test accuracy of a net that counts as generalising


def measured(settings: Settings, table: pd.DataFrame, ends: pd.DataFrame, trig: dict[int, float]) -> dict[str, Any]:
    """Slopes of log norm against log size for both families, and where they cross, for each weight decay."""
    fits = []
    for decay, part in ends.groupby("weight_decay"):
        good = passed(part)
        families = (good[good["labels"] == labels] for labels in ("random", "true"))
        fits.append({"weight_decay": float(decay), **_fit(*families)})
    true = ends[ends["labels"] == "true"]
    fractions = [trig[run] for run in true["run"] if run in trig]
    return {
        "fits": fits,
        "n_random": int((ends["labels"] == "random").sum()),
        "n_memorised": int(((ends["labels"] == "random") & (ends["train_acc"] >= 1.0)).sum()),
        "n_true": len(true),
        "n_generalised": int((true["test_acc"] >= GENERALISING).sum()),
        "trig_fraction": middle_and_range(pd.Series(fractions, dtype=float)),
        "n_trig_95": int(np.sum(np.array(fractions) > 0.95)),
    }


def passed(ends: pd.DataFrame) -> pd.DataFrame:
    """Of the last rows of runs, those of random labels that were all learned, and those that generalised."""
    random = ends["labels"] == "random"
    return ends[(random & (ends["train_acc"] >= 1.0)) | (~random & (ends["test_acc"] >= GENERALISING))]


def _fit(memory: pd.DataFrame, solution: pd.DataFrame) -> dict[str, Any]:
    if len(memory) < 3 or len(solution) < 3:
        return {"memory_slope": None, "solution_slope": None, "critical_size": None}
    rng = np.random.default_rng(0)
    whole = _slopes(memory, solution)
    draws = [_slopes(_resampled(memory, rng), _resampled(solution, rng)) for _ in range(DRAWS)]
    return {
        name: {"value": value, "low": float(low), "high": float(high)}
        for name, value, low, high in zip(
            ("memory_slope", "solution_slope", "critical_size"), whole, *np.nanpercentile(draws, [2.5, 97.5], axis=0)
        )
    }


def _slopes(memory: pd.DataFrame, solution: pd.DataFrame) -> tuple[float, float, float]:
    """Slope of memory, slope of the solution, and the size at which memory's line meets the solution's mean norm."""
    slope, level = _line(memory)
    height = float(np.log(solution["norm"]).mean())
    crossing = float(np.exp((height - level) / slope)) if slope > 0 else float("nan")
    return slope, _line(solution)[0], crossing


def _line(part: pd.DataFrame) -> tuple[float, float]:
    x, y = np.log(part["n_train"].to_numpy(dtype=float)), np.log(part["norm"].to_numpy(dtype=float))
    if np.ptp(x) == 0:
        return float("nan"), float(y.mean())
    slope, level = np.polyfit(x, y, 1)
    return float(slope), float(level)


def _resampled(part: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return part.iloc[rng.integers(0, len(part), len(part))]


def said(numbers: dict[str, Any]) -> tuple[Standing, list[str]]:
    """How the claim stands, and sentences."""
    lines = [
        f"{numbers['n_memorised']} of {numbers['n_random']} runs on random labels learned all of them, "
        f"{numbers['n_generalised']} of {numbers['n_true']} on true labels reach 99 % on unseen pairs; only these "
        "count."
    ]
    fraction = numbers["trig_fraction"]
    if fraction:
        lines.append(
            f"Trig fraction of the latter's logits: {in_range(fraction, 100, 0)} %; the paper asks for more than 95 %, "
            f"which {numbers['n_trig_95']} reach."
        )
    good = []
    for fit in numbers["fits"]:
        memory, solution, size = (fit[name] for name in ("memory_slope", "solution_slope", "critical_size"))
        if memory is None:
            lines.append(f"Weight decay {fit['weight_decay']:g}: too few runs to fit.")
            continue
        lines.append(
            f"Weight decay {fit['weight_decay']:g}: norm grows as pairs to the power {interval(memory)} when "
            f"memorising, {interval(solution)} when generalising; they cross at {interval(size, 0)} pairs (95 % "
            "intervals)."
        )
        good.append((memory["low"] > 0, solution["low"] <= 0 <= solution["high"]))
    if not good:
        return "cannot tell", lines
    grows, level = (all(column) for column in zip(*good))
    return ("agrees" if grows and level else "partly" if grows or level else "does not agree"), lines
