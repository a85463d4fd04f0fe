"""What each head looks at from the last token, and the category that makes it.

Weights are attention times the length of what the head would write from there, each prompt's divided by their sum.
They are summed over tokens of one kind (the label of option 2, the text of option 3, ...) and averaged over prompts
with the same right place. Categories, by fixed thresholds:

    correct letter    more than half on the right option's label, less than half of that on any other label
    single letter     more than 0.6 on one label, whichever is right
    uniform           more than half on labels, spread over them with an entropy above 0.9 log 4
    content gatherer  more than half on the right option's text or the end of its line
    amplification     more than half on the last tokens, after the options
    other             none of these
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.labs.multiple_choice.inside.runs import LastToken, runs_of
from core.labs.multiple_choice.questions.layouts import BY_OPTION
from core.labs.multiple_choice.questions.questions import N_OPTIONS
from core.labs.multiple_choice.questions.tokens import Asked, Role
from core.models.attention import AttentionStep, scores
from core.models.load import LoadedModel
from core.readouts.writes import heads_matrix

Category = Literal["correct letter", "single letter", "uniform", "content gatherer", "amplification", "other"]
SOURCES: tuple[Role, ...] = (
    *((kind, i) for kind in BY_OPTION for i in range(N_OPTIONS)),
    ("preamble", -1),
    ("question", -1),
    ("cue", -1),
    ("start", -1),
)


def looks(model: LoadedModel, asked: Sequence[Asked]) -> np.ndarray:
    """Where the last token's heads look, float32 ``[prompt, layer, head, source]``; sources as in ``SOURCES``."""
    found = np.zeros((len(asked), model.shape.n_layers, model.shape.n_heads, len(SOURCES)), np.float32)
    grams = [_gram(model, layer) for layer in range(model.shape.n_layers)]
    for i, last in runs_of(model, asked):
        member = np.array([[kind == source for source in SOURCES] for kind in asked[i].kinds], np.float32)
        found[i] = np.stack([_weights(last, step, gram) for step, gram in zip(last.run.heads, grams)]) @ member
    return found


def by_right_place(found: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Means over the prompts of each right place, ``[place, layer, head, source]``; NaN where a place is never right.

    Args:
        places: of every prompt, ``[prompt]``.
    """
    empty = np.full(found.shape[1:], np.nan, np.float32)
    return np.stack([found[places == i].mean(0) if (places == i).any() else empty for i in range(N_OPTIONS)])


def categories(means: np.ndarray) -> list[list[Category]]:
    """The category of every head, ``[layer][head]``, from ``by_right_place``."""
    return [[_category(means[:, layer, head]) for head in range(means.shape[2])] for layer in range(means.shape[1])]


def look_table(means: np.ndarray) -> pd.DataFrame:
    """Rows layer, head, right, source, option, weight: ``right`` and ``option`` count places from 1 (0: no option)."""
    rows = [
        (layer, head, place + 1, kind, option + 1, float(means[place, layer, head, s]))
        for layer in range(means.shape[1])
        for head in range(means.shape[2])
        for place in range(N_OPTIONS)
        for s, (kind, option) in enumerate(SOURCES)
    ]
    return pd.DataFrame(rows, columns=["layer", "head", "right", "source", "option", "weight"])


def best_site(means: np.ndarray, layer: int, head: int) -> str:
    """The kind of an option's tokens that a head looks at most: label, option, end or bracket."""
    total = np.nan_to_num(means[:, layer, head]).mean(0)
    sums = {kind: sum(total[SOURCES.index((kind, i))] for i in range(N_OPTIONS)) for kind in BY_OPTION}
    return max(sums, key=lambda kind: sums[kind])


def on_options(means: np.ndarray, layer: int, head: int) -> float:
    """The share of a head's weight that lies on any option."""
    total = np.nan_to_num(means[:, layer, head]).mean(0)
    return float(total[: len(BY_OPTION) * N_OPTIONS].sum())


def _category(rows: np.ndarray) -> Category:
    """From one head's weights ``[right place, source]``."""
    rows = rows[~np.isnan(rows).any(1)] if np.isnan(rows).any() else rows
    if len(rows) < N_OPTIONS:
        return "other"

    def columns(kind: str) -> np.ndarray:
        return rows[:, [SOURCES.index((kind, i)) for i in range(N_OPTIONS)]]

    labels, content = columns("label"), columns("option") + columns("end")
    right = np.diagonal(labels).mean()
    wrong = labels[~np.eye(N_OPTIONS, dtype=bool)].reshape(N_OPTIONS, -1).max(1).mean()
    spread = labels.mean(0) / max(labels.mean(0).sum(), 1e-9)
    entropy = -(spread * np.log(np.clip(spread, 1e-9, None))).sum()
    if right > 0.5 and wrong < 0.5 * right:
        return "correct letter"
    if labels.min(0).max() > 0.6:
        return "single letter"
    if labels.sum(1).mean() > 0.5 and entropy > 0.9 * np.log(N_OPTIONS):
        return "uniform"
    if np.diagonal(content).mean() > 0.5:
        return "content gatherer"
    if rows[:, SOURCES.index(("cue", -1))].mean() > 0.5:
        return "amplification"
    return "other"


def _gram(model: LoadedModel, layer: int) -> Tensor:
    """W Wᵀ of every head's output projection, so that |v W|² = v (W Wᵀ) v: ``[head, d_head, d_head]``."""
    matrix = heads_matrix(model, layer)
    return matrix @ matrix.transpose(-1, -2)


@torch.no_grad()
def _weights(last: LastToken, step: AttentionStep, gram: Tensor) -> np.ndarray:
    """Shares of the last token's attention times value lengths, ``[head, key]``."""
    row = slice(last.row, last.row + 1)
    pattern = scores(step.q[row, :, -1:], step.k[row], step.mask[:, :, -1:], step.scaling, step.softcap).softmax(-1)
    v = step.v[row].float().repeat_interleave(len(gram) // step.v.shape[1], 1)[0]  # [head, key, d_head]
    norm = torch.einsum("hkd,hde,hke->hk", v, gram, v).clamp_min(0).sqrt()
    weights = pattern[0, :, 0] * norm
    return (weights / weights.sum(-1, keepdim=True).clamp_min(1e-12)).cpu().numpy()
