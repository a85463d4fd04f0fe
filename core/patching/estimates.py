"""Scores of a list of nodes by the AtP family: the mean magnitude of the estimate over pairs (AtP* paper, eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from core.patching.atp import atp_scores
from core.patching.nodes import Nodes
from core.patching.question import Question
from core.terms import Method, NodeKind

PAIRS_AT_ONCE = 16  # bounds the stack of cotangents


def estimate(question: Question, nodes: Nodes, kinds: Sequence[NodeKind], method: Method) -> np.ndarray:
    """Non-negative scores ``[node]``; the nodes are of these kinds."""
    return np.abs(estimates(question, nodes, kinds, method)).mean(0)


def estimates(question: Question, nodes: Nodes, kinds: Sequence[NodeKind], method: Method) -> np.ndarray:
    """Estimated effects ``[pair, node]``, signed where the method is."""
    found = []
    for first in range(0, len(question.pairs), PAIRS_AT_ONCE):
        part = slice(first, first + PAIRS_AT_ONCE)
        effects = atp_scores(
            question.model,
            question.run,
            donors=question.donors,
            base_rows=question.base_rows[part],
            donor_rows=question.donor_rows[part],
            starts=question.starts[part],
            gradient=partial(question.gradient, first=first),
            kinds=kinds,
            method=method,
        )
        found.append(nodes.read(effects))
    return np.concatenate(found)
