"""Means of episodes with 95 % intervals, by a bootstrap over seeds and over the episodes of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

DRAWS, SEED = 1000, 7


class Interval(TypedDict):
    """A mean and the ends of its 95 % interval; all None where there is nothing to average."""

    mean: float | None
    low: float | None
    high: float | None


def means(seeds: Sequence[np.ndarray]) -> np.ndarray:
    """Means of redrawn episodes of redrawn seeds, float64 [1 + DRAWS]; the first is the mean of the data themselves.

    Args:
        seeds: one array of values a seed, NaN for an episode without one. Seeds weigh alike.
    """
    kept = [values[~np.isnan(values)] for values in seeds]
    kept = [values for values in kept if len(values)]
    if not kept:
        return np.full(1 + DRAWS, np.nan)
    rng = np.random.default_rng(SEED)
    redrawn = np.stack([_redrawn(values, rng) for values in kept])
    chosen = rng.integers(0, len(kept), (DRAWS, len(kept)))
    resampled = redrawn[chosen, np.arange(DRAWS)[:, None]].mean(1)
    return np.append(np.mean([values.mean() for values in kept]), resampled)


def interval(drawn: np.ndarray) -> Interval:
    """The interval of ``means``, or of any function of several of them."""
    if not np.isfinite(drawn[0]):
        return {"mean": None, "low": None, "high": None}
    low, high = np.nanpercentile(drawn[1:], [2.5, 97.5])
    return {"mean": float(drawn[0]), "low": float(low), "high": float(high)}


def _redrawn(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means of ``DRAWS`` samples with repetition, float64 [DRAWS]."""
    counts = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=DRAWS)
    return counts @ values / len(values)
