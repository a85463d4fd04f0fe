"""The cost of verified recall (AtP* paper, section 4): what a method spends until the true top K are all verified.

    cost(K)       spent when the last of the true top K was verified: estimate and verifications
    oracle(K)     K times the number of pairs: a method that knew the order
    relative cost exp( sum_K ln(cost(K) / oracle(K)) / K  /  sum_K 1/K )

The relative cost is a geometric mean in which every decade of K weighs the same; 1 is the oracle. Nodes that a method
ranks too high cost a verification each; a node that it ranks too low puts off every K from its rank on.
"""

from __future__ import annotations

import numpy as np


def true_order(effects: np.ndarray) -> np.ndarray:
    """Nodes by decreasing magnitude of their mean effect; ``effects`` is ``[pair, node]``."""
    return np.argsort(-np.abs(effects.mean(0, dtype=np.float64)), kind="stable")


def recall_cost(order: np.ndarray, verified_at: np.ndarray) -> np.ndarray:
    """cost(K) for K = 1 .. N, ``[K]``, in forward passes.

    Args:
        order: nodes by decreasing true effect.
        verified_at: ``[node]``, what had been spent when each node was verified.
    """
    return np.maximum.accumulate(verified_at[order])


def oracle_cost(n_nodes: int, n_pairs: int) -> np.ndarray:
    """The oracle's cost(K) for K = 1 .. N."""
    return n_pairs * np.arange(1.0, n_nodes + 1)


def relative_cost(cost: np.ndarray, n_pairs: int) -> float:
    """Inverse-rank-weighted geometric mean of cost over the oracle's, for cost(K) at K = 1 .. N."""
    weight = 1 / np.arange(1, len(cost) + 1)
    return float(np.exp((weight * np.log(cost / oracle_cost(len(cost), n_pairs))).sum() / weight.sum()))


def shown_ranks(n_nodes: int, per_decade: int = 40) -> np.ndarray:
    """The K at which a curve is written down: all up to 100, then evenly in the logarithm, and the last."""
    dense = np.arange(1, min(n_nodes, 100) + 1)
    decades = np.log10(max(n_nodes, 100) / 100)
    sparse = np.unique(np.round(100 * 10 ** (np.arange(1, int(decades * per_decade) + 1) / per_decade)).astype(int))
    return np.unique(np.concatenate([dense, sparse[sparse <= n_nodes], [n_nodes]]))
