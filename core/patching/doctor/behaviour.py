"""Checks of what the model does with a pair: whether it solves it, and whether there is anything to move."""

from __future__ import annotations

from collections.abc import Iterator

from core.patching.doctor.measure import Looked, Measured
from core.prompts.doctor.finding import LEAVE_OUT, Finding
from core.prompts.solving import is_solved

NOTHING = 0.05  # logits: the odds of the answer against the distractor change by a twentieth
SHARE = 0.05  # of the set's usual gap


def solves(measured: Measured) -> bool:
    """Whether the model prefers the answer after the clean prompt and the distractor after the corrupt one."""
    return is_solved(measured.clean, measured.corrupt, margin=0.0)


def unsolved(looked: Looked) -> Iterator[Finding]:
    """Pairs that the model gets wrong; those without a gap are told of as such."""
    next_step = "Leave it out, unless it is the mistake that you study: effects explain what the model does."
    for row, found in looked.measured.items():
        if not solves(found) and abs(found.gap) >= _least_gap(looked):
            yield Finding(row, "solved", "warning", _wrong(found), next_step, LEAVE_OUT)


def without_gap(looked: Looked) -> Iterator[Finding]:
    """Pairs whose two runs give the same logit difference, so that no patch can be told from none; a warning where it
    is only small beside that of the others."""
    for row, found in looked.measured.items():
        if abs(found.gap) < _least_gap(looked):
            what = (
                f"There is next to nothing to patch: the logit difference is {_n(found.clean)} after the clean prompt "
                f"and {_n(found.corrupt)} after the corrupt one (the set's usual gap is {looked.typical_gap:.3g}). "
                "What differs between the prompts does not reach the answer."
            )
            next_step = "Change in the corrupt prompt what decides the answer, or leave the row out."
            yield Finding(row, "gap", "error" if abs(found.gap) < NOTHING else "warning", what, next_step, LEAVE_OUT)


def broken_patches(looked: Looked) -> Iterator[Finding]:
    """Pairs in which patching everything that differs does not give the corrupt run.

    Before the first block the runs differ at their differing tokens only, so patching the residual stream at all of
    these must turn the clean run into the corrupt one, up to rounding.
    """
    import torch

    rounding = max(1e-3, 32 * torch.finfo(looked.model.dtype).eps)
    for row, found in looked.measured.items():
        if abs(found.patched - found.corrupt) > rounding + 0.02 * abs(found.gap):
            what = (
                "Patching the residual stream before the first block wherever the prompts differ should give the "
                f"corrupt run's logit difference, {_n(found.corrupt)}, but gives {_n(found.patched)}: the tokens reach "
                "the answer by another way too, which no patch changes."
            )
            yield Finding(row, "patching", "error", what, "Do not trust effects from this model.")


def _least_gap(looked: Looked) -> float:
    """The smallest gap (logits) that counts as one."""
    return max(NOTHING, SHARE * looked.typical_gap)


def _wrong(found: Measured) -> str:
    sides = []
    if found.clean <= 0:
        sides.append("does not prefer the answer after the clean prompt")
    if found.corrupt >= 0:
        sides.append("does not prefer the distractor after the corrupt prompt")
    return (
        f"The model gets the pair wrong: it {' and '.join(sides)}. Logit difference {_n(found.clean)} clean, "
        f"{_n(found.corrupt)} corrupt; the answer's probability is {found.probability:.2g}, its rank {found.rank}."
    )


def _n(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")
