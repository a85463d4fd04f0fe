"""Subsampling (AtP* paper, Algorithm 1): patch random subsets, compare the samples that hold a node with the rest.

A sample draws one pair and a subset in which every node is with probability p, and patches it at once. One sample
informs every node. With i the effects of the samples,

    I(n) ~ mean of i over samples with n  -  mean of i over samples without n,

unbiased where effects add; an interaction of two nodes adds a bias of order p. The same counts give Welch's standard
error and degrees of freedom of that difference, which bound what was missed (see ``bound``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.patching.trust.oracle import Oracle

INCLUSION = 0.02  # p
SMALL, LARGE = 64, 512  # subsets at once
MEMBERS = 2**20  # entries of a table of subsets


@dataclass
class Statistics:
    """Count, sum and sum of squares of the samples' effects: of those that hold each node ``[node]``, and of all."""

    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    n: int = 0
    sum_all: float = 0.0
    squares_all: float = 0.0

    @classmethod
    def empty(cls, n_nodes: int) -> Statistics:
        return cls(np.zeros(n_nodes), np.zeros(n_nodes), np.zeros(n_nodes))

    def add(self, members: np.ndarray, effects: np.ndarray) -> None:
        """Count samples: ``members`` bool ``[sample, node]``, ``effects`` ``[sample]``."""
        effects = effects.astype(np.float64)
        columns = np.stack([np.ones_like(effects), effects, effects**2])
        count, total, squares = columns @ members
        self.count, self.total, self.squares = self.count + count, self.total + total, self.squares + squares
        self.n += len(effects)
        self.sum_all += effects.sum()
        self.squares_all += (effects**2).sum()

    @property
    def difference(self) -> np.ndarray:
        """Estimated effect of each node; NaN where it was in no sample, or in all."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.total / self.count - (self.sum_all - self.total) / (self.n - self.count)

    def welch(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard error of ``difference`` and its degrees of freedom; infinite and 1 with fewer than two samples
        on a side."""
        with np.errstate(invalid="ignore", divide="ignore"):
            inside = _mean_variance(self.count, self.total, self.squares)
            rest = self.n - self.count
            outside = _mean_variance(rest, self.sum_all - self.total, self.squares_all - self.squares)
            freedom = (inside + outside) ** 2 / (inside**2 / (self.count - 1) + outside**2 / (rest - 1))
            enough = (self.count >= 2) & (rest >= 2)
            error = np.where(enough, np.sqrt(inside + outside), np.inf)
            return error, np.where(enough & np.isfinite(freedom), freedom, 1.0)


def at_once(n_nodes: int) -> int:
    """How many subsets to patch in one batch: enough to fill a product, few enough to list their members."""
    return min(LARGE, max(SMALL, MEMBERS // n_nodes))


def _mean_variance(count: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Variance of the mean of ``count`` values, from their sum and sum of squares."""
    return np.maximum(squares - total**2 / count, 0) / (count - 1) / count


def subsample(
    oracle: Oracle,
    samples: Sequence[int],
    rng: np.random.Generator,
    *,
    inclusion: float = INCLUSION,
    among: np.ndarray | None = None,
) -> Iterator[Statistics]:
    """Draw subsets, and yield the statistics whenever their number reaches one of ``samples`` (increasing).

    The same object is yielded each time. One sample costs one forward pass.

    Args:
        among: bool ``[node]``, nodes that may be drawn; None: all.
    """
    statistics = Statistics.empty(oracle.n_nodes)
    for stop in samples:
        while statistics.n < stop:
            size = min(at_once(oracle.n_nodes), stop - statistics.n)
            members = rng.random((size, oracle.n_nodes), dtype=np.float32) < inclusion
            if among is not None:
                members &= among
            statistics.add(members, oracle.joint(members, rng.integers(oracle.n_pairs, size=size)))
        yield statistics
