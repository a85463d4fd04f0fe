"""What a method may ask about nodes: the effect of one, or of a subset, in one pair. Every answer costs a forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from core.patching.exact import node_effects
from core.patching.nodes import Nodes
from core.patching.question import Question
from core.patching.subsets import joint_effects, single_effects
from core.progress import Progress

FEW = 64  # nodes up to which rows of all pairs share a batch; more of them fill one pair's


class Oracle(Protocol):
    """Answers about nodes ``0 .. n_nodes - 1`` in pairs ``0 .. n_pairs - 1``."""

    @property
    def n_nodes(self) -> int: ...

    @property
    def n_pairs(self) -> int: ...

    def effects(self, nodes: np.ndarray) -> np.ndarray:
        """Effects of single nodes in every pair, ``[pair, node]``."""

    def joint(self, members: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """Effects of subsets, ``[sample]``: the nodes ``members`` (bool ``[sample, node]``) of pairs ``[sample]``."""


@dataclass(frozen=True)
class Patching:
    """The oracle that really patches a model."""

    question: Question
    nodes: Nodes
    progress: Progress = field(default_factory=lambda: Progress(0))

    @property
    def n_nodes(self) -> int:
        return len(self.nodes)

    @property
    def n_pairs(self) -> int:
        return len(self.question.pairs)

    def effects(self, nodes: np.ndarray) -> np.ndarray:
        q, chosen = self.question, self.nodes.take(nodes)
        if len(nodes) <= FEW:
            return single_effects(q, chosen, progress=self.progress)
        return np.stack([self._of_pair(q, chosen, pair) for pair in range(self.n_pairs)])

    def _of_pair(self, q: Question, chosen: Nodes, pair: int) -> np.ndarray:
        return node_effects(
            q.model,
            q.run,
            chosen,
            base_row=q.base_rows[pair],
            donor_row=q.donor_rows[pair],
            start=q.starts[pair],
            read=lambda residual: q.read(pair, residual),
            donors=q.donors,
            progress=self.progress,
        )

    def joint(self, members: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        return joint_effects(self.question, self.nodes, members, pairs, progress=self.progress)


@dataclass(frozen=True)
class Parts:
    """Oracles of parts of the pairs as one: for pairs whose runs cannot all be held at once.

    Attributes:
        sizes: pairs a part.
        ask: gives the oracle of a part; its base runs may have to be made again.
    """

    sizes: Sequence[int]
    n_nodes: int
    ask: Callable[[int], Oracle]

    @property
    def n_pairs(self) -> int:
        return sum(self.sizes)

    def effects(self, nodes: np.ndarray) -> np.ndarray:
        return np.concatenate([self.ask(part).effects(nodes) for part in range(len(self.sizes))])

    def joint(self, members: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        out, first = np.zeros(len(members), np.float32), 0
        for part, size in enumerate(self.sizes):
            here = (pairs >= first) & (pairs < first + size)
            if here.any():
                out[here] = self.ask(part).joint(members[here], pairs[here] - first)
            first += size
        return out


@dataclass(frozen=True)
class Known:
    """An oracle that looks single effects up, ``[pair, node]``, and asks another one for subsets."""

    table: np.ndarray
    other: Oracle

    @property
    def n_nodes(self) -> int:
        return self.table.shape[1]

    @property
    def n_pairs(self) -> int:
        return self.table.shape[0]

    def effects(self, nodes: np.ndarray) -> np.ndarray:
        return self.table[:, nodes]

    def joint(self, members: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        return self.other.joint(members, pairs)
