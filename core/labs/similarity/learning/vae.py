"""A variational autoencoder of behaviours, the self-supervised rival: it sees behaviours and asks nobody."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.labs.similarity.learning.fit import Training, draws, fit
from core.labs.similarity.learning.net import Net, rows
from core.progress import Progress

KL_WEIGHT = 0.05  # 2 s² for reconstructions with an error of s = 0.16, between half a cell of GridRobot and a whole one


def fit_vae(
    raw: Tensor,
    seen: Tensor,
    seeds: Sequence[int],
    net: Net,
    training: Training,
    *,
    progress: Progress | None = None,
) -> Tensor:
    """Weights [run, size] of the encoder's mean, which is the representation.

    Args:
        raw: all behaviours [behaviour, number].
        seen: numbers of those it may read.
        net: what gives the mean of the code.
    """
    *before, dim = net.widths
    encoder, decoder = Net((*before, 2 * dim)), Net((dim, before[-1], before[0]))
    chosen = draws([len(seen)] * len(seeds), seeds, training)
    noise = [torch.Generator().manual_seed(seed + 2_000_000) for seed in seeds]

    def loss(flat: Tensor, step: int) -> Tensor:
        weights, back = flat.split([encoder.size, decoder.size], dim=1)
        x = rows(raw, seen[chosen[step]])
        mean, log_variance = encoder(weights, x).split(dim, dim=-1)
        eps = torch.stack([torch.randn(mean.shape[1:], generator=draw, dtype=raw.dtype) for draw in noise])
        error = (decoder(back, mean + eps * (log_variance / 2).exp()) - x).square().mean((1, 2))
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean(1) / 2
        return error + KL_WEIGHT / before[0] * divergence

    start = torch.cat([encoder.start(seeds, dtype=raw.dtype), decoder.start(seeds, dtype=raw.dtype)], dim=1)
    weights = fit(start, loss, training, progress=progress)[:, : encoder.size]
    body, last = weights.split([encoder.size - (before[-1] + 1) * 2 * dim, (before[-1] + 1) * 2 * dim], dim=1)
    return torch.cat([body, last.unflatten(1, (-1, 2 * dim))[..., :dim].flatten(1)], dim=1)
