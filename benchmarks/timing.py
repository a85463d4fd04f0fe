"""Timing: best of several runs, with the device's queue drained."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

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


def matrix_product_peak(device: torch.device, *, hold: float = 1.0) -> float:
    """FLOP/s of float32 products kept up for ``hold`` seconds, the best of several square and model-like shapes.

    Kept up, because a processor's clock falls within a fraction of a second of full load.
    """
    scale = 8 if device.type == "cuda" else 1
    shapes = ((384, 576, 1536), (768, 576, 1536), (512, 512, 512), (1024, 1024, 1024))
    return max(_rate(*(size * scale for size in shape), device, hold) for shape in shapes)


def _rate(m: int, k: int, n: int, device: torch.device, hold: float) -> float:
    a, b = torch.randn(m, k, device=device), torch.randn(n, k, device=device)
    once = seconds(lambda: a @ b.T, repeats=5)
    products = max(1, int(hold / once))
    spent = seconds(lambda: [a @ b.T for _ in range(products)] and None, repeats=1)
    return 2 * m * k * n * products / spent


def processor() -> str:
    """This machine's processor, by name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
