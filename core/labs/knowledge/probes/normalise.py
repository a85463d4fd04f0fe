"""Normalisation of contrast pairs, fitted on the training part and kept with the probe.

Both sides are centred on their own means: without that, the largest difference within every pair is the constant one
between the two answers. What remains may be divided by a scale, or be freed of every linear trace of which answer was
appended (LEACE).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Norm = Literal["std", "mean", "scalar", "leace"]
NORMS: tuple[Norm, ...] = get_args(Norm)
NORM_WORDS = {
    "std": "centred and divided by the standard deviation of each dimension, each side by itself",
    "mean": "centred, each side by itself",
    "scalar": "centred, then divided by the mean standard deviation, each side by itself",
    "leace": "freed of the answer that was appended by LEACE, then divided by each dimension's standard deviation",
}


@dataclass(frozen=True)
class Normaliser:
    """``(x − erased(x) − mean) / scale``, side by side.

    Attributes:
        mean, scale: float32 ``[2, d_model]``.
        erase_left, erase_right: float32 ``[d_model, r]`` and ``[r, d_model]``; LEACE takes
            ``(x − centre) @ erase_right.T @ erase_left.T`` away. r = 0 where nothing is erased.
        centre: float32 ``[d_model]``.
    """

    mean: np.ndarray
    scale: np.ndarray
    erase_left: np.ndarray
    erase_right: np.ndarray
    centre: np.ndarray

    def __call__(self, pairs: np.ndarray) -> np.ndarray:
        """Normalised pairs, ``[2, item, d_model]`` in and out."""
        x = _erased(pairs, self.erase_left, self.erase_right, self.centre)
        return ((x - self.mean[:, None]) / self.scale[:, None]).astype(np.float32)


def fit_normaliser(pairs: np.ndarray, norm: Norm = "std") -> Normaliser:
    """Fit on the training part, ``[2, item, d_model]``. Dimensions that never vary are left at scale 1."""
    d = pairs.shape[-1]
    left, right, centre = np.zeros((d, 0), np.float32), np.zeros((0, d), np.float32), np.zeros(d, np.float32)
    if norm == "leace":
        left, right, centre = _leace(pairs)
    x = _erased(pairs.astype(np.float64), left, right, centre)
    mean, scale = x.mean(1), np.ones((2, d))
    if norm in ("std", "leace"):
        scale = x.std(1)
    elif norm == "scalar":
        scale = np.repeat(x.std(1).mean(1, keepdims=True), d, axis=1)
    scale = np.where(scale > 1e-6, scale, 1.0)
    return Normaliser(mean.astype(np.float32), scale.astype(np.float32), left, right, centre)


def _leace(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The least-squares eraser of the side, from the library of its authors."""
    import torch
    from concept_erasure import LeaceFitter

    _, n, d = pairs.shape
    x = torch.from_numpy(pairs.reshape(2 * n, d).astype(np.float64))
    side = torch.cat([torch.zeros(n), torch.ones(n)]).double()[:, None]
    eraser = LeaceFitter.fit(x, side).eraser
    bias = x.mean(0) if eraser.bias is None else eraser.bias
    return (
        eraser.proj_left.numpy().astype(np.float32),
        eraser.proj_right.numpy().astype(np.float32),
        bias.numpy().astype(np.float32),
    )


def _erased(pairs: np.ndarray, left: np.ndarray, right: np.ndarray, centre: np.ndarray) -> np.ndarray:
    if not left.shape[1]:
        return pairs
    return pairs - (pairs - centre) @ right.T @ left.T
