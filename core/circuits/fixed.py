"""Edges into queries and keys with the QK fix: what the reader becomes and the softmax after it exactly, then linear.

For one pair and layer, the stream with one writer's donor write in place of the base's is read by the block itself, a
row a writer: norm, projection, q/k-norm and rotation are the model's own. The rows are then donors of the same
formulas that fix query and key nodes (``core.patching.qk_fix``), so shared kv heads are summed over their group.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from core.circuits.graph import Graph
from core.models.attention import AttentionPass, AttentionStep
from core.models.load import LoadedModel
from core.patching.exact import CPU_CALL
from core.patching.forward import block_kwargs
from core.patching.qk_fix import fixed_key_effect, fixed_query_effect
from core.patching.question import Question
from core.readouts.block_attention import attention_of

PATTERNS = 2**22  # attention weights held at once, over writers


def add_fixed(
    question: Question,
    graph: Graph,
    pairs: list[int],
    start: int,
    layer: int,
    by_z: Tensor,
    changes: Tensor,
    total: Tensor,
) -> None:
    """Add the scores of edges into one layer's queries and keys, summed over pairs, to ``total``.

    Args:
        by_z: gradient of the metric by the layer's head outputs, ``[pair, head, position from start, d_head]``.
        changes: of all writes, ``[position, writer, pair, d_model]``.
        total: ``[position, writer, reader]``, positions from ``start``.
    """
    model, run = question.model, question.run
    before, length = graph.before(layer, "q"), question.length
    kwargs = block_kwargs(model, start, length)[layer]
    tokens = length - start
    most = PATTERNS // (graph.n_heads * tokens * length)
    size = max(1, min(most, CPU_CALL // tokens if model.device.type == "cpu" else most))
    for place, pair in enumerate(pairs):
        row = question.base_rows[pair]
        step = run.heads[layer]
        base = replace(step, **{name: getattr(step, name)[row : row + 1] for name in ("q", "k", "v", "z")})
        stream = run.inputs[layer][row : row + 1, start:]
        gradient = by_z[place : place + 1][None]
        for first in range(0, before, size):
            writers = slice(first, min(first + size, before))
            change = changes[:, writers, place].transpose(0, 1)  # [writer, position, d_model]
            moved = _moved(model, layer, base, stream + change.to(stream.dtype), kwargs, start)
            for kind, effect in (("q", fixed_query_effect), ("k", fixed_key_effect)):
                rows = torch.arange(1, len(change) + 1)
                scores = effect(moved, moved, torch.zeros_like(rows), rows, 0, gradient)[0]  # [writer, head, position]
                readers = graph.readers(layer, kind)  # type: ignore[arg-type]
                total[:, writers, readers] += scores[..., -tokens:].permute(2, 0, 1)


def _moved(
    model: LoadedModel, layer: int, base: AttentionStep, streams: Tensor, kwargs: dict, start: int
) -> AttentionStep:
    """Queries (suffix) and keys (all) of the base in row 0 and of each stream after it, under one mask."""
    mask = base.mask[:, :, start:]
    prefix = {layer: (base.k[:, :, :start], base.v[:, :, :start])}
    with torch.no_grad():
        read = attention_of(model, layer, streams, kwargs, AttentionPass(prefix, {layer: mask}))  # type: ignore[arg-type]
    q = torch.cat([base.q[:, :, start:], read.q])
    return replace(base, q=q, k=torch.cat([base.k, read.k]), mask=mask)
