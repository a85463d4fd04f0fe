"""Donors that need no other prompt: zeros, and means over the clean prompts of a set.

    zero            a vector of zeros
    mean            the node's activation averaged over the clean prompts of the set and over their positions, the
                    first position left out: models park attention there, and its huge activations would drown the rest
    mean-position   the node's activation at the same position, averaged over the clean prompts of the same length

Every pair and (but for ``mean-position``) every position receives the same vector. The clean prompts are what the base
runs show; the corrupt ones do not enter. A patch with any of these can change something at every position, the first
one included, so effects there are not 0 as they are with a corrupt prompt.

Queries and keys are averaged as they enter the dot product: after rotary embedding. At one position (``mean-position``)
that is the mean query or key itself, rotated. Over positions (``mean``) each was rotated by its own angle first, which
shrinks what turns fast; read such effects of q and k with care, or use ``mean-position``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from core.errors import SpecError
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, base_run
from core.prompts.pairs import TokenPair, group_by_length
from core.terms import Donor, NodeKind

Donors = Callable[[BaseRun], BaseRun]  # from base runs to donors of the same length; every pair takes row 0
MEANS: tuple[Donor, ...] = ("mean", "mean-position")
TOKENS_AT_ONCE = 1024  # of one forward: bounds the activations that are held while they are summed


def donors_of(donor: Donor, model: LoadedModel, pairs: Sequence[TokenPair], kinds: Sequence[NodeKind]) -> Donors | None:
    """The donors of a set of pairs, as ``ask`` takes them; None: each pair's other prompt.

    Means run all clean prompts once and keep sums only.

    Raises:
        SpecError: there is nothing to average over.
    """
    if donor == "corrupt":
        return None
    if donor == "zero":
        return lambda run: BaseRun.combined(lambda x: torch.zeros_like(x[:1]), run)
    if donor == "mean":
        return _mean(model, pairs, kinds)
    return _mean_by_position(model, pairs, kinds)


def start_of(pair: TokenPair, donor: Donor) -> int:
    """First position at which patching from a donor can change anything."""
    return pair.first_difference if donor == "corrupt" else 0


def _mean(model: LoadedModel, pairs: Sequence[TokenPair], kinds: Sequence[NodeKind]) -> Donors:
    count = sum(len(pair) - 1 for pair in pairs)
    if not count:
        raise SpecError(
            "Every clean prompt is a single token, and a mean leaves the first position out.",
            where="--donor",
            next_step="Bring longer prompts, or use zeros.",
        )
    mean = _total(model, pairs, kinds, lambda x: x[..., 1:, :].sum((0, -2), keepdim=True), 1 / count)
    return lambda run: BaseRun.combined(_spread, mean, run)


def _mean_by_position(model: LoadedModel, pairs: Sequence[TokenPair], kinds: Sequence[NodeKind]) -> Donors:
    groups = group_by_length(tuple(pairs))
    alone = [length for length, group in groups.items() if len(group) < 2]
    if alone:
        raise SpecError(
            f"Only one clean prompt has {alone[0]} tokens, so a mean at each position would be that prompt itself.",
            where="--donor",
            next_step="Bring at least two prompts of each length, or use the mean over all positions.",
        )
    means = {n: _total(model, g, kinds, lambda x: x.sum(0, keepdim=True), 1 / len(g)) for n, g in groups.items()}
    return lambda run: BaseRun.combined(_spread, means[run.inputs[0].shape[1]], run)


def _total(
    model: LoadedModel,
    pairs: Sequence[TokenPair],
    kinds: Sequence[NodeKind],
    reduce: Callable[[Tensor], Tensor],
    scale: float,
) -> BaseRun:
    """``scale`` times the sum of reduced clean activations, in float64; holds one forward's activations at a time."""
    total: BaseRun | None = None
    for length, group in group_by_length(tuple(pairs)).items():
        size = max(1, TOKENS_AT_ONCE // length)
        for first in range(0, len(group), size):
            ids = torch.tensor([pair.clean_ids for pair in group[first : first + size]], device=model.device)
            part = BaseRun.combined(lambda x: reduce(x.double()) * scale, base_run(model, ids, kinds))
            total = part if total is None else BaseRun.combined(torch.add, total, part)
    assert total is not None
    return total


def _spread(mean: Tensor, like: Tensor) -> Tensor:
    """A mean as one row of the positions and precision of other activations."""
    return mean.to(like.dtype).expand(*mean.shape[:-2], like.shape[-2], -1)
