"""Contrast-consistent search: a probe whose answers to both halves of a pair are consistent and confident.

With ``p(x) = sigmoid(theta · x + b)`` on normalised activations, the mean over pairs of

    consistency  (p₊ − (1 − p₋))²
    confidence   min(p₊, p₋)²                        original (Burns et al. 2022)
                 min(p₊, p₋, 1 − p₊, 1 − p₋)²        symmetric (Farquhar et al. 2023)

x₊ carries the answer for label true, x₋ the one for label false. A pair counts as true where (p₊ + 1 − p₋) / 2 > 1/2,
which is where theta · (x₊ − x₋) > 0: the bias plays no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from core.progress import IsCancelled, OnStep, Progress

Confidence = Literal["symmetric", "original"]
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
CHECK_EVERY = 50  # epochs between two looks at the clock and at the owner's wishes


@dataclass(frozen=True)
class CcsFit:
    """``theta`` float32 ``[seed, d_model]``, ``bias`` and training ``loss`` ``[seed]``."""

    theta: np.ndarray
    bias: np.ndarray
    loss: np.ndarray


def losses(p_true: Tensor, p_false: Tensor, confidence: Confidence) -> Tensor:
    """Loss of each pair, same shape as its arguments: probabilities of x₊ and of x₋."""
    consistency = (p_true + p_false - 1) ** 2
    smallest = torch.minimum(p_true, p_false)
    if confidence == "symmetric":
        smallest = torch.minimum(smallest, 1 - torch.maximum(p_true, p_false))
    return consistency + smallest**2


def start(seeds: range, d_model: int) -> Tensor:
    """Initial theta ``[d_model, seed]``: a normal of deviation 1/√d_model, cut at two deviations, one stream a seed."""
    columns = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        column = torch.empty(d_model)
        deviation = d_model**-0.5
        columns.append(
            torch.nn.init.trunc_normal_(column, std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator)
        )
    return torch.stack(columns, dim=1)


def fit_ccs(
    pairs: np.ndarray,
    seeds: range,
    *,
    confidence: Confidence = "symmetric",
    epochs: int = 1000,
    learning_rate: float = 1e-3,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> CcsFit:
    """Fit all seeds as one batch: full-batch AdamW without weight decay on the sum of their losses.

    The seeds share nothing but the matrix products, so each ends where it would end alone.

    Args:
        pairs: normalised training pairs ``[2, item, d_model]``, false-label answer first.
    """
    x = torch.from_numpy(np.ascontiguousarray(pairs, np.float32))
    theta = start(seeds, x.shape[-1]).requires_grad_()
    bias = torch.zeros(len(seeds), requires_grad=True)
    optimiser = torch.optim.AdamW([theta, bias], lr=learning_rate, weight_decay=0.0, fused=True)
    progress = Progress(epochs, on_step, cancelled)
    loss = torch.zeros(len(seeds))
    for epoch in range(epochs + 1):
        p = torch.sigmoid(x @ theta + bias)  # [2, item, seed]
        loss = losses(p[1], p[0], confidence).mean(0)
        if epoch == epochs:
            break
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        if (epoch + 1) % CHECK_EVERY == 0:
            progress.advance(CHECK_EVERY)
    return CcsFit(theta.detach().T.contiguous().numpy(), bias.detach().numpy(), loss.detach().numpy())


def ccs_loss(pairs: np.ndarray, theta: np.ndarray, bias: np.ndarray, confidence: Confidence) -> np.ndarray:
    """Mean loss ``[probe]`` of probes ``theta [probe, d_model]``, ``bias [probe]`` on normalised pairs."""
    x = torch.from_numpy(np.ascontiguousarray(pairs, np.float32))
    p = torch.sigmoid(x @ torch.from_numpy(np.ascontiguousarray(theta, np.float32)).T + torch.from_numpy(bias))
    return losses(p[1], p[0], confidence).mean(0).numpy()
