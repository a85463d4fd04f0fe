"""Whether the model's precision is fine enough for the size of the effect, seen on a sample of the set."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from core.errors import ModelError
from core.patching.doctor.measure import Looked
from core.prompts.doctor.finding import Finding
from core.prompts.pairs import TokenPair

if TYPE_CHECKING:
    import torch

SAMPLE = 4  # pairs
SHARE = 0.1  # of the usual gap that rounding may be


def coarse(looked: Looked) -> Iterator[Finding]:
    """Compares logit differences in float32 and in the model's own precision; where that is float32, in bfloat16 if
    asked. The same weights are used: what was rounded off when they were loaded is not seen."""
    import torch

    own = looked.model.dtype
    if not looked.case.tokens or (own == torch.float32 and not looked.compare):
        return
    other = torch.bfloat16 if own == torch.float32 else torch.float32
    try:
        values = {own: _differences(looked, own), other: _differences(looked, other)}
    except ModelError as error:
        yield Finding(None, "precision", "note", f"Precisions could not be compared. {error.what}", "Free some memory.")
        return
    low = str(other if own == torch.float32 else own).removeprefix("torch.")
    fine = values[torch.float32]
    off, gap = float(np.abs(values[own] - values[other]).max()), float(np.median(np.abs(fine[:, 0] - fine[:, 1])))
    told = f"In {low} the logit difference is off by up to {off:.2g}, {_share(off, gap)} of the usual gap of {gap:.3g}"
    sample = f"({len(fine)} pair{'s' if len(fine) > 1 else ''} of the set)"
    if own != torch.float32 and off > SHARE * gap:
        what = f"{told} {sample}. Effects of single nodes are smaller than the gap, and drown in that."
        yield Finding(None, "precision", "warning", what, "Load the model in float32.")
    elif own == torch.float32:
        advice = "Stay with float32." if off > SHARE * gap else f"{low} would do where effects are not much smaller."
        yield Finding(None, "precision", "note", f"{told} {sample}.", advice)


def sample_of(pairs: tuple[TokenPair, ...]) -> tuple[TokenPair, ...]:
    """A few pairs, spread evenly over the set."""
    places = np.linspace(0, len(pairs) - 1, min(SAMPLE, len(pairs))).astype(int)
    return tuple(pairs[i] for i in places)


def _differences(looked: Looked, dtype: torch.dtype) -> np.ndarray:
    """Logit differences of the sample in some precision, ``[pair, clean or corrupt]``."""
    from core.models.device import refuse_if_too_large
    from core.prompts.solving import logit_differences

    hf, card = looked.model.hf, looked.model.card
    if dtype != looked.model.dtype:
        refuse_if_too_large(f"A copy of {card.name}", card.parameters, dtype, looked.model.device)
        hf = copy.deepcopy(hf).to(dtype)
    sample = sample_of(looked.case.aligned.pairs)
    looked.progress.extend(len(sample))
    found = logit_differences(sample, hf)
    looked.progress.advance(len(sample))
    return np.array([found[pair.row] for pair in sample])


def _share(off: float, gap: float) -> str:
    return f"{100 * off / gap:.2g} %" if gap else "more than all"
