"""From final residual streams to the metric, in chunks that bound the logits' memory."""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.load import LoadedModel
from core.patching.forward import logits_at
from core.prompts.metrics import Metric

MAX_LOGITS = 2**26  # entries of one logits tensor


def read_metric(model: LoadedModel, metric: Metric, residual: Tensor, pairs: Tensor) -> Tensor:
    """Metric of final residual streams; ``pairs`` names each row's pair.

    Args:
        residual: ``[row * read, d_model]``, the positions that are read of a row next to each other: the last one of
            the prompt, and for ``answer_log_prob`` those of the answer's tokens but the last.
    """
    width = model.hf.config.get_text_config().vocab_size if metric.columns is None else len(metric.columns)
    read = len(residual) // len(pairs)
    size = max(1, MAX_LOGITS // (width * read))
    chunks = zip(residual.split(size * read), pairs.split(size))
    return torch.cat([metric(logits_at(model, chunk, metric.columns), rows) for chunk, rows in chunks])
