"""Donors of another length: activations of linked tokens, brought to the positions of the run that is patched.

Only activations move; the patched run keeps its own tokens, positions and cache. Head outputs, values, neurons, writes
and the residual stream are taken as they are (the stream of a model with learned position embeddings carries its own
token's position along). Queries and keys enter attention turned by the angle of their position, so one taken from
another position would ask or answer from there. They are therefore computed again: the donor's stream at the linked
token is read by the block at the position of the patched token. That is the donor's query or key before rotary
embedding, turned for the place where it is put. Where a token is linked to the same position, nothing is recomputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from core.models.attention import AttentionPass, AttentionStep, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun
from core.patching.forward import block_kwargs
from core.prompts.links import Sources


def at_base_positions(model: LoadedModel, base: BaseRun, donors: BaseRun, sources: Sequence[Sources]) -> BaseRun:
    """Donors of the length of ``base``: at each position the mean over the linked positions of the same row.

    Args:
        sources: per row, for each position of the base, positions of the donor; where there are none, the activation
            of an arbitrary position is given, for nothing is patched there.
    """
    total: BaseRun | None = None
    for place in range(max(len(s) for row in sources for s in row) or 1):
        index = [[s[min(place, len(s) - 1)] if s else 0 for s in row] for row in sources]
        share = [[1 / len(s) if place < len(s) else float(place == 0 and not s) for s in row] for row in sources]
        part = _taken(model, base, donors, torch.tensor(index, device=model.device))
        weight = torch.tensor(share, device=model.device)
        part = BaseRun.combined(lambda x, weight=weight: x * _along(weight, x), part)
        total = part if total is None else BaseRun.combined(torch.add, total, part)
    assert total is not None
    return BaseRun.combined(lambda x, like: x.to(like.dtype), total, donors)


def _taken(model: LoadedModel, base: BaseRun, donors: BaseRun, index: Tensor) -> BaseRun:
    """Each row's activations at ``index`` ``[row, base position]``, queries and keys turned for the base's place."""

    def take(x: Tensor) -> Tensor:
        return x.gather(-2, _along(index, x).expand(*x.shape[:-2], index.shape[1], x.shape[-1]))

    taken = BaseRun.combined(take, donors)
    moved = index != torch.arange(index.shape[1], device=index.device)
    if moved.any():
        taken.heads[:] = [_turned(model, base, taken, layer, moved) for layer in range(taken.n_layers)]
    return taken


def _turned(model: LoadedModel, base: BaseRun, taken: BaseRun, layer: int, moved: Tensor) -> AttentionStep:
    """A layer's heads, with queries and keys of moved tokens computed at the base's positions."""
    seen: list[AttentionStep] = []
    stream = taken.inputs[layer]
    kwargs = block_kwargs(model, 0, stream.shape[1])[layer]
    with torch.no_grad(), attention_pass(AttentionPass(mask=base.masks, record=seen.append)):
        model.parts.blocks[layer](stream, **kwargs)
    own, new = taken.heads[layer], seen[0]
    q, k = (torch.where(_along(moved, x), y, x) for x, y in ((own.q, new.q), (own.k, new.k)))
    return replace(own, q=q, k=k)


def _along(rows: Tensor, x: Tensor) -> Tensor:
    """``[row, position]`` shaped so that it broadcasts over activations ``[row, ..., position, width]``."""
    return rows.reshape(rows.shape[0], *[1] * (x.ndim - 3), rows.shape[1], 1)
