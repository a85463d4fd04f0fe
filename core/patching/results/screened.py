"""What a screen knows exactly: of each family, the nodes that were patched, and a bound on the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.patching.nodes import Nodes
from core.terms import NODE_KINDS, ModelShape, NodeKind


@dataclass(frozen=True, eq=False)
class Screened:
    """One family's verified nodes. Their exact effects stand in the result itself, in the place of the estimates.

    Attributes:
        family: attention, neurons or writes.
        n_nodes: nodes of the family that can have an effect.
        wanted: how many of them shall be verified.
        pairs: indices into the result's pairs: those of the commonest number of tokens, the only ones verified.
        nodes: the verified nodes, in the estimate's order.
        estimates: their estimates, float32 ``[pair, node]``.
        bounds: confidence -> magnitude that no other node's mean effect exceeds; infinite: no bound could be given;
            empty: none was sampled (yet).
    """

    family: str
    n_nodes: int
    wanted: int
    pairs: tuple[int, ...]
    nodes: Nodes
    estimates: np.ndarray
    bounds: dict[float, float] = field(default_factory=dict)

    def kinds(self) -> set[NodeKind]:
        """Kinds among the verified nodes."""
        return {NODE_KINDS[kind] for kind in np.unique(self.nodes.kind)}


Effects = dict[NodeKind, tuple[np.ndarray, ...]]


def put(effects: Effects, screened: Screened, values: np.ndarray) -> Effects:
    """Effects with other values ``[pair, node]`` at the verified nodes; what is not touched is shared."""
    changed: Effects = dict(effects)
    for kind in screened.kinds():
        here = np.flatnonzero(screened.nodes.kind == NODE_KINDS.index(kind))
        nodes, arrays = screened.nodes.take(here), list(effects[kind])
        for row, pair in enumerate(screened.pairs):
            arrays[pair] = arrays[pair].copy()
            arrays[pair][nodes.layer, nodes.position, nodes.unit] = values[row, here]
        changed[kind] = tuple(arrays)
    return changed


def exactness(screened: Sequence[Screened], kind: NodeKind, pair: int, start: int, like: np.ndarray) -> np.ndarray:
    """Which of a pair's values of one kind, ``[layer, position, unit]``, are exact: 1, estimated: 0, and NaN where an
    effect is 0 by construction (before ``start``, the pair's first difference; in the last layer, whatever does not
    reach the last position)."""
    out = np.zeros(like.shape, np.float32)
    out[:, :start] = np.nan
    if kind not in ("k", "v", "resid_pre"):
        out[-1, :-1] = np.nan
    for part in screened:
        if pair in part.pairs:
            nodes = part.nodes.take(part.nodes.kind == NODE_KINDS.index(kind))
            out[nodes.layer, nodes.position, nodes.unit] = 1
    return out


def fits(screened: Screened, shape: ModelShape, lengths: Sequence[int]) -> bool:
    """Whether the verified nodes lie within the model and the pairs, each once; ``lengths`` is tokens a pair."""
    nodes = screened.nodes
    if not screened.pairs or not 0 <= min(screened.pairs) <= max(screened.pairs) < len(lengths):
        return False
    tokens = {lengths[pair] for pair in screened.pairs}
    if len(tokens) != 1 or len(set(screened.pairs)) < len(screened.pairs) or not len(nodes):
        return len(tokens) == 1 and not len(nodes)
    if nodes.kind.min() < 0 or nodes.kind.max() >= len(NODE_KINDS):
        return False
    units = np.array([shape.units(kind) for kind in NODE_KINDS])
    within = [
        (nodes.layer, shape.n_layers),
        (nodes.position, tokens.pop()),
        (nodes.unit, units[nodes.kind]),
    ]
    return all(bool(((value >= 0) & (value < size)).all()) for value, size in within)
