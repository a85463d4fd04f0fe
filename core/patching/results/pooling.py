"""Scaling each pair's effects and averaging over pairs.

Scales (``Scale``), applied to each pair before anything is averaged:

- ``signed``: the change of the metric, patched minus unpatched run, in the metric's own units.
- ``fraction``: that change over the pair's gap, ``effect / (clean_metric - corrupt_metric)``. Noising a cause
  takes the metric from its clean towards its corrupt value, so its fraction is negative, −1 for a node that
  carries everything; denoising a cause gives a positive one, +1 for a node that restores everything. Pairs whose
  gap is close to 0 would dominate any mean, so they are left out and counted. Scores without a sign are divided
  by the gap's magnitude.
- ``absolute``: the magnitude of the change, so that opposite signs in two pairs do not cancel.

Pairs of different token counts share no positions. A table over heads therefore collapses positions within each
pair first (``sum``, or the ``strongest`` position: the one whose mean over the pairs of equal length is largest
in magnitude) and averages over all pairs afterwards. Effects of patching single positions need not add up to the
effect of patching them together; the sum is a summary, not a prediction. A ``strongest`` value was chosen for
being large, so its standard error is a little too hopeful.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from core.errors import ResultError, SpecError
from core.patching.results.result import AttributionResult
from core.terms import NodeKind

Scale = Literal["signed", "fraction", "absolute"]
Collapse = Literal["strongest", "sum"]

# A gap under this share of the median gap (or under the absolute floor) makes a fraction meaningless.
GAP_SHARE, GAP_FLOOR = 0.05, 1e-4


def entering(
    result: AttributionResult, scale: Scale, n_tokens: int | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Indices of the pairs that a scale can use, and of those it must leave out for want of a gap.

    Raises:
        ResultError: no pair of that length, or none with a gap.
    """
    groups = result.groups()
    if n_tokens is not None and n_tokens not in groups:
        raise ResultError(f"No pair has {n_tokens} tokens.", next_step=f"Lengths here: {', '.join(map(str, groups))}.")
    candidates = range(len(result.pairs)) if n_tokens is None else groups[n_tokens]
    if scale != "fraction":
        return tuple(candidates), ()
    gaps = np.array([abs(run.gap) for run in result.pairs])
    smallest = max(GAP_FLOOR, GAP_SHARE * float(np.median(gaps)))
    used = tuple(i for i in candidates if gaps[i] >= smallest)
    if not used:
        raise ResultError(
            "The clean and corrupt runs give almost the same metric in every pair, so there is no gap to divide by.",
            next_step="Show signed effects, or choose pairs whose answers differ.",
        )
    return used, tuple(i for i in candidates if gaps[i] < smallest)


def pair_arrays(result: AttributionResult, kind: NodeKind, used: tuple[int, ...], scale: Scale) -> Iterator[np.ndarray]:
    """One scaled array ``[layer, position, unit]`` a pair, made one at a time so that neurons fit in memory."""
    if kind not in result.effects:
        raise ResultError(f"This result holds no {kind} nodes.", next_step=f"It holds {', '.join(result.effects)}.")
    for i in used:
        effect, gap = result.effects[kind][i], result.pairs[i].gap
        if scale == "fraction":
            yield effect / np.float32(gap if result.spec.signed else abs(gap))
        else:
            yield np.abs(effect) if scale == "absolute" else effect


