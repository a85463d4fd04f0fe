"""How large an effect can have been missed: an upper bound on all nodes that were not verified (AtP* paper, section 4).

From the samples of ``subsampling``, with d the magnitude of a node's estimated effect, se its Welch standard error
and t the quantile of Student's distribution with Welch's degrees of freedom,

    bound = max over nodes not verified of  d + t(confidence) se.

To reject "some node reaches the bound" every single node must be rejected, so that no correction for their number is
needed. The bound rests on effects of subsets being nearly sums: interaction is a bias it does not see. Draw subsets
among the nodes not verified only: the verified ones would add variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from core.patching.trust.oracle import Oracle
from core.patching.trust.subsampling import INCLUSION, Statistics, subsample

CONFIDENCES = (0.9, 0.99, 0.999)


@dataclass(frozen=True)
class Bound:
    """No node outside the ``verified`` first ones exceeds ``bound``, at this confidence. ``true_max`` is the
    largest effect among them where it is known, else NaN. Units of the metric."""

    verified: int
    confidence: float
    bound: float
    true_max: float = float("nan")

    @property
    def holds(self) -> bool:
        return self.true_max <= self.bound


def upper_bounds(statistics: Statistics, among: np.ndarray, confidences: Sequence[float] = CONFIDENCES) -> np.ndarray:
    """Bounds on the largest effect among nodes (bool ``[node]``), one a confidence; infinite where a node was in
    fewer than two samples; 0 where there is no node left."""
    if not among.any():
        return np.zeros(len(confidences))
    difference, (error, freedom) = np.abs(statistics.difference[among]), statistics.welch()
    quantile = student.ppf(np.array(confidences)[:, None], freedom[among])  # [confidence, node]
    return np.nan_to_num(difference + quantile * error[among], nan=np.inf, posinf=np.inf).max(1)


def bounds_after(
    oracle: Oracle,
    verified: np.ndarray,
    samples: int,
    rng: np.random.Generator,
    *,
    truth: np.ndarray | None = None,
    confidences: Sequence[float] = CONFIDENCES,
    inclusion: float = INCLUSION,
) -> list[Bound]:
    """Sample the nodes not verified, and bound them.

    Args:
        verified: bool ``[node]``.
        samples: forward passes to spend.
        truth: magnitudes ``[node]``, where known, for ``true_max``.
    """
    left = ~verified
    (statistics,) = subsample(oracle, [samples], rng, among=left, inclusion=inclusion)
    largest = float("nan") if truth is None else float(truth[left].max(initial=0))
    found = upper_bounds(statistics, left, confidences)
    return [Bound(int(verified.sum()), c, float(b), largest) for c, b in zip(confidences, found)]


def coverage(bounds: Sequence[Bound]) -> dict[float, float]:
    """Confidence -> share of the bounds that hold. Every one needs its ``true_max``."""
    levels = sorted({b.confidence for b in bounds})
    return {c: float(np.mean([b.holds for b in bounds if b.confidence == c])) for c in levels}
