"""Forwards of a part of the model: a block on some positions, or the last residual stream to logits.

Nothing here knows an architecture. Block keyword arguments (rotary angles and the like) are built by the
model's own forward while its blocks are bypassed; norms, soft-caps and logit scales of the head likewise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from core.models.architecture import replaced_forward
from core.models.load import LoadedModel


def block_kwargs(model: LoadedModel, start: int, stop: int) -> list[dict[str, Any]]:
    """Keyword arguments of every block for positions ``start`` to ``stop - 1``, for any batch size."""
    seen: list[dict[str, Any]] = []

    def bypass(hidden: Tensor, *_: Any, **kwargs: Any) -> Tensor:
        seen.append(kwargs)
        return hidden

    positions = torch.arange(start, stop, device=model.device)[None]
    with replaced_forward(dict.fromkeys(model.parts.blocks, bypass)), torch.no_grad():
        model.hf.base_model(input_ids=torch.zeros_like(positions), position_ids=positions, use_cache=False)
    return seen


def logits_at(model: LoadedModel, residual: Tensor, columns: Tensor | None = None) -> Tensor:
    """Logits ``[row, vocab or columns]`` of final residual streams ``[row, d_model]``, by the model's own head."""

    def bypass(hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        return hidden

    def last(*_: Any, **__: Any) -> Tensor:
        return residual[:, None]

    replaced: dict[Any, Any] = dict.fromkeys(model.parts.blocks[:-1], bypass) | {model.parts.blocks[-1]: last}
    if columns is not None:
        unembed = model.parts.unembed
        weight = unembed.weight[columns.to(model.device)]  # type: ignore[index]
        bias = None if unembed.bias is None else unembed.bias[columns.to(model.device)]  # type: ignore[index]
        replaced[unembed] = lambda hidden: F.linear(hidden, weight, bias)
    ids = torch.zeros(len(residual), 1, dtype=torch.long, device=model.device)
    with replaced_forward(replaced):
        return model.hf(input_ids=ids, use_cache=False).logits[:, -1]
