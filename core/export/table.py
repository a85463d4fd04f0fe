"""Tables as CSV.

Two kinds, on purpose. ``effects_csv`` is data for programs: every cell to the letter, also a pair named
``=HYPERLINK(…)``, which a spreadsheet would run as a formula. ``shown_csv`` is what a person downloads from a page
and opens with a double click: text that a spreadsheet would take for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import TextIO

import numpy as np
import pandas as pd

from core.patching.results.result import AttributionResult

COLUMNS = ("pair", "node", "layer", "head", "position", "token", "effect")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def effects_csv(result: AttributionResult, to: TextIO, *, top: int | None = None) -> None:
    """Write one row a pair and node, pair by pair: ``pair,node,layer,head,position,token,effect``; for a screen also
    ``source``, which is ``exact`` or ``estimate``.

    Args:
        top: only the rows of largest magnitude, largest first.
    """
    for i, frame in enumerate(_frames(result, top)):
        columns = [*COLUMNS, "source"] if result.spec.screen else list(COLUMNS)
        frame.to_csv(to, columns=columns, index=False, header=i == 0, lineterminator="\n")


def shown_csv(table: pd.DataFrame) -> bytes:
    """A table as a person sees it, UTF-8, safe to open in a spreadsheet."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = [_not_a_formula(cell) for cell in safe[name]]
    return safe.to_csv(index=False, lineterminator="\n").encode()


def _not_a_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _frames(result: AttributionResult, top: int | None) -> Iterator[pd.DataFrame]:
    if top is not None:
        table = _largest(result, top).to_frame()
        yield table.sort_values("effect", key=abs, ascending=False, kind="stable").head(top)
        return
    yield from result.frames()  # a pair and kind at a time: all neurons of all pairs would not fit


def _largest(result: AttributionResult, top: int) -> AttributionResult:
    """The result with all but the ``top`` largest magnitudes (and ties with the last of them) marked not computed."""
    kept = np.zeros(0, dtype=np.float32)
    for arrays in result.effects.values():
        for x in arrays:
            kept = np.concatenate([kept, np.abs(x[~np.isnan(x)])])
            kept = np.partition(kept, -top)[-top:] if 0 < top < len(kept) else kept
    threshold = kept.min() if len(kept) else 0.0
    effects = {
        kind: tuple(np.where(np.abs(x) >= threshold, x, np.nan) for x in arrays)
        for kind, arrays in result.effects.items()
    }
    return dataclasses.replace(result, effects=effects)


def effects_text(result: AttributionResult, *, top: int | None = None) -> str:
    """``effects_csv`` as a string."""
    out = io.StringIO()
    effects_csv(result, out, top=top)
    return out.getvalue()
