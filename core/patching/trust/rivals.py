"""The methods that AtP* is measured against: ways to find the nodes of largest effect by patching alone.

Each gives a Walk: the order in which it verifies nodes exactly, and what it has spent by then (see ``prices``). A node
is verified when it was patched alone in every pair; its target is the magnitude of its mean effect over pairs.

    in order      by decreasing estimate, the estimate paid for first (AtP family and subsampling)
    iterative     every node, in random order; over several pairs, alternately one more pair for every node, and
                  full verification of the best N/D of those not verified
    blocks        every block of neighbours patched at once, then the nodes block by block
    hierarchical  blocks of blocks: always open the block of largest effect
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.patching.trust.oracle import Oracle
from core.patching.trust.subsampling import at_once

BlockEffects = Callable[[int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Walk:
    """``verified_at[node]`` is what had been spent, in forward passes, when the node was verified."""

    verified_at: np.ndarray

    @property
    def order(self) -> np.ndarray:
        """Node indices, first verified first."""
        return np.argsort(self.verified_at, kind="stable")


def in_order(score: np.ndarray, price: float, n_pairs: int, rng: np.random.Generator) -> Walk:
    """Verify by decreasing score ``[node]`` after spending ``price``; ties, and NaN at the end, in random order."""
    order = np.lexsort((rng.random(len(score)), -np.nan_to_num(score, nan=-np.inf)))
    return Walk(_at(order, price + n_pairs * np.arange(1, len(order) + 1)))


def iterative(oracle: Oracle, rng: np.random.Generator) -> Walk:
    """Exact patching in random order, without any estimate."""
    n_nodes, n_pairs = oracle.n_nodes, oracle.n_pairs
    verified_at = np.full(n_nodes, np.nan)
    left = rng.permutation(n_nodes)
    seen = np.abs(oracle.effects(np.arange(n_nodes)))[rng.permutation(n_pairs)]  # in the order in which pairs are used
    spent = 0.0
    for round_ in range(1, n_pairs):
        spent += len(left)
        best = np.argsort(-seen[:round_, left].mean(0), kind="stable")
        chosen, left = np.split(left[best], [-(-n_nodes // n_pairs)])
        verified_at[chosen] = spent + (n_pairs - round_) * np.arange(1, len(chosen) + 1)
        spent += (n_pairs - round_) * len(chosen)
        left = rng.permutation(left)
    verified_at[left] = spent + np.arange(1, len(left) + 1)
    return Walk(verified_at)


def block_effects(oracle: Oracle, size: int) -> np.ndarray:
    """Magnitude of the mean effect over pairs of each block of ``size`` neighbours, ``[block]``."""
    n_blocks = -(-oracle.n_nodes // size)
    block, pair = np.divmod(np.arange(n_blocks * oracle.n_pairs), oracle.n_pairs)
    of_node, step, found = np.arange(oracle.n_nodes) // size, at_once(oracle.n_nodes), []
    for start in range(0, len(block), step):
        part = slice(start, start + step)
        members = of_node == block[part, None]
        found.append(oracle.joint(members, pair[part]))
    return np.abs(np.concatenate(found).reshape(n_blocks, oracle.n_pairs).mean(1))


def blocks(effects: np.ndarray, size: int, n_nodes: int, n_pairs: int, rng: np.random.Generator) -> Walk:
    """Every block once, then the nodes of the block of largest effect, of the next, and so on.

    Args:
        effects: ``block_effects`` of this size.
    """
    node = rng.permutation(n_nodes)
    order = node[np.argsort(-effects[node // size], kind="stable")]
    return Walk(_at(order, n_pairs * (len(effects) + np.arange(1, n_nodes + 1))))


def hierarchical(effects: BlockEffects, branching: int, n_nodes: int, n_pairs: int, rng: np.random.Generator) -> Walk:
    """Open the block of largest effect: patch the blocks in it, or, in the smallest ones, its nodes one by one.

    Args:
        effects: block size -> ``block_effects``; asked for powers of ``branching`` below ``n_nodes``.
    """
    sizes = [1, *powers(branching, n_nodes)]
    verified_at, run = np.zeros(n_nodes), 0
    heap: list[tuple[float, float, int, int]] = []  # -effect, tie-breaker, size, index

    def patch(size: int, inside: range) -> None:
        nonlocal run
        for index in rng.permutation(np.array(inside)).tolist():
            run += 1
            if size == 1:
                verified_at[index] = run * n_pairs
            else:
                heapq.heappush(heap, (-float(effects(size)[index]), rng.random(), size, index))

    patch(sizes[-1], range(-(-n_nodes // sizes[-1])))
    while heap:
        *_, size, index = heapq.heappop(heap)
        inner = sizes[sizes.index(size) - 1]
        first, last = index * size // inner, -(-min((index + 1) * size, n_nodes) // inner)
        patch(inner, range(first, last))
    return Walk(verified_at)


def _at(order: np.ndarray, spent: np.ndarray) -> np.ndarray:
    out = np.empty(len(order))
    out[order] = spent
    return out


def powers(base: int, stop: int) -> Iterator[int]:
    """``base``, ``base``^2, ... below ``stop``."""
    value = base
    while value < stop:
        yield value
        value *= base
