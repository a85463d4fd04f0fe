"""A representation from answers to "which two are most alike?" (Bobu et al. 2023): the symmetric triplet loss.

An answer names three behaviours: the pair (a, p) that is most alike, and the third, n. With d the squared Euclidean
distance between representations,

    loss = max(d(a, p) - d(a, n) + margin, 0) + max(d(a, p) - d(p, n) + margin, 0)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.labs.similarity.learning.fit import Training, draws, fit
from core.labs.similarity.learning.net import Net, rows
from core.progress import Progress

MARGIN = 1.0


def triplet_loss(a: Tensor, p: Tensor, n: Tensor, margin: float = MARGIN) -> Tensor:
    """The loss of each answer, [...], for representations [..., dim]."""
    alike = (a - p).square().sum(-1)
    return torch.relu(alike - (a - n).square().sum(-1) + margin) + torch.relu(alike - (p - n).square().sum(-1) + margin)


def fit_similarity(
    raw: Tensor,
    triples: Sequence[np.ndarray],
    seeds: Sequence[int],
    net: Net,
    training: Training,
    *,
    start: Tensor | None = None,
    progress: Progress | None = None,
) -> Tensor:
    """Weights [run, size] that put alike behaviours close to each other.

    Args:
        raw: all behaviours [behaviour, number].
        triples: each run's answers, int64 [answer, 3]: the pair, then the third; at least one.
        seeds: each run's, of its first weights and of the order in which it reads its answers.
        start: weights to go on from; default: fresh ones.
    """
    most = max(map(len, triples))
    padded = torch.stack([torch.as_tensor(np.resize(t, (most, 3))) for t in triples])
    chosen = draws([len(t) for t in triples], seeds, training)
    runs = torch.arange(len(triples))[:, None]

    def loss(flat: Tensor, step: int) -> Tensor:
        numbers = padded[runs, chosen[step]].transpose(1, 2).flatten(1)  # [run, 3 * batch]: all a, all p, all n
        a, p, n = net(flat, rows(raw, numbers)).unflatten(1, (3, -1)).unbind(1)
        return triplet_loss(a, p, n).mean(1)

    return fit(net.start(seeds, dtype=raw.dtype) if start is None else start, loss, training, progress=progress)
