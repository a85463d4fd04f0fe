"""The whole study of one model on one set of questions: what it does, and the circuit if there is one to look for.

Questions are split in two halves by their place in the file. The standard prompts of all of them, each turned four
times, show whether the model binds labels. If it does, output nodes, ablations and head categories are found on the
prompts that it answers correctly; subspaces are fitted on those of the first half, and judged on both halves and, with
every mutation, on all prompts of the second half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.labs.multiple_choice import tables
from core.labs.multiple_choice.behaviour import (
    Answers,
    Verdict,
    all_turns,
    answers_of,
    judge,
    read_answers,
    write_answers,
)
from core.labs.multiple_choice.inside.categories import (
    best_site,
    by_right_place,
    categories,
    look_table,
    looks,
    on_options,
)
from core.labs.multiple_choice.inside.nodes import (
    Ablated,
    ablate_each,
    collect_donors,
    keep_only,
    net_direct,
    output_nodes,
)
from core.labs.multiple_choice.inside.ranks import cases_of, losses_of, mutation_rows, rank_table
from core.labs.multiple_choice.inside.subspace import PARTS, Fit, Head, Vectors, between, collect, fit, separation
from core.labs.multiple_choice.names import JOINT, MOST_CIRCUIT, RANK, STUDIED
from core.labs.multiple_choice.questions.layouts import MUTATIONS, Mutation, layout_of, prompts_of
from core.labs.multiple_choice.questions.questions import N_OPTIONS, QuestionSet
from core.labs.multiple_choice.questions.tokens import Asked, tokenised
from core.models.load import LoadedModel
from core.progress import IsCancelled, OnStep, Progress

SPACES: tuple[Fit, ...] = ("svd", "means")  # drawn in three dimensions


@dataclass(frozen=True, eq=False)
class Study:
    """Tables by name (``core.labs.multiple_choice.tables`` says what they hold) and a summary of plain JSON values."""

    verdict: Verdict
    summary: dict[str, Any]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)


def study(
    model: LoadedModel,
    questions: QuestionSet,
    *,
    layout: str,
    seed: int = 0,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
    scratch: Path | None = None,
) -> Study:
    """Ask, judge, and if the model binds labels, take its circuit apart.

    Args:
        scratch: a folder of this very study, where the answers are kept while it runs and found when it goes on.

    Raises:
        PromptError: a prompt cannot be read by the model.
        Cancelled: ``cancelled()`` became true.
    """
    asked = {name: _asked(model, questions, layout, name, seed) for name in MUTATIONS}
    progress = Progress(_steps(asked, circuit=True), on_step, cancelled)
    step = lambda: progress.advance(1)  # noqa: E731
    answers = {name: _answered(model, prompts, scratch, name, progress) for name, prompts in asked.items()}
    verdict = judge(answers["standard"])
    found = {
        "answers": tables.answer_table(asked, answers),
        "labels": tables.share_table(asked, answers),
        "mutations": tables.behaviour_table(asked, answers),
    }
    summary: dict[str, Any] = {"verdict": asdict(verdict) | {"binds": verdict.binds, "words": verdict.words()}}
    summary["questions"] = {"name": questions.name, "count": len(questions), "layout": layout}
    if verdict.binds:
        _circuit(model, asked, answers["standard"], found, summary, seed=seed, step=step)
    return Study(verdict, summary, found)


def _answered(
    model: LoadedModel, asked: Sequence[Asked], scratch: Path | None, name: Mutation, progress: Progress
) -> Answers:
    """Answers to the prompts of one mutation, from the scratch folder if they are there."""
    path = scratch / f"answers-{name.replace(' ', '-')}.npz" if scratch is not None else None
    if path is not None and (kept := read_answers(path, len(asked))) is not None:
        progress.advance(len(asked))
        return kept
    found = answers_of(model, asked, on_prompt=lambda: progress.advance(1))
    if path is not None:
        write_answers(found, path)
    return found


def _asked(model: LoadedModel, questions: QuestionSet, layout: str, mutation: Mutation, seed: int) -> tuple[Asked, ...]:
    """All turns of the questions in tokens; of a mutation only the second half of the questions."""
    rows = range(len(questions)) if mutation == "standard" else range(1, len(questions), 2)
    turned = all_turns([questions.questions[row] for row in rows])
    prompts = prompts_of(turned, layout_of(layout), mutation, seed=seed)
    where = [row for row in rows for _ in range(N_OPTIONS)]
    return tokenised(prompts, model.tokenizer, rows=where, most=model.max_tokens)


def _steps(asked: dict[Mutation, tuple[Asked, ...]], *, circuit: bool) -> int:
    every = sum(map(len, asked.values()))
    standard = min(MOST_CIRCUIT, len(asked["standard"]))
    return every + circuit * (every - len(asked["standard"]) // 2 + (2 + STUDIED) * standard)


def _circuit(
    model: LoadedModel,
    asked: dict[Mutation, tuple[Asked, ...]],
    answers: Answers,
    found: dict[str, pd.DataFrame],
    summary: dict[str, Any],
    *,
    seed: int,
    step: Callable[[], None],
) -> None:
    right = [prompt for prompt, good in zip(asked["standard"], answers.right) if good][:MOST_CIRCUIT]
    places = np.array([prompt.answer for prompt in right])
    net = net_direct(model, right)
    order, cut = output_nodes(net)
    donors = collect_donors(model, right, seed=seed)
    ablated = ablate_each(model, right, donors, on_prompt=step)
    kept = keep_only(model, right, donors, order, cut=cut, seed=seed)
    means = by_right_place(looks(model, right), places)
    kinds = categories(means)
    found |= {
        "nodes": tables.node_table(net, order, cut, kinds),
        "effects": tables.effect_table(ablated),
        "kept": tables.kept_table(kept, cut),
        "looks": look_table(means),
    }
    fitted = np.array([prompt.row % 2 == 0 for prompt in right])
    sites = {head: best_site(means, *head) for head in _studied(ablated, means, fitted)}
    summary["output_nodes"], summary["prompts"] = cut, len(right)
    summary["heads"] = {tables.head_name(head): site for head, site in sites.items()}
    if not sites:
        return
    vectors = collect(model, right, sites)
    mine = {head: _take(v, fitted) for head, v in vectors.items()}
    groups = {"fitted": fitted, "held out": ~fitted}
    swept = []
    for name, chosen in _sets(list(sites)).items():
        some = {head: sites[head] for head in chosen}
        cases = cases_of({head: mine[head] for head in chosen}, places[fitted], seed=seed)
        losses = losses_of(model, right, donors, some, cases, on_prompt=step)
        swept.append(rank_table(losses, cases, groups, name))
    found["ranks"] = pd.concat(swept, ignore_index=True)
    found["points"] = _points(vectors, mine, places, fitted, right)
    found["separation"] = _separations(vectors, places, fitted, np.array([prompt.row for prompt in right]))
    bars = cases_of(mine, places[fitted], seed=seed, parts=(("q", "k"),), ranks=(RANK,), class_ranks=())
    rows = []
    for mutation, prompts in asked.items():
        held = [prompt for prompt in prompts if prompt.row % 2]
        losses = losses_of(model, held, collect_donors(model, held, seed=seed), sites, bars, on_prompt=step)
        rows.append(mutation_rows(losses, bars, [prompt.row for prompt in held], mutation))
    found["mutations"] = pd.concat(rows, ignore_index=True)


def _studied(ablated: Ablated, means: np.ndarray, fitted: np.ndarray) -> list[Head]:
    """The heads that matter most (loss after resampling, total effect, on the fitted half) among those that look
    mostly at the options, in the order of layers."""
    cost = ablated.loss[fitted][:, 2, :, :-1, 1].mean(0)  # [layer, head]
    heads = [(int(i), int(j)) for i, j in zip(*np.unravel_index(np.argsort(-cost, axis=None), cost.shape))]
    return sorted([h for h in heads if cost[h] > 0.01 and on_options(means, *h) > 0.5][:STUDIED])


def _sets(heads: list[Head]) -> dict[str, list[Head]]:
    """Each head alone, and all of them."""
    return {tables.head_name(head): [head] for head in heads} | ({JOINT: heads} if len(heads) > 1 else {})


def _take(vectors: Vectors, rows: np.ndarray) -> Vectors:
    return Vectors(vectors.q[rows], vectors.k[rows], vectors.v[rows], vectors.site)


def _separations(
    vectors: dict[Head, Vectors], places: np.ndarray, fitted: np.ndarray, questions: np.ndarray
) -> pd.DataFrame:
    """Rows head, part, fit, held_out, by_place, by_question: how well three directions of the fitted half tell the
    places apart, and the shares of the whole variance between places and between questions."""
    rows = []
    for head, found in vectors.items():
        halves = _take(found, fitted), _take(found, ~fitted)
        for part, how in product(PARTS, SPACES):
            share = separation(*halves, part, (places[fitted], places[~fitted]), how)
            x, at = found.flat(part), found.places(part, places)
            asked = questions.repeat(len(at) // len(questions))
            rows.append((tables.head_name(head), part, how, share, between(x, at), between(x, asked)))
    return pd.DataFrame(rows, columns=["head", "part", "fit", "held_out", "by_place", "by_question"])


def _points(
    vectors: dict[Head, Vectors],
    mine: dict[Head, Vectors],
    places: np.ndarray,
    fitted: np.ndarray,
    asked: Sequence[Asked],
) -> pd.DataFrame:
    """Rows head, part, fit, on, place, label, x, y, z: coordinates in three directions of the fitted half."""
    frames = []
    for head, found in vectors.items():
        for part, how in product(PARTS, SPACES):
            space = fit(mine[head], part, places[fitted], how, 3, np.random.default_rng(0))
            at, each = found.places(part, places), 1 if part == "q" else N_OPTIONS
            frame = pd.DataFrame(space.project(found.flat(part)), columns=["x", "y", "z"])
            about = {
                "head": tables.head_name(head),
                "part": part,
                "fit": how,
                "on": np.where(np.repeat(fitted, each), "fitted", "held out"),
                "place": at + 1,
                "label": [asked[i // each].labels[place] for i, place in enumerate(at)],
            }
            frames.append(pd.concat([pd.DataFrame(about), frame], axis=1))
    return pd.concat(frames, ignore_index=True)
