"""A list of nodes as arrays: what verification, rival methods and bounds work through.

Nodes are ranked within a family, never across: attention nodes (q, k, v, z), neurons, and whole writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.patching.place import Node
from core.terms import HEAD_KINDS, NODE_KINDS, WHOLE_KINDS, ModelShape, NodeKind, check_kinds

FAMILIES: dict[str, tuple[NodeKind, ...]] = {
    "attention": HEAD_KINDS,
    "neurons": ("neuron",),
    "writes": WHOLE_KINDS,
}


@dataclass(frozen=True, eq=False)
class Nodes:
    """Parallel integer arrays ``[node]``; ``kind`` is an index into ``NODE_KINDS``."""

    kind: np.ndarray
    layer: np.ndarray
    position: np.ndarray
    unit: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, indices: np.ndarray) -> Nodes:
        """Some of the nodes, by index or by boolean mask."""
        return Nodes(self.kind[indices], self.layer[indices], self.position[indices], self.unit[indices])

    def at(self, index: int) -> Node:
        """One node by name."""
        kind = NODE_KINDS[self.kind[index]]
        unit = None if kind in WHOLE_KINDS else int(self.unit[index])
        return Node(kind, int(self.layer[index]), unit, int(self.position[index]))

    def read(self, effects: Mapping[NodeKind, np.ndarray]) -> np.ndarray:
        """Values of the nodes from arrays ``[..., layer, position, unit]`` a kind: ``[..., node]``."""
        lead = next(iter(effects.values())).shape[:-3]
        out = np.full((*lead, len(self)), np.nan, np.float32)
        for kind, values in effects.items():
            here = self.kind == NODE_KINDS.index(kind)
            out[..., here] = values[..., self.layer[here], self.position[here], self.unit[here]]
        return out


def by_family(kinds: Sequence[NodeKind]) -> dict[str, tuple[NodeKind, ...]]:
    """The kinds chosen of each family, in the order of ``NODE_KINDS``.

    Raises:
        SpecError: an unknown kind, or none.
    """
    check_kinds(kinds)
    chosen = {family: tuple(kind for kind in members if kind in kinds) for family, members in FAMILIES.items()}
    return {family: found for family, found in chosen.items() if found}


def all_nodes(kinds: Sequence[NodeKind], shape: ModelShape, start: int, length: int) -> Nodes:
    """Every node of these kinds that can have an effect, in the order layer, position, kind, unit.

    Left out: positions before ``start``, the first difference; and in the last layer all that does not reach the
    last position, which is everything but k, v and the residual stream at earlier positions.
    """
    columns = [
        (NODE_KINDS.index(kind), layer, position, unit)
        for layer in range(shape.n_layers)
        for position in range(start, length)
        for kind in kinds
        if layer < shape.n_layers - 1 or position == length - 1 or kind in ("k", "v", "resid_pre")
        for unit in range(shape.units(kind))
    ]
    return Nodes(*np.array(columns, dtype=np.int32).reshape(-1, 4).T)
