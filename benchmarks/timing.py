"""Timing: best of several runs, with the device's queue drained."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


def seconds(work: Callable[[], object], *, repeats: int) -> float:
    """Shortest of ``repeats`` runs after one that warms up."""
    if repeats > 1:
        work()
    return min(_once(work) for _ in range(repeats))


def _once(work: Callable[[], object]) -> float:
    _drain()
    began = time.perf_counter()
    work()
    _drain()
    return time.perf_counter() - began


def _drain() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def matrix_product_peak(device: torch.device) -> float:
    """FLOP/s of the fastest float32 product among several square and model-like shapes, in this process."""
    best = 0.0
    scale = 8 if device.type == "cuda" else 1
    for m, k, n in ((384, 576, 1536), (768, 576, 1536), (512, 512, 512), (1024, 1024, 1024)):
        a = torch.randn(m * scale, k * scale, device=device)
        b = torch.randn(n * scale, k * scale, device=device)
        best = max(best, 2 * a.shape[0] * a.shape[1] * b.shape[0] / seconds(lambda a=a, b=b: a @ b.T, repeats=20))
    return best
