"""How well a score agrees with the exact effects: the order of all nodes, and what it finds of the largest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

TOP = (10, 100, 1000)


@dataclass(frozen=True)
class Agreement:
    """``spearman`` is the rank correlation of score and magnitude over all nodes, NaN where either is constant;
    ``recall`` maps k to the share of the true top k that is in the score's top k."""

    spearman: float
    recall: dict[int, float]


def agreement(score: np.ndarray, effects: np.ndarray, top: Sequence[int] = TOP) -> Agreement:
    """Compare a score ``[node]`` with the magnitude of the mean exact effect; ``effects`` is ``[pair, node]``.

    Args:
        top: the k of the recall; those larger than the number of nodes are left out.
    """
    truth = np.abs(effects.mean(0, dtype=np.float64))
    vary = np.ptp(score) > 0 and np.ptp(truth) > 0
    spearman = float(spearmanr(score, truth).statistic) if vary else float("nan")
    by_score, by_truth = (np.argsort(-x, kind="stable") for x in (score, truth))
    shares = {k: len(np.intersect1d(by_score[:k], by_truth[:k])) / k for k in top if k <= len(score)}
    return Agreement(spearman, shares)
