"""Pairs of one length with both of their unpatched runs: everything that a patch or an estimate starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, base_run, check_vocabulary
from core.patching.donors.fixed import Donors
from core.patching.donors.linked import at_base_positions
from core.patching.forward import logits_at
from core.patching.readout import read_metric
from core.prompts.links import Sources, sources
from core.prompts.metrics import Metric
from core.prompts.pairs import TokenPair, refuse_linked
from core.terms import Direction, MetricName, NodeKind, Spans


@dataclass(frozen=True, eq=False)
class Question:
    """Base runs are rows ``base_rows`` of ``run``; pair i takes activations from row ``donor_rows[i]`` of ``donors``,
    at the base's positions. ``values`` holds the metric of the clean runs, then of the corrupt ones.

    Where every pair's prompts are equally long, clean runs are rows 0.. of ``run`` and corrupt runs rows n.. ; linked
    pairs keep the base runs alone. ``starts`` holds, per pair, the first position at which a patch can change anything;
    ``sources``, for linked pairs only, where activations are taken from.
    """

    model: LoadedModel
    pairs: tuple[TokenPair, ...]
    metric: Metric
    run: BaseRun
    donors: BaseRun
    base_rows: list[int]
    donor_rows: list[int]
    starts: list[int]
    values: list[float]
    sources: tuple[Sources, ...] | None = None

    @property
    def length(self) -> int:
        """Number of tokens of the base prompts."""
        return self.run.inputs[0].shape[1] - self.run.forced

    @property
    def rows(self) -> dict[str, Any]:
        """Which rows to compare, as the engines take them."""
        return {
            "donors": self.donors,
            "base_rows": self.base_rows,
            "donor_rows": self.donor_rows,
            "starts": self.starts,
        }

    def leave_out(self, effects: dict[NodeKind, np.ndarray]) -> None:
        """Set effects at positions without a source, ``[pair, layer, position, unit]``, to NaN."""
        for pair, places in enumerate(self.sources or ()):
            nowhere = [position for position, found in enumerate(places) if not found]
            for values in effects.values():
                values[pair, :, nowhere] = np.nan

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
    donors: Donors | None = None,
    spans: Spans | None = None,
) -> Question:
    """Run clean and corrupt prompts once, keeping what patching ``kinds`` needs.

    Whole answers (``answer_log_prob``) follow both prompts, but for their last token; only prompts are patched.

    Args:
        pairs: with as many clean tokens each, as many corrupt tokens each, and answers of one length.
        donors: what ``donors_of`` made for the whole set, put into the clean runs (noising) at every position; default:
            each pair's other prompt.
        spans: how the spans of linked pairs are patched.

    Raises:
        SpecError: pairs are linked, and nothing says how their spans are patched.
    """
    n = len(pairs)
    if spans is None and donors is None:
        refuse_linked(pairs)
    check_vocabulary(model, torch.tensor([max(*p.answer_ids, *p.distractor_ids, *p.rest_ids) for p in pairs]))
    bound = Metric.of(metric, pairs)
    runs = _unpatched(model, pairs, bound.forced, kinds)
    with torch.no_grad():
        if metric == "kl":
            bound = bound.with_reference(torch.cat([logits_at(model, run.inputs[-1][:, -1]) for run in runs])[:n])
        final = torch.cat([run.final(run.inputs[-1]) for run in runs])
        values = read_metric(model, bound, final, torch.arange(2 * n) % n).tolist()
    clean, corrupt = list(range(n)), list(range(n, 2 * n))
    if donors is not None:
        return Question(model, tuple(pairs), bound, runs[0], donors(runs[0]), clean, [0] * n, [0] * n, values)
    starts = [pair.first_difference for pair in pairs]
    places = _places(pairs, direction, spans) if spans is not None else ()
    if len(runs) == 1 and all(found == (i,) for row in places for i, found in enumerate(row)):
        base, other = (clean, corrupt) if direction == "noising" else (corrupt, clean)
        return Question(model, tuple(pairs), bound, runs[0], runs[0], base, other, starts, values)
    if len(runs) == 1:
        runs = tuple(BaseRun.combined(lambda x, part=part: x[part], runs[0]) for part in (slice(n), slice(n, None)))
    run, other_run = runs if direction == "noising" else runs[::-1]
    moved = at_base_positions(model, run, other_run, places)
    return Question(model, tuple(pairs), bound, run, moved, clean, clean, starts, values, places)


def _places(pairs: Sequence[TokenPair], direction: Direction, spans: Spans) -> tuple[Sources, ...]:
    return tuple(
        sources(pair.links, len(pair.clean_ids), len(pair.corrupt_ids), direction=direction, spans=spans)
        for pair in pairs
    )


def _unpatched(
    model: LoadedModel, pairs: Sequence[TokenPair], forced: Tensor, kinds: Sequence[NodeKind]
) -> tuple[BaseRun, ...]:
    """Clean runs and corrupt runs, each prompt followed by its ``forced`` tokens ``[pair, token]``: together, clean
    ones first, where all prompts are equally long; else one after the other."""
    clean = torch.cat([torch.tensor([pair.clean_ids for pair in pairs]), forced], 1)
    corrupt = torch.cat([torch.tensor([pair.corrupt_ids for pair in pairs]), forced], 1)
    batches = (torch.cat([clean, corrupt]),) if clean.shape == corrupt.shape else (clean, corrupt)
    return tuple(replace(base_run(model, ids.to(model.device), kinds), forced=forced.shape[1]) for ids in batches)
