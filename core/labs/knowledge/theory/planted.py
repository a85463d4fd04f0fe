"""Synthetic contrast pairs in which it is known what stands out: a truth of variance a, a distractor of variance b."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.labs.knowledge.probes.components import components
from core.labs.knowledge.probes.metrics import accuracy
from core.labs.knowledge.probes.normalise import fit_normaliser


@dataclass(frozen=True)
class Planted:
    """Pairs float32 ``[2, item, d_model]``, with the bool ``[item]`` that were planted in their differences."""

    pairs: np.ndarray
    labels: np.ndarray
    distractor: np.ndarray


def plant(
    rng: np.random.Generator,
    *,
    truth: float,
    distractor: float,
    items: int = 240,
    d_model: int = 64,
    noise: float = 0.2,
) -> Planted:
    """Differences ``±√a u ± √b v`` plus noise, u and v random and orthogonal, the signs balanced and crossed.

    Args:
        truth, distractor: the variances a and b of the two features in the differences.
        noise: standard deviation of each dimension of each half.
    """
    quarter = np.repeat([[False, False], [False, True], [True, False], [True, True]], -(-items // 4), axis=0)[:items]
    labels, shown = rng.permutation(quarter).T
    u, v = np.linalg.qr(rng.normal(size=(d_model, 2)))[0].T
    signs = np.where(labels, 1.0, -1.0), np.where(shown, 1.0, -1.0)
    half = (np.outer(signs[0], np.sqrt(truth) * u) + np.outer(signs[1], np.sqrt(distractor) * v)) / 2
    common = rng.normal(size=(items, d_model))
    sides = rng.normal(size=(2, 1, d_model))  # the constant offset of each answer
    pairs = common + sides + np.stack([-half, half]) + noise * rng.normal(size=(2, items, d_model))
    return Planted(pairs.astype(np.float32), labels, shown)


def winners(*, truth: float, distractor: float, seed: int = 0, noise: float = 0.2) -> tuple[float, float]:
    """Accuracy of the first principal component on the planted truth and on the planted distractor."""
    data = plant(np.random.default_rng(seed), truth=truth, distractor=distractor, noise=noise)
    x = fit_normaliser(data.pairs, "mean")(data.pairs)
    predicted = ((x[1] - x[0]) @ components(x, 1)[0].T).T > 0
    return float(accuracy(predicted, data.labels)[0]), float(accuracy(predicted, data.distractor)[0])
