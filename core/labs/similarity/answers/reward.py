"""Preference questions on top of a learned representation: the reward of all behaviours, and the next question."""

from __future__ import annotations

import numpy as np

from core.labs.similarity.answers.ensemble import Ensemble
from core.worlds.listed.behaviours import Behaviours


def learned_values(ensemble: Ensemble, behaviours: Behaviours, pairs: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Reward of every behaviour, mean 0 and variance 1: Bradley-Terry on each member's representation, then their mean.

    Args:
        pairs: behaviours compared [question, 2].
        first: whether the first was better, bool [question].
    """
    from core.labs.similarity.learning.preferences import Preferences
    from core.labs.similarity.measures import reward_of, standardised

    answers, total = Preferences(pairs, first, np.zeros(len(pairs), int)), np.zeros(len(behaviours))
    for points in ensemble.points:
        scaled = standardised(points, behaviours)
        values = scaled @ reward_of(scaled, answers)
        total += (values - values.mean()) / max(values.std(), 1e-9)
    return (total - total.mean()) / max(total.std(), 1e-9)


def next_pair(behaviours: Behaviours, number: int, seed: int) -> tuple[int, int]:
    """Two seen behaviours at random, the same again for the same number and seed."""
    a, b = np.random.default_rng([seed, number, 13]).choice(behaviours.seen, 2, replace=False)
    return int(a), int(b)
