"""Exact verification of an estimate: patch nodes in estimated order until a budget, a number of nodes or a certainty.

The state is plain arrays that fill in place, so that a page can show them while the work goes on, and a run that was
cancelled goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.patching.trust.bound import Bound, bounds_after
from core.patching.trust.oracle import Oracle
from core.progress import Progress

MOST_AT_ONCE, FEWEST_AT_ONCE = 64, 16  # nodes a step: enough to fill a batch, few enough to watch
PATCHES = 256  # aimed at in a step, over all pairs


@dataclass(eq=False)
class Verification:
    """Estimated scores, and the exact effects found so far.

    Attributes:
        score: non-negative estimate of each node's magnitude, ``[node]``.
        exact: signed effects ``[pair, node]``; NaN where not verified yet.
        order: nodes by decreasing score; the first ``done`` of them are verified.
    """

    score: np.ndarray
    exact: np.ndarray
    order: np.ndarray
    done: int = 0

    @classmethod
    def of(cls, score: np.ndarray, n_pairs: int) -> Verification:
        """Nothing verified yet."""
        order = np.argsort(-score, kind="stable")
        return cls(score, np.full((n_pairs, len(score)), np.nan, np.float32), order)

    @property
    def n_nodes(self) -> int:
        return len(self.score)

    @property
    def forwards(self) -> int:
        """Forward passes spent on verification."""
        return self.done * len(self.exact)

    @property
    def verified(self) -> np.ndarray:
        """Bool ``[node]``."""
        out = np.zeros(self.n_nodes, bool)
        out[self.order[: self.done]] = True
        return out

    @property
    def magnitude(self) -> np.ndarray:
        """Magnitude of the mean exact effect, ``[node]``; NaN where not verified."""
        return np.abs(self.exact.mean(0))

    def ranking(self) -> np.ndarray:
        """Nodes: the verified ones by exact magnitude, then the others in estimated order."""
        first = self.order[: self.done]
        return np.concatenate([first[np.argsort(-self.magnitude[first], kind="stable")], self.order[self.done :]])

    def sure_of(self, bound: float) -> int:
        """K such that the first K of the ranking are the true top K, if no other node exceeds ``bound``."""
        return int((self.magnitude[self.order[: self.done]] > bound).sum())


def nodes_for_budget(state: Verification, forwards: int) -> int:
    """How many nodes a budget of forward passes verifies; a node costs one a pair."""
    return min(state.n_nodes, forwards // len(state.exact))


def verify(
    oracle: Oracle,
    state: Verification,
    count: int,
    *,
    progress: Progress | None = None,
    on_found: Callable[[], None] | None = None,
) -> None:
    """Patch nodes exactly until the ``count`` of highest estimate are verified.

    Args:
        progress: counts nodes; leave it out where the oracle reports its forward passes itself.
        on_found: called after every few nodes, when ``state`` holds them.

    Raises:
        Cancelled: the owner of a progress asked to stop; what was found stays in ``state``.
    """
    progress = progress or Progress(count - state.done)
    step = min(MOST_AT_ONCE, max(FEWEST_AT_ONCE, PATCHES // len(state.exact)))
    while state.done < min(count, state.n_nodes):
        nodes = state.order[state.done : min(count, state.done + step)]
        state.exact[:, nodes] = oracle.effects(nodes)
        state.done += len(nodes)
        if on_found is not None:
            on_found()
        progress.advance(len(nodes))


def verify_until_sure(
    oracle: Oracle,
    state: Verification,
    top: int,
    *,
    confidence: float,
    samples: int,
    rng: np.random.Generator,
    on_found: Callable[[], None] | None = None,
    on_round: Callable[[int], None] | None = None,
) -> list[Bound]:
    """Verify more and more nodes until the true top ``top`` are certain at a confidence, or all are verified.

    The number verified doubles, and each time ``samples`` subsets of the others are patched to bound them. Every such
    look is a test of its own: that one of several looks is too hopeful is likelier than a single look's error.

    Args:
        confidence: one of ``CONFIDENCES``.
        on_found: as in ``verify``.
        on_round: called before each doubling with the forward passes that it will cost.

    Returns:
        The last look's bounds, one a confidence.
    """
    count = max(top, state.done)
    while True:
        count = min(count, state.n_nodes)
        if on_round is not None:
            on_round((count - state.done) * len(state.exact) + samples)
        verify(oracle, state, count, on_found=on_found)
        bounds = bounds_after(oracle, state.verified, samples, rng)
        reached = next(b.bound for b in bounds if b.confidence == confidence)
        if state.sure_of(reached) >= top or state.done == state.n_nodes:
            return bounds
        count = 2 * count
