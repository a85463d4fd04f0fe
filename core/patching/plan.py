"""Which nodes an exact sweep patches at one position, in the order in which they join its wave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.patching.nodes import Nodes
from core.patching.spec import NeuronSite
from core.terms import NODE_KINDS, ModelShape, NodeKind

_STAGES: dict[NodeKind, int] = {"resid_pre": 0, "k": 2, "v": 2}


@dataclass(frozen=True)
class Join:
    """Nodes of one kind that enter the wave at one layer."""

    layer: int
    kind: NodeKind
    units: tuple[int, ...]

    @property
    def stage(self) -> int:
        """How it enters its layer: the stream before the block (0), inside the block at one position (1), or
        inside the block with every later query affected (2)."""
        return _STAGES.get(self.kind, 1)


def plan(
    kinds: Sequence[NodeKind], shape: ModelShape, position: int, length: int, neurons: Sequence[NeuronSite] = ()
) -> list[Join]:
    """Nodes to patch at one position, in the order in which they join. In the last layer, only k and v reach
    the last position from an earlier one (and the residual stream, through them)."""
    joins = []
    for layer in range(shape.n_layers):
        for kind in kinds:
            if layer == shape.n_layers - 1 and position < length - 1 and kind not in ("k", "v", "resid_pre"):
                continue
            units = _neurons_at(neurons, layer, position, shape.d_mlp) if kind == "neuron" else range(shape.units(kind))
            if units:
                joins.append(Join(layer, kind, tuple(units)))
    return sorted(joins, key=lambda join: (join.layer, join.stage))


def _neurons_at(neurons: Sequence[NeuronSite], layer: int, position: int, d_mlp: int) -> Sequence[int]:
    here = [site.unit for site in neurons if (site.layer, site.position) == (layer, position)]
    return range(d_mlp) if None in here else sorted({unit for unit in here if unit is not None})


def plan_of(nodes: Nodes) -> tuple[list[Join], np.ndarray]:
    """Chosen nodes of one position as a plan, and the order ``[node]`` in which the plan patches them."""
    stage = np.array([_STAGES.get(kind, 1) for kind in NODE_KINDS])[nodes.kind]
    order = np.lexsort((nodes.unit, nodes.kind, stage, nodes.layer))
    layer, kind, unit = nodes.layer[order], nodes.kind[order], nodes.unit[order]
    cuts = np.flatnonzero((np.diff(layer) != 0) | (np.diff(kind) != 0)) + 1
    parts = np.split(np.arange(len(order)), cuts)
    return [Join(int(layer[p[0]]), NODE_KINDS[kind[p[0]]], tuple(unit[p].tolist())) for p in parts if len(p)], order


def count(
    kinds: Sequence[NodeKind], shape: ModelShape, starts: Sequence[int], length: int, neurons: Sequence[NeuronSite] = ()
) -> int:
    """Number of patches a sweep over these pairs makes."""
    at = [sum(len(j.units) for j in plan(kinds, shape, position, length, neurons)) for position in range(length)]
    return sum(sum(at[start:]) for start in starts)


def split(joins: list[Join], max_rows: int) -> Iterator[list[Join]]:
    """Cut a plan into waves of at most ``max_rows`` rows, keeping the order."""
    wave: list[Join] = []
    room = max_rows
    for join in joins:
        units = join.units
        while units:
            wave.append(Join(join.layer, join.kind, units[:room]))
            room -= len(wave[-1].units)
            units = units[len(wave[-1].units) :]
            if room == 0:
                yield wave
                wave, room = [], max_rows
    if wave:
        yield wave