def exact_arrays(result: AttributionResult, kind: NodeKind, used: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Of a screen, for each pair: which of ``pair_arrays`` are exact (``AttributionResult.exactness``)."""
    for i in used:
        yield result.exactness(kind, i)


def all_exact(known: np.ndarray, axis: int = 0) -> np.ndarray:
    """Whether everything along an axis of exactness values is exact; not where all of it is 0 by construction."""
    return np.fmin.reduce(known, axis) == 1


def collapsed(
    result: AttributionResult,
    kind: NodeKind,
    used: tuple[int, ...],
    scale: Scale,
    *,
    axis: Literal[1, 2],
    how: Collapse,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Each pair's effects with one axis of ``[layer, position, unit]`` collapsed: ``[pair, layer, other]``.

    Also the index that ``strongest`` took, ``[layer, other]``, where all pairs have one length (else None); and for a
    screen, which of the values are exact, shaped like them: 1, 0, or NaN where nothing can have an effect.
    """
    values: dict[int, np.ndarray] = {}
    known: dict[int, np.ndarray] = {}
    chosen = None
    for group in result.groups().values():
        members = tuple(i for i in group if i in used)
        if not members:
            continue
        if how == "sum":
            for i, x in zip(members, pair_arrays(result, kind, members, scale)):
                values[i] = np.where(np.isnan(x).all(axis), np.nan, np.nansum(x, axis))
                if result.screened:
                    known[i] = np.fmin.reduce(result.exactness(kind, i), axis)
            continue
        mean = running_means(pair_arrays(result, kind, members, scale))[0]
        chosen = np.where(np.isnan(mean), -1, np.abs(mean)).argmax(axis)
        for i, x in zip(members, pair_arrays(result, kind, members, scale)):
            values[i] = np.take_along_axis(x, np.expand_dims(chosen, axis), axis).squeeze(axis)
            if result.screened:
                exact = result.exactness(kind, i)
                known[i] = np.take_along_axis(exact, np.expand_dims(chosen, axis), axis).squeeze(axis)
    one_group = len({len(base_tokens(result, i)) for i in used}) == 1
    exactness = np.stack([known[i] for i in used]) if result.screened else None
    return np.stack([values[i] for i in used]), chosen if one_group else None, exactness


def running_means(arrays: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and mean magnitude over equally shaped arrays, NaN cells left out; holds three arrays at a time."""
    total = magnitude = count = np.zeros(())
    for x in arrays:
        known = np.where(np.isnan(x), 0.0, x)
        total, magnitude, count = total + known, magnitude + np.abs(known), count + ~np.isnan(x)
    with np.errstate(invalid="ignore"):
        return total / count, magnitude / count


def over_pairs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, mean magnitude and standard error along the first axis, NaN entries left out.

    The standard error is the sample standard deviation over ``sqrt(N)``; NaN for fewer than two pairs.
    """
    n = (~np.isnan(values)).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, 0, dtype=np.float64) / n
        mean_abs = np.nansum(np.abs(values), 0, dtype=np.float64) / n
        variance = np.nansum((values - mean) ** 2, 0) / (n - 1)
        se = np.where(n > 1, np.sqrt(variance / n), np.nan)
    return mean, mean_abs, se


def bootstrap(
    values: np.ndarray, rng: np.random.Generator, *, level: float = 0.95, draws: int = 2000
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap interval of the mean over pairs, for ``values [pair, node]``; NaN entries left out.

    Pairs are drawn with replacement, the same draws for every node. NaN for fewer than two pairs.
    """
    n = len(values)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=draws)  # [draw, pair]
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means = (weights @ np.where(known, values, 0.0)) / (weights @ known)  # [draw, node]
    few = known.sum(0) < 2
    means[:, few] = 0.0  # keeps nanquantile silent about empty columns
    low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.where(few, np.nan, low), np.where(few, np.nan, high)


def base_tokens(result: AttributionResult, index: int) -> tuple[str, ...]:
    """Tokens of the run that is patched: the clean one for noising, the corrupt one for denoising."""
    return result.pairs[index].tokens.base_tokens(result.spec.direction)


def position_tokens(result: AttributionResult, indices: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """The first pair's base tokens, and at which positions other pairs of the same length have another token."""
    rows = [base_tokens(result, i) for i in indices]
    return rows[0], tuple(len(set(column)) > 1 for column in zip(*rows))


def one_length(result: AttributionResult, n_tokens: int | None) -> int:
    """``n_tokens``, or the length that all pairs share.

    Raises:
        SpecError: no length was given and the pairs have several.
    """
    lengths = list(result.groups())
    if n_tokens is None and len(lengths) > 1:
        raise SpecError(
            f"The pairs have {' and '.join(map(str, lengths))} tokens, so one position means different tokens.",
            next_step="Choose one length, or collapse positions.",
        )
    return lengths[0] if n_tokens is None else n_tokens


def check_index(what: str, index: int, size: int) -> None:
    """Refuse an index outside ``0 … size-1`` (negative ones included: they would silently mean another place)."""
    if not 0 <= index < size:
        raise SpecError(f"There is no {what} {index}; they run from 0 to {size - 1}.", where=what)
