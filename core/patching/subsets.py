"""Joint patching of subsets: each row of a batch patches its own set of nodes at once.

One forward a sample, on positions from the first difference on, from the lowest patched layer up. Where a set
holds several nodes of one layer, each takes the donor run's value; what lies between them is computed from the
patched stream, as if all hooks were set in one forward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from core.models.attention import AttentionPass, attention_pass
from core.patching.base_run import Watcher, watched_writes
from core.patching.exact import Batching
from core.patching.forward import block_kwargs
from core.patching.nodes import Nodes
from core.patching.question import Question
from core.progress import Progress
from core.terms import HEAD_KINDS, NODE_KINDS, NodeKind

Edit = Callable[[Tensor], Tensor]


def joint_effects(
    question: Question,
    nodes: Nodes,
    members: np.ndarray,
    pairs: Sequence[int] | np.ndarray,
    *,
    progress: Progress | None = None,
    batching: Batching | None = None,
) -> np.ndarray:
    """Effect of each subset: metric of the run with all its nodes patched minus metric of the base run.

    Args:
        members: bool ``[sample, node]``, which nodes each sample patches.
        pairs: ``[sample]``, in which pair of the question. Nodes before its start change nothing.

    Returns:
        float32 ``[sample]``.
    """
    progress = progress or Progress(0)
    start = min(question.starts)
    tokens = (batching or Batching.for_model(question.model, question.run.length)).tokens_per_call
    size = max(1, tokens // (question.run.length - start))
    kwargs = block_kwargs(question.model, start, question.run.length)
    out = np.zeros(len(members), np.float32)
    for first in range(0, len(members), size):
        part = slice(first, first + size)
        out[part] = _run(question, nodes, members[part], np.asarray(pairs[part]), start, kwargs, progress)
        progress.advance(len(out[part]))
    return out


def single_effects(
    question: Question, nodes: Nodes, *, progress: Progress | None = None, batching: Batching | None = None
) -> np.ndarray:
    """Effects of patching each of a few nodes, one at a time, in every pair: float32 ``[pair, node]``.

    ``exact.node_effects`` goes pair by pair, so that a few nodes make batches of a few rows; here rows of all pairs
    share a batch, those of one position and of neighbouring layers together. Effects before a pair's first difference
    are 0.
    """
    progress, starts = progress or Progress(0), np.array(question.starts)
    tokens = (batching or Batching.for_model(question.model, question.run.length)).tokens_per_call
    out = np.zeros((len(starts), len(nodes)), np.float32)
    progress.advance(int((starts[:, None] > nodes.position).sum()))
    for position in np.unique(nodes.position).tolist():
        here = np.flatnonzero(nodes.position == position)
        here = here[np.argsort(nodes.layer[here], kind="stable")]
        node, pair = (rows.ravel() for rows in np.meshgrid(here, np.flatnonzero(starts <= position), indexing="ij"))
        size = max(1, tokens // (question.run.length - position))
        kwargs = block_kwargs(question.model, position, question.run.length)
        for first in range(0, len(node), size):
            rows = slice(first, first + size)
            alone = np.unique(node[rows])
            members = node[rows, None] == alone
            found = _run(question, nodes.take(alone), members, pair[rows], position, kwargs, progress)
            out[pair[rows], node[rows]] = found
            progress.advance(len(found))
    return out


def _run(
    question: Question,
    nodes: Nodes,
    members: np.ndarray,
    pairs: np.ndarray,
    start: int,
    kwargs: list[dict],
    progress: Progress,
) -> np.ndarray:
    model, run = question.model, question.run
    base, donor = np.array(question.base_rows)[pairs], np.array(question.donor_rows)[pairs]
    patched = nodes.layer[members.any(0)]
    if not len(patched):
        return np.zeros(len(members), np.float32)
    hidden = run.inputs[patched.min()][base, start:]
    masks = run.mask_rows(start, question.run.length)
    with torch.no_grad():
        for layer in range(patched.min(), model.shape.n_layers):
            progress.check()
            edits = _edits(question, nodes, members, donor, layer, start)
            if stream := edits.pop("resid_pre", None):
                hidden = stream(hidden)
            heads = {kind: edit for kind, edit in edits.items() if kind in HEAD_KINDS}
            writes: dict[NodeKind, Watcher] = {kind: edit for kind, edit in edits.items() if kind not in HEAD_KINDS}
            step = run.heads[layer]
            prefix = {layer: (step.k[base, :, :start], step.v[base, :, :start])}
            attention = AttentionPass(prefix, masks, heads)  # type: ignore[arg-type]
            with attention_pass(attention), watched_writes(model, writes, len(members), layer):
                hidden = model.parts.blocks[layer](hidden, **kwargs[layer])
        values = question.read_rows(torch.from_numpy(pairs), run.final(hidden))
    return values.float().cpu().numpy() - np.array(question.values, np.float32)[base]


def _edits(
    question: Question, nodes: Nodes, members: np.ndarray, donor: np.ndarray, layer: int, start: int
) -> dict[NodeKind, Edit]:
    """For each kind patched at a layer, the function that puts the donor's nodes into their rows."""
    edits: dict[NodeKind, Edit] = {}
    device, model = question.model.device, question.model
    inside = (nodes.layer == layer) & (nodes.position >= start)
    for kind in NODE_KINDS:
        here = np.flatnonzero(inside & (nodes.kind == NODE_KINDS.index(kind)))
        if not len(here) or not members[:, here].any():
            continue
        chosen = np.zeros((len(members), question.run.length - start, model.shape.units(kind)), bool)
        chosen[:, nodes.position[here] - start, nodes.unit[here]] = members[:, here]
        mask = torch.from_numpy(chosen).to(device)
        values = question.donors.node(kind, layer)[donor]
        if kind in HEAD_KINDS:
            edits[kind] = partial(_put, mask=mask.transpose(1, 2)[..., None], values=values[:, :, start:])
        else:
            edits[kind] = partial(_put, mask=mask, values=values[:, start:])
    return edits


def _put(x: Tensor, *, mask: Tensor, values: Tensor) -> Tensor:
    return torch.where(mask, values, x)
