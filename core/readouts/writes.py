"""What the heads of a layer add to the residual stream, one by one.

An attention write is a sum of one term a head, ``z_h W_h``, and a bias. Families that normalise the write before adding
it (Gemma 2 and 3, OLMo 2) do so to the sum; its terms are then taken through that norm with the scale that it
has in the run (``core.readouts.linear``). Some families multiply what they add by a constant.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.load import LoadedModel
from core.patching.base_run import BaseRun
from core.readouts.linear import FrozenNorm, freeze, matrix_of


def stream_factor(model: LoadedModel) -> float:
    """The constant by which every write is multiplied when it is added to the stream (Granite; else 1)."""
    return float(getattr(model.hf.config.get_text_config(), "residual_multiplier", None) or 1.0)


def heads_matrix(model: LoadedModel, layer: int) -> Tensor:
    """Every head's output projection: float32 ``[head, d_head, d_model]``."""
    shape = model.shape
    return matrix_of(model.parts.attn_out[layer]).reshape(shape.n_heads, -1, shape.d_model)


def post_norm(model: LoadedModel, layer: int, z: Tensor) -> FrozenNorm | None:
    """The norm on the attention write, frozen at head outputs ``[row, head, position, d_head]``; None: no norm."""
    project, write = model.parts.attn_out[layer], model.parts.attn_write[layer]
    if write is project:
        return None
    with torch.no_grad():
        return freeze(write, project(joined(z)))


def joined(z: Tensor) -> Tensor:
    """Head outputs side by side, as the output projection reads them: ``[row, position, head * d_head]``."""
    return z.transpose(1, 2).flatten(2)


def head_writes(model: LoadedModel, run: BaseRun, layer: int) -> Tensor:
    """What each head adds to the stream: float32 ``[row, head, position, d_model]``."""
    return head_writes_of(model, layer, run.heads[layer].z)


def head_writes_of(model: LoadedModel, layer: int, z: Tensor) -> Tensor:
    """``head_writes`` for head outputs ``[row, head, position, d_head]``."""
    writes = torch.einsum("rhtd,hde->rhte", z.float(), heads_matrix(model, layer))
    norm = post_norm(model, layer, z)
    if norm is not None:
        writes = FrozenNorm(norm.gain[:, None], norm.bias, norm.centred).write(writes)
    return stream_factor(model) * writes


def mlp_writes(model: LoadedModel, run: BaseRun, layer: int) -> Tensor:
    """What the MLP adds to the stream: float32 ``[row, position, d_model]``; the run must hold ``mlp_out``."""
    return stream_factor(model) * run.writes["mlp_out"][layer].float()
