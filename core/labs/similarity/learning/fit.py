"""Training of all runs at once: one Adam, one loss a run, every run its own draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.progress import Progress

Loss = Callable[[Tensor, int], Tensor]
REPORT_EVERY = 20  # steps


@dataclass(frozen=True)
class Training:
    """How long and how fast, the same for everything that is learned.

    Attributes:
        steps: of Adam.
        rate: learning rate; it falls to 0 over the second half.
        batch: answers, or behaviours, that a step reads.
    """

    steps: int = 2000
    rate: float = 5e-3
    batch: int = 64


def fit(start: Tensor, loss: Loss, training: Training, *, progress: Progress | None = None) -> Tensor:
    """Weights [run, size] after training; runs do not touch each other.

    Args:
        start: weights [run, size] to begin with.
        loss: ``loss(weights, step)`` gives one loss a run, [run].
        progress: advanced by one a step.

    Raises:
        Cancelled: its owner asked to stop.
    """
    flat = start.clone().requires_grad_()
    adam = torch.optim.Adam([flat], lr=training.rate, fused=True)
    with one_thread():
        for step in range(training.steps):
            adam.param_groups[0]["lr"] = training.rate * min(1.0, 2 * (1 - step / training.steps))
            (flat.grad,) = torch.autograd.grad(loss(flat, step).sum(), flat)
            adam.step()
            if progress and (step + 1) % REPORT_EVERY == 0:
                progress.advance(REPORT_EVERY)
    return flat.detach()


@contextmanager
def one_thread() -> Iterator[None]:
    """Matrix products on one thread: on so small ones a second thread spends its time waiting."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def draws(counts: Sequence[int], seeds: Sequence[int], training: Training) -> Tensor:
    """Which of its answers each run reads at each step: numbers below its count, int64 [step, run, batch]."""
    rows = [
        torch.as_tensor(np.random.default_rng([seed, 1]).integers(count, size=(training.steps, training.batch)))
        for count, seed in zip(counts, seeds)
    ]
    return torch.stack(rows, dim=1)
