"""Sweeps over subspaces: how much loss each rank recovers, and what mutations leave of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from core.labs.multiple_choice.inside.nodes import Donors
from core.labs.multiple_choice.inside.runs import measure, runs_of
from core.labs.multiple_choice.inside.subspace import (
    CLASS_RANKS,
    RANDOM_DRAWS,
    RANKS,
    RESTRICTED,
    Fit,
    Head,
    Part,
    Restriction,
    Vectors,
    fit,
    maps_of,
    resampled,
    restricted,
)
from core.labs.multiple_choice.questions.tokens import Asked
from core.models.load import LoadedModel

OnPrompt = Callable[[], None] | None


@dataclass(frozen=True)
class Case:
    """One restriction of a sweep and what it is."""

    parts: tuple[Part, ...]
    fit: Fit
    rank: int
    draw: int
    restriction: Restriction


@dataclass(frozen=True, eq=False)
class Losses:
    """Per prompt: the unpatched loss ``full`` and ``resampled`` ``[prompt]``, and that of every case ``[prompt,
    case]``; ``*_right`` say whether the right label had the highest of the four logits."""

    full: np.ndarray
    resampled: np.ndarray
    cases: np.ndarray
    full_right: np.ndarray
    resampled_right: np.ndarray
    cases_right: np.ndarray


def cases_of(
    vectors: Mapping[Head, Vectors],
    answers: np.ndarray,
    *,
    seed: int,
    parts: Sequence[tuple[Part, ...]] = RESTRICTED,
    ranks: Sequence[int] = RANKS,
    class_ranks: Sequence[int] = CLASS_RANKS,
) -> list[Case]:
    """Every restriction of a sweep, fitted on these vectors; all heads get the same rank."""
    width = next(iter(vectors.values())).q.shape[1]
    full = [rank for rank in ranks if rank < width]
    plan: list[tuple[Fit, int, int]] = [("svd", rank, 0) for rank in full]
    plan += [("random", rank, draw) for rank in full if rank for draw in range(RANDOM_DRAWS)]
    plan += [("means", rank, 0) for rank in class_ranks]
    plan += [("shuffled", rank, draw) for rank in class_ranks for draw in range(RANDOM_DRAWS)]
    out = []
    for chosen in parts:
        for how, rank, draw in plan:
            generator = np.random.default_rng([seed, draw])  # the same directions at every rank of a draw
            heads = {
                head: {part: fit(found, part, answers, how, rank, generator) for part in chosen}
                for head, found in vectors.items()
            }
            out.append(Case(chosen, how, rank, draw, Restriction(heads)))
    return out


def losses_of(
    model: LoadedModel,
    asked: Sequence[Asked],
    donors: Donors,
    sites: Mapping[Head, str],
    cases: Sequence[Case],
    *,
    on_prompt: OnPrompt = None,
) -> Losses:
    """Run every prompt unpatched, with the heads resampled, and under every case."""
    loss = np.zeros((len(asked), 2 + len(cases)), np.float32)
    right = np.zeros(loss.shape, bool)
    maps = maps_of([case.restriction for case in cases], sites, model)
    for i, last in runs_of(model, asked):
        with torch.no_grad():
            streams = [last.final, resampled(last, list(sites), donors.z[int(donors.other[i])])]
            streams += [restricted(last, asked[i], maps)] if cases else []
            found = measure(model, torch.cat(streams), asked[i])
        loss[i], right[i] = found.loss.numpy(), (found.logits.argmax(-1) == asked[i].answer).numpy()
        if on_prompt is not None:
            on_prompt()
    return Losses(loss[:, 0], loss[:, 1], loss[:, 2:], right[:, 0], right[:, 1], right[:, 2:])


def recovered(low: float, resampled: float, full: float) -> float:
    """The share of the ablated loss that a restriction leaves recovered: 1 nothing lost, 0 as bad as resampling; NaN
    where resampling costs less than a hundredth of a nat, so that there is nothing to share."""
    return (resampled - low) / (resampled - full) if resampled - full > 0.01 else float("nan")


def rank_table(losses: Losses, cases: Sequence[Case], groups: Mapping[str, np.ndarray], heads: str) -> pd.DataFrame:
    """Rows heads, parts, fit, rank, draw, on, n, loss, full_loss, resampled_loss, recovered, accuracy.

    Args:
        groups: names of sets of prompts (``fitted``, ``held out``) and which prompts are theirs.
        heads: the name of the set of heads.
    """
    rows = []
    for name, mine in groups.items():
        full, lost = float(losses.full[mine].mean()), float(losses.resampled[mine].mean())
        for i, case in enumerate(cases):
            loss = float(losses.cases[mine, i].mean())
            rows.append(
                {
                    "heads": heads,
                    "parts": "+".join(case.parts),
                    "fit": case.fit,
                    "rank": case.rank,
                    "draw": case.draw,
                    "on": name,
                    "n": int(mine.sum()),
                    "loss": loss,
                    "full_loss": full,
                    "resampled_loss": lost,
                    "recovered": recovered(loss, lost, full),
                    "accuracy": float(losses.cases_right[mine, i].mean()),
                }
            )
    return pd.DataFrame(rows)


def mutation_rows(losses: Losses, cases: Sequence[Case], questions: Sequence[int], mutation: str) -> pd.DataFrame:
    """Rows mutation, version, n, loss, se, accuracy, recovered: the model as it is, with heads in the low-rank subspace
    (``low rank``), in random ones of the same rank (``random``, mean over draws), and resampled (``ablated``).

    Args:
        questions: which question each prompt asks; standard errors are over questions.
    """
    versions = {"full": (losses.full, losses.full_right)}
    for name, how in (("low rank", "svd"), ("random", "random")):
        mine = [i for i, case in enumerate(cases) if case.fit == how]
        if mine:
            versions[name] = (losses.cases[:, mine].mean(1), losses.cases_right[:, mine].mean(1))
    versions["ablated"] = (losses.resampled, losses.resampled_right)
    full, lost = float(losses.full.mean()), float(losses.resampled.mean())
    rows = []
    for name, (loss, right) in versions.items():
        by_question = pd.Series(loss).groupby(list(questions)).mean()
        rows.append(
            {
                "mutation": mutation,
                "version": name,
                "n": len(loss),
                "loss": float(loss.mean()),
                "se": float(by_question.sem()),
                "accuracy": float(np.mean(right)),
                "recovered": recovered(float(loss.mean()), lost, full),
            }
        )
    return pd.DataFrame(rows)
