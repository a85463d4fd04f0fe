"""Pairs of equal length with both of their unpatched runs: everything that a patch or an estimate starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, base_run, check_vocabulary
from core.patching.forward import logits_at
from core.patching.readout import read_metric
from core.prompts.metrics import Metric
from core.prompts.pairs import TokenPair
from core.terms import Direction, MetricName, NodeKind


@dataclass(frozen=True, eq=False)
class Question:
    """Clean runs are rows 0.. of ``run``, corrupt runs rows n.. ; ``values`` holds the metric of every row."""

    model: LoadedModel
    pairs: tuple[TokenPair, ...]
    metric: Metric
    run: BaseRun
    base_rows: list[int]
    donor_rows: list[int]
    values: list[float]

    @property
    def starts(self) -> list[int]:
        """Per pair, the first position at which it differs."""
        return [pair.first_difference for pair in self.pairs]

    @property
    def length(self) -> int:
        """Number of tokens of the prompts."""
        return len(self.pairs[0])

    @property
    def rows(self) -> dict[str, Any]:
        """Which rows to compare, as the engines take them."""
        return {"base_rows": self.base_rows, "donor_rows": self.donor_rows, "starts": self.starts}

    def read(self, pair: int, residual: Tensor) -> Tensor:
        """Metric of final residual streams of one pair, as ``BaseRun.final`` gives them."""
        return self.read_rows(torch.full((self._rows(residual),), pair), residual)

    def read_rows(self, pairs: Tensor, residual: Tensor) -> Tensor:
        """Metric of final residual streams, row i of pair ``pairs[i]``."""
        return read_metric(self.model, self.metric, residual, pairs)

    def gradient(self, residual: Tensor, first: int = 0) -> Tensor:
        """Gradient of the metric of pairs ``first``, ``first + 1``, ... by their final residual streams, as
        ``BaseRun.final`` gives them, to the same shape."""
        with torch.enable_grad():
            leaf = residual.detach().requires_grad_()
            value = self.read_rows(first + torch.arange(self._rows(leaf)), leaf).sum()
            return torch.autograd.grad(value, leaf)[0]

    def _rows(self, residual: Tensor) -> int:
        return len(residual) // (1 + self.run.forced)


def ask(
    model: LoadedModel,
    pairs: Sequence[TokenPair],
    *,
    kinds: Sequence[NodeKind],
    metric: MetricName,
    direction: Direction,
) -> Question:
    """Run clean and corrupt prompts once, in one forward, keeping what patching ``kinds`` needs.

    Whole answers (``answer_log_prob``) follow both prompts, but for their last token; only prompts are patched.

    Args:
        pairs: prompts of one length and answers of one length.
    """
    n = len(pairs)
    ids = torch.tensor([p.clean_ids for p in pairs] + [p.corrupt_ids for p in pairs], device=model.device)
    check_vocabulary(model, torch.tensor([max(*p.answer_ids, *p.distractor_ids, *p.rest_ids) for p in pairs]))
    bound = Metric.of(metric, pairs)
    forced = bound.forced.to(ids).repeat(2, 1)
    run = replace(base_run(model, torch.cat([ids, forced], 1), kinds), forced=forced.shape[1])
    with torch.no_grad():
        if metric == "kl":
            bound = bound.with_reference(logits_at(model, run.inputs[-1][:n, -1]))
        values = read_metric(model, bound, run.final(run.inputs[-1]), torch.arange(2 * n) % n).tolist()
    clean, corrupt = list(range(n)), list(range(n, 2 * n))
    base, donor = (clean, corrupt) if direction == "noising" else (corrupt, clean)
    return Question(model, tuple(pairs), bound, run, base, donor, values)
