"""Batches that go on in halves when memory runs out."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator

import torch

from core.errors import ModelError
from core.models.load import LoadedModel
from core.progress import Progress
from core.prompts.pairs import TokenPair
from core.runs.checkpoint import PairDone

Batch = tuple[TokenPair, ...]
Run = Callable[[Batch, float], list[PairDone]]
SMALLEST_SHARE = 2.0**-12


def within_memory(run: Run, batches: list[Batch], model: LoadedModel, progress: Progress) -> Iterator[PairDone]:
    """Run every batch as ``run(pairs, share)``; a batch for which memory runs out is run again in halves.

    ``share`` begins at 1 and is halved with each shortage, for all that follows: it bounds what one batch may hold
    beside its pairs.

    Raises:
        ModelError: one pair with the smallest share does not fit.
    """
    waiting, share = deque(batches), 1.0
    while waiting:
        batch, before = waiting.popleft(), progress.done
        try:
            finished = run(batch, share)
        except torch.OutOfMemoryError:
            finished = None
        if finished is not None:
            yield from finished
            continue
        # Outside the handler: the error's frames held the activations.
        _free(model)
        progress.done, share = before, share / 2
        if share < SMALLEST_SHARE:
            raise ModelError(
                "Not even one pair fits into the device's memory.",
                next_step="Choose shorter prompts, fewer kinds of nodes, a lower precision, or another device.",
            )
        half = len(batch) // 2
        waiting.extendleft([batch[half:], batch[:half]] if half else [batch])


def _free(model: LoadedModel) -> None:
    gc.collect()
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
