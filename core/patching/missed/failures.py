"""Where plain AtP misses a node of one pair, and which repair sees it.

One backward sweep gives all four estimates of every attention node. A candidate is a node that a repair ranks at
least twice as high as AtP does; those that the repair raises most are patched exactly. A repair has rescued a node if
it is nearer to the exact magnitude than AtP; else it raised a false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.errors import SpecError
from core.patching.atp import backward_sweep, drop_mean, estimates_at
from core.patching.missed.findings import REPAIRS, Candidate, Failures, Repair
from core.patching.missed.parts import exact_parts
from core.patching.missed.saturation import attention_rows
from core.patching.nodes import all_nodes
from core.patching.place import Node
from core.patching.question import Question
from core.patching.trust.oracle import Patching
from core.progress import IsCancelled, OnStep, Progress
from core.terms import HEAD_KINDS, METHODS, NodeKind

LOOKED_AT = 12  # candidates a repair


def find_failures(
    question: Question,
    *,
    looked_at: int = LOOKED_AT,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> Failures:
    """Look for missed attention nodes in the one pair of a question.

    Raises:
        SpecError: the question has several pairs.
        Cancelled: ``cancelled()`` became true.
    """
    if len(question.pairs) != 1:
        raise SpecError("Missed nodes are looked for in one pair at a time.")
    if question.run.forced:
        raise SpecError(
            "Missed nodes are looked for in metrics that read one token.",
            where="--metric",
            next_step="Choose another metric than the log-probability of the whole answer.",
        )
    shape, start, length = question.model.shape, question.starts[0], question.length
    nodes = all_nodes(HEAD_KINDS, shape, start, length)
    progress = Progress(shape.n_layers, on_step, cancelled)
    sweep = _sweep(question, progress)
    score: dict[str, np.ndarray] = {
        method: nodes.read(sweep.scores(method, shape.n_layers, start, length)) for method in METHODS[1:]
    }
    rank: dict[str, np.ndarray] = {method: _ranks(values) for method, values in score.items()}
    chosen = {repair: _raised(score, rank, repair, looked_at) for repair in REPAIRS}
    progress.extend(sum(int((shape.n_layers + 1 - nodes.layer[indices]).sum()) for indices in chosen.values()))
    live = Patching(question, nodes)
    found = []
    for repair, indices in chosen.items():
        for index, exact in zip(indices.tolist(), live.effects(indices)[0].tolist()):
            values = {m: float(x[index]) for m, x in score.items()}
            ranks = {m: int(x[index]) for m, x in rank.items()}
            found.append(_candidate(question, sweep, nodes.at(index), repair, values, ranks, exact, progress))
    first, second = question.pairs[0].clean_tokens, question.pairs[0].corrupt_tokens
    tokens = (first, second) if question.base_rows[0] == 0 else (second, first)
    return Failures(len(nodes), *tokens, tuple(found))


@dataclass(frozen=True)
class _Sweep:
    """Estimates of every layer: ``plain`` and ``fixed`` (QK fix), kind -> ``[cotangent, position, unit]``, the
    cotangents as in ``backward_sweep``; ``gradient`` by z, ``[head, position, d_head]``. Positions from the start."""

    plain: dict[int, dict[NodeKind, Tensor]]
    fixed: dict[int, dict[NodeKind, Tensor]]
    gradient: dict[int, Tensor]

    def scores(self, method: str, n_layers: int, start: int, length: int) -> dict[NodeKind, np.ndarray]:
        """kind -> non-negative scores ``[layer, position, unit]``."""
        by_layer = self.fixed if method in ("atp-qk", "atp-star") else self.plain
        out = {}
        for kind in HEAD_KINDS:
            out[kind] = np.zeros((n_layers, length, by_layer[0][kind].shape[-1]), np.float32)
            for layer, found in by_layer.items():
                drop = method in ("atp-graddrop", "atp-star")
                value = drop_mean(found[kind], layer, n_layers, kind) if drop else found[kind][0].abs()
                out[kind][layer, start:] = value.cpu().numpy()
        return out


def _sweep(question: Question, progress: Progress) -> _Sweep:
    run, donors, start = question.run, question.donors, question.starts[0]
    base, donor = torch.tensor(question.base_rows), torch.tensor(question.donor_rows)
    top = torch.zeros_like(run.inputs[-1][base, start:])
    top[:, -1] = question.gradient(run.inputs[-1][base, -1])
    sweep = _Sweep({}, {}, {})
    for layer in backward_sweep(question.model, run, base, start, top, HEAD_KINDS, drop=True, progress=progress):
        for fix, kept in ((False, sweep.plain), (True, sweep.fixed)):
            kept[layer.index] = {
                k: estimates_at(run, donors, layer, k, base, donor, start, fix)[:, 0] for k in HEAD_KINDS
            }
        sweep.gradient[layer.index] = layer.gradients["z"][0, 0]
    return sweep


def _ranks(score: np.ndarray) -> np.ndarray:
    """1 for the largest."""
    ranks = np.empty(len(score), int)
    ranks[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    return ranks


def _raised(score: Mapping[str, np.ndarray], rank: Mapping[str, np.ndarray], repair: Repair, count: int) -> np.ndarray:
    """Indices of the nodes that a repair ranks at least twice as high as AtP, those it raises most first."""
    more = score[repair] - score["atp"]
    far = np.flatnonzero((rank["atp"] >= 2 * rank[repair]) & (more > 0))
    return far[np.argsort(-more[far], kind="stable")][:count]


def _candidate(
    question: Question,
    sweep: _Sweep,
    node: Node,
    repair: Repair,
    score: dict[str, float],
    rank: dict[str, int],
    exact: float,
    progress: Progress,
) -> Candidate:
    start, n_layers = question.starts[0], question.model.shape.n_layers
    row = None
    if node.kind in ("q", "k"):
        rows = attention_rows(question, node, sweep.gradient[node.layer])
        row = max(rows, key=lambda r: abs(r.effect_after - r.effect_tangent))
    by_drop = sweep.fixed[node.layer][node.kind][:, int(node.position or 0) - start, int(node.unit or 0)]
    plain, *dropped = by_drop.tolist()  # dropped: the top layer first
    estimated = tuple(plain - value for value in reversed(dropped))
    parts = exact_parts(question, node, progress=progress)
    assert len(estimated) == n_layers - 1 - node.layer == len(parts.layers)
    return Candidate(node, repair, score, rank, exact, row, parts, estimated)
