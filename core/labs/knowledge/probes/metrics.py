"""How well predictions match the truth, a distractor, or each other."""

from __future__ import annotations

import math

import numpy as np


def matches(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Share of equal predictions ``[probe]``, of bool ``[probe, item]`` against bool ``[item]``."""
    return (predicted == target).mean(-1)


def accuracy(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """max(a, 1 − a) ``[probe]``: an unsupervised probe does not know which of its two sides is true."""
    share = matches(predicted, target)
    return np.maximum(share, 1 - share)


def chance_floor(n: int) -> float:
    """Mean of max(a, 1 − a) over fair coin flips for ``n`` items: more than one half."""
    return 0.5 + math.comb(n - 1, (n - 1) // 2) / 2**n


def orientation(scores: np.ndarray, labels: np.ndarray, few: np.ndarray) -> np.ndarray:
    """+1 or −1 ``[probe]``: the sign that a few labelled items give a probe; +1 where they are split.

    Args:
        scores: ``[probe, item]``. few: indices of the labelled items.
    """
    share = matches(scores[:, few] > 0, labels[few])
    return np.where(share < 0.5, -1, 1)


def few_labelled(labels: np.ndarray, candidates: np.ndarray, rng: np.random.Generator, *, n: int = 10) -> np.ndarray:
    """Indices of ``n`` items to orient probes by, half of each label, from the candidates (bool ``[item]``)."""
    picked = [rng.permutation(np.flatnonzero(candidates & (labels == side)))[: n // 2] for side in (False, True)]
    return np.concatenate(picked)


def agreement(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Share of identical predictions of two methods, mean over all pairs of their probes, and the share expected if
    they erred independently, ``ab + (1 − a)(1 − b)``. Each probe is turned to the side that fits the labels better.

    Args:
        first, second: bool ``[probe, item]``.
    """
    a, b = _turned(first, labels), _turned(second, labels)
    same = (a[:, None] == b[None]).mean(-1)
    right = np.outer(matches(a, labels), matches(b, labels))
    wrong = np.outer(1 - matches(a, labels), 1 - matches(b, labels))
    return float(same.mean()), float((right + wrong).mean())


def _turned(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return predicted ^ (matches(predicted, labels) < 0.5)[:, None]
