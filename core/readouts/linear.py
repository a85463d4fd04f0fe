"""Norms and projections as the linear maps that they are once their scale is held fixed.

A LayerNorm or RMSNorm gives ``y = s g ⊙ (x − mean) + b`` (RMSNorm: no mean, no b), where only the number s, one a
row, depends on x in another way than linearly. With s frozen at its value in a run, a sum of writes passes through
the norm term by term. g, b and whether the mean is taken are read off the norm itself, from two probes, so that no
architecture needs to be known:

    b = norm(0),    g ∝ (norm(p) − b) / p    with p = (1, −1, 1, −1, …): its mean is 0, its entries divide exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from core.errors import ModelError

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-4}  # of the norm of y; coarser types get COARSE
COARSE = 3e-2


@dataclass(frozen=True)
class FrozenNorm:
    """A norm at given inputs. ``gain`` is ``[..., d_model]`` (s times g, a row each), ``bias`` ``[d_model]``."""

    gain: Tensor
    bias: Tensor
    centred: bool

    def write(self, x: Tensor) -> Tensor:
        """What part ``x`` of the input becomes, ``[..., d_model]``; the bias is nobody's part."""
        return self.gain * (x - x.mean(-1, keepdim=True) if self.centred else x)

    def read(self, direction: Tensor) -> Tensor:
        """The direction of the input that a direction of the output reads: ``write(x) · d = x · read(d)``."""
        seen = self.gain * direction
        return seen - seen.mean(-1, keepdim=True) if self.centred else seen


def freeze(norm: Callable[[Tensor], Tensor], x: Tensor) -> FrozenNorm:
    """The norm with its scale as it is for ``x`` ``[..., d_model]``; computed in float32.

    Args:
        norm: any module or function of ``[row, d_model]``; the identity is a norm, too.

    Raises:
        ModelError: it is neither a LayerNorm nor an RMSNorm.
    """
    rows = x.reshape(-1, x.shape[-1])
    probe = torch.ones_like(rows[:1])
    probe[:, 1::2] = -1
    probes = torch.cat([torch.zeros_like(probe), probe, torch.ones_like(probe), rows])
    with torch.no_grad():
        out = norm(probes).float()
    bias, gain = out[0], (out[1] - out[0]) / probe[0].float()
    centred = bool((out[2] - bias).norm() < 1e-2 * gain.norm())
    given = rows.float()
    plain = gain * (given - given.mean(-1, keepdim=True) if centred else given)
    wanted = out[3:] - bias
    size = (plain * plain).sum(-1, keepdim=True)
    scale = torch.where(size > 0, (wanted * plain).sum(-1, keepdim=True) / size.clamp_min(1e-30), 1)
    limit = TOLERANCE.get(x.dtype, COARSE)
    if ((scale * plain - wanted).norm(dim=-1) > limit * wanted.norm(dim=-1) + 1e-6).any():
        raise ModelError("A norm of this model is neither a LayerNorm nor an RMSNorm, so it cannot be held fixed.")
    return FrozenNorm((scale * gain).reshape(*x.shape), bias, centred)


def matrix_of(module: nn.Module) -> Tensor:
    """The matrix ``[input, output]`` of a linear module, in float32.

    Raises:
        ModelError: another kind of module.
    """
    if isinstance(module, nn.Linear):
        return module.weight.detach().float().T
    if isinstance(module, Conv1D):
        return module.weight.detach().float()
    raise ModelError(f"{type(module).__name__} is no linear projection, so what it writes cannot be taken apart.")
