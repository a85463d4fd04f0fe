"""Behaviours: every trajectory of a world at once, what is seen of it, and the features that a reward may weigh.

A world whose behaviours can be listed needs no simulator: learning, questions and measures read three arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SPLIT_SEED = 123


@dataclass(frozen=True, eq=False)
class Behaviours:
    """All behaviours of a world.

    Attributes:
        world: the world's name.
        raw: what a learner sees, float32 [behaviour, number].
        features: what rewards are made of, float64 [behaviour, feature], each scaled to 0 .. 1 over all behaviours.
        names: of the features, in words.
        seen: numbers of the behaviours that questions and training may show, int64, about half of them.
        held: numbers of the others, which serve measures alone.
    """

    world: str
    raw: np.ndarray
    features: np.ndarray
    names: tuple[str, ...]
    seen: np.ndarray
    held: np.ndarray

    def __len__(self) -> int:
        return len(self.raw)


def behaviours(world: str, raw: np.ndarray, features: np.ndarray, names: tuple[str, ...]) -> Behaviours:
    """Scale the features and split the behaviours in halves, always the same way.

    Args:
        raw: [behaviour, number].
        features: [behaviour, feature] in their own units.
    """
    low, high = features.min(0), features.max(0)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(raw))
    half = len(raw) // 2
    scaled = (features - low) / (high - low)
    return Behaviours(world, raw.astype(np.float32), scaled, names, np.sort(order[:half]), np.sort(order[half:]))
