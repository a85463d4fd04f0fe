"""Readouts as tidy tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.models.load import LoadedModel
from core.prompts.pairs import TokenPair, group_by_length
from core.readouts.direct import DirectEffects, RunName, direct_logit_attribution
from core.readouts.lens import logit_lens

PAIRS_AT_ONCE = 16
LENS_COLUMNS = ("difference", "answer_probability", "answer_rank", "top", "top_probability")


def direct_table(
    model: LoadedModel, pairs: Sequence[TokenPair], *, run: RunName = "clean", last: bool = True
) -> tuple[pd.DataFrame, float]:
    """Rows pair, node, layer, head, position, token, part (logits); and the largest difference of a pair's parts' sum
    from its logit difference. ``node`` is ``embedding``, ``head``, ``mlp`` or ``bias``."""
    tables, residue = [], 0.0
    for group in group_by_length(tuple(pairs)).values():
        for first in range(0, len(group), PAIRS_AT_ONCE):
            batch = group[first : first + PAIRS_AT_ONCE]
            found = direct_logit_attribution(model, batch, run=run, last=last)
            residue = max(residue, float(np.abs(found.total() - found.logits).max()))
            tables += [_direct_rows(found, row, pair, run) for row, pair in enumerate(batch)]
    return pd.concat(tables, ignore_index=True), residue


def _direct_rows(found: DirectEffects, row: int, pair: TokenPair, run: RunName) -> pd.DataFrame:
    tokens = pair.clean_tokens if run == "clean" else pair.corrupt_tokens
    parts = {"embedding": found.embed, "head": found.heads, "mlp": found.mlps, "bias": found.bias}
    frames = []
    for node, values in parts.items():
        array = values[row, 0]
        places = np.indices(array.shape).reshape(array.ndim, -1)
        position = places[-1] + len(pair) - array.shape[-1]
        frames.append(
            pd.DataFrame(
                {
                    "pair": pair.label,
                    "node": node,
                    "layer": pd.array(places[0] if array.ndim > 1 else [pd.NA] * array.size, dtype="Int64"),
                    "head": pd.array(places[1] if array.ndim > 2 else [pd.NA] * array.size, dtype="Int64"),
                    "position": position,
                    "token": np.array(tokens, dtype=object)[position],
                    "part": array.ravel(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def lens_table(model: LoadedModel, pairs: Sequence[TokenPair], *, run: RunName = "clean") -> pd.DataFrame:
    """Rows pair, layer (0 the embedding, L the answer), position, token and what the lens reads there."""
    frames = []
    for pair in pairs:
        lens = logit_lens(model, pair, run=run)
        layer, position = (x.ravel() for x in np.indices(lens.difference.shape))
        columns = {name: getattr(lens, name).ravel() for name in LENS_COLUMNS}
        tokens = np.array(lens.tokens, dtype=object)[position]
        frames.append(
            pd.DataFrame({"pair": pair.label, "layer": layer, "position": position, "token": tokens, **columns})
        )
    empty = pd.DataFrame(columns=["pair", "layer", "position", "token", *LENS_COLUMNS])
    return pd.concat(frames, ignore_index=True) if frames else empty
