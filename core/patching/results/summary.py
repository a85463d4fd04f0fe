"""From an AttributionResult to the tables that heatmaps show; scales and averaging are those of ``pooling``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from core.patching.place import Node
from core.patching.results.pooling import (
    Collapse,
    Scale,
    all_exact,
    base_tokens,
    check_index,
    collapsed,
    entering,
    exact_arrays,
    one_length,
    over_pairs,
    pair_arrays,
    position_tokens,
)
from core.patching.results.result import AttributionResult
from core.patching.spec import RunSpec
from core.prompts.show import answers_words
from core.terms import WHOLE_KINDS, NodeKind


@dataclass(frozen=True)
class EffectTable:
    """Mean effects as one matrix ``[layer, column]``; a column is a head (unit) or a token position.

    Attributes:
        spec: the run.
        kind: node kind of every cell.
        columns: what a column is.
        scale: how each pair's effect was scaled.
        mean, mean_abs, se: mean, mean magnitude and standard error over pairs; NaN where not computed (``se``
            also where only one pair entered).
        pairs: indices into ``result.pairs`` of the pairs that entered.
        left_out: indices of pairs dropped because their gap is too small (``fraction`` only).
        n_tokens: length group of the pairs; None where several lengths entered.
        position, unit: the one position (head table) or unit (position table) shown; None where collapsed or absent.
        collapse: how the dimension not shown was collapsed; None where it was not.
        chosen: ``[layer, column]``, the position or unit that ``strongest`` took; None otherwise.
        tokens: base-run tokens of the first pair, one a position; empty where several lengths entered.
        varies: whether the token at that position differs between pairs.
        first_difference: first position at which any of the pairs differs; None where several lengths entered, or where
            the donor is not the other prompt, so that every position counts.
        exact: of a screen, bool ``[layer, column]``: whether the cell is exact in every pair that entered; else None.
        partial: of an unfinished run, how much of it is here (``AttributionResult.partial``).
        answers: what the metric reads where that is not one answer against one distractor, in words.
    """

    spec: RunSpec
    kind: NodeKind
    columns: Literal["head", "position"]
    scale: Scale
    mean: np.ndarray
    mean_abs: np.ndarray
    se: np.ndarray
    pairs: tuple[int, ...]
    left_out: tuple[int, ...]
    n_tokens: int | None
    position: int | None
    unit: int | None
    collapse: Collapse | None
    chosen: np.ndarray | None
    tokens: tuple[str, ...]
    varies: tuple[bool, ...]
    first_difference: int | None
    exact: np.ndarray | None = None
    partial: str = ""
    answers: str = ""

    @property
    def signed(self) -> bool:
        """Whether cells carry a sign."""
        return self.spec.signed and self.scale != "absolute"

    @property
    def largest(self) -> float:
        """Largest magnitude in the table, 0 where nothing was computed."""
        finite = self.mean[np.isfinite(self.mean)]
        return float(np.abs(finite).max()) if finite.size else 0.0

    def node(self, layer: int, column: int) -> Node:
        """The node that a cell stands for; a collapsed position or unit is None."""
        if self.columns == "position":
            return Node(self.kind, layer, self.unit, column)
        return Node(self.kind, layer, None if self.kind in WHOLE_KINDS else column, self.position)

    def to_frame(self) -> pd.DataFrame:
        """One row a cell: node, layer, head, position, token, mean, mean_abs, se, n_pairs (see ``Pool.nodes``); for a
        screen also source."""
        layers, columns = np.indices(self.mean.shape)
        nodes = [self.node(int(layer), int(column)) for layer, column in zip(layers.flat, columns.flat)]
        names = [token + "†" * differs for token, differs in zip(self.tokens, self.varies)]
        return pd.DataFrame(
            {
                "node": self.kind,
                "layer": [n.layer for n in nodes],
                "head": pd.array([n.unit for n in nodes], dtype="Int64"),
                "position": pd.array([n.position for n in nodes], dtype="Int64"),
                "token": ["" if n.position is None or not names else names[n.position] for n in nodes],
                "mean": self.mean.ravel(),
                "mean_abs": self.mean_abs.ravel(),
                "se": self.se.ravel(),
                "n_pairs": len(self.pairs),
                **({} if self.exact is None else {"source": np.where(self.exact.ravel(), "exact", "estimate")}),
            }
        )


def layer_by_head(
    result: AttributionResult,
    kind: NodeKind,
    *,
    position: int | None = None,
    n_tokens: int | None = None,
    scale: Scale = "signed",
    collapse: Collapse = "strongest",
) -> EffectTable:
    """Mean effects ``[layer, unit]``, at one position or with positions collapsed.

    Args:
        position: a token position; None collapses positions within each pair.
        n_tokens: only pairs of this length; None takes all (a ``position`` then needs pairs of one length).

    Raises:
        ResultError: the kind or length is not in the result, or no pair is left.
        SpecError: a position that does not exist, or that means different tokens in different pairs.
    """
    if position is not None:
        n_tokens = one_length(result, n_tokens)
        check_index("position", position, n_tokens)
    used, left_out = entering(result, scale, n_tokens)
    if position is None:
        values, chosen, known = collapsed(result, kind, used, scale, axis=1, how=collapse)
    else:
        values = np.stack([x[:, position, :] for x in pair_arrays(result, kind, used, scale)])
        chosen, known = None, None
        if result.screened:
            known = np.stack([x[:, position, :] for x in exact_arrays(result, kind, used)])
    how = collapse if position is None else None
    return _table(
        result, kind, "head", scale, values, used, left_out, position=position, collapse=how, chosen=chosen, known=known
    )


def layer_by_position(
    result: AttributionResult,
    kind: NodeKind,
    *,
    n_tokens: int | None = None,
    unit: int | None = None,
    scale: Scale = "signed",
    collapse: Collapse = "strongest",
) -> EffectTable:
    """Mean effects ``[layer, position]`` of the pairs of one length.

    Args:
        n_tokens: the length; may be left out where all pairs have the same.
        unit: a head, kv head or neuron; None collapses units within each pair (kinds with one unit have nothing
            to collapse).

    Raises: as ``layer_by_head``.
    """
    n_tokens = one_length(result, n_tokens)
    used, left_out = entering(result, scale, n_tokens)
    if kind in WHOLE_KINDS:
        unit = None
    if unit is not None:
        check_index("head", unit, result.shape.units(kind))
    if unit is None and kind not in WHOLE_KINDS:
        values, chosen, known = collapsed(result, kind, used, scale, axis=2, how=collapse)
        how: Collapse | None = collapse
    else:
        values = np.stack([x[:, :, unit or 0] for x in pair_arrays(result, kind, used, scale)])
        chosen, how, known = None, None, None
        if result.screened:
            known = np.stack([x[:, :, unit or 0] for x in exact_arrays(result, kind, used)])
    return _table(
        result, kind, "position", scale, values, used, left_out, unit=unit, collapse=how, chosen=chosen, known=known
    )


def _table(
    result: AttributionResult,
    kind: NodeKind,
    columns: Literal["head", "position"],
    scale: Scale,
    values: np.ndarray,
    used: tuple[int, ...],
    left_out: tuple[int, ...],
    *,
    position: int | None = None,
    unit: int | None = None,
    collapse: Collapse | None,
    chosen: np.ndarray | None,
    known: np.ndarray | None,
) -> EffectTable:
    mean, mean_abs, se = over_pairs(values)
    lengths = {len(base_tokens(result, i)) for i in used}
    tokens, varies = position_tokens(result, used) if len(lengths) == 1 else ((), ())
    marked = len(lengths) == 1 and result.spec.donor == "corrupt"
    first = min(result.pairs[i].tokens.first_difference for i in used) if marked else None
    return EffectTable(
        spec=result.spec,
        kind=kind,
        columns=columns,
        scale=scale,
        mean=mean,
        mean_abs=mean_abs,
        se=se,
        pairs=used,
        left_out=left_out,
        n_tokens=lengths.pop() if len(lengths) == 1 else None,
        position=position,
        unit=unit,
        collapse=collapse,
        chosen=chosen,
        tokens=tokens,
        varies=varies,
        first_difference=first,
        exact=None if known is None else all_exact(known),
        partial=result.partial,
        answers=answers_words(result.spec.metric, (result.pairs[i].tokens for i in used)),
    )
