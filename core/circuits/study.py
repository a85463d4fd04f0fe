"""A circuit's run from start to end: base runs, scores by every method, the curve; kept as a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from core.circuits.curve import curve
from core.circuits.graph import Graph
from core.circuits.scores import edge_scores, score_steps
from core.circuits.select import random_ranking, ranking
from core.circuits.settings import SHARES, CircuitSettings, EdgeMethod, Span
from core.circuits.stored import write_run
from core.circuits.sweep import graph_of
from core.errors import SpecError
from core.models.load import LoadedModel
from core.patching.question import Question, ask
from core.progress import IsCancelled, OnStep, Progress
from core.prompts.pairs import TokenPair, largest_group

MOST_WRITES = 2**31  # bytes of one pair's writes


def circuit_question(model: LoadedModel, pairs: tuple[TokenPair, ...], settings: CircuitSettings) -> Question:
    """The first pairs of the commonest length with their runs, as the other functions need them.

    Raises:
        SpecError: there is none, or the model is too large for a prompt of this length.
    """
    if not pairs:
        raise SpecError("There is no usable prompt pair.", where="--pairs", next_step="Repair at least one row.")
    used = largest_group(pairs)[: settings.most_pairs]
    shape = model.shape
    held = 4 * (1 + shape.n_layers * (shape.n_heads + 1)) * len(used[0]) * shape.d_model
    if held > MOST_WRITES:
        raise SpecError(
            f"The writes of {len(used[0])} tokens need {held / 2**30:.0f} GiB; {MOST_WRITES / 2**30:.0f} is the most.",
            where="--pairs",
            next_step="Use shorter prompts or a smaller model.",
        )
    return ask(model, used, kinds=("attn_out", "mlp_out"), metric=settings.metric, direction=settings.direction)


def run_study(
    model: LoadedModel,
    pairs: tuple[TokenPair, ...],
    settings: CircuitSettings,
    out: Path,
    *,
    scratch: Path | None = None,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> int:
    """Score all edges, run circuits of growing size, write ``out``; the number of pairs is returned.

    Args:
        scratch: where finished scores and curves are kept and looked for, so that a run that was cut off goes on.

    Raises:
        SpecError: see ``circuit_question``, or the runs have no gap to explain.
        Cancelled: ``cancelled()`` became true.
    """
    question = circuit_question(model, pairs, settings)
    graph = graph_of(model)
    progress = Progress(_steps(question, graph, settings), on_step, cancelled)
    start, length = min(question.starts), question.length
    possible = {"summed": graph.edges[None], "position": graph.possible(start, length)}

    def score(method: EdgeMethod) -> np.ndarray:
        return edge_scores(question, graph, method, steps=settings.steps, progress=progress).values

    def follow(order: np.ndarray, span: Span) -> list:
        return list(curve(question, graph, order, possible[span], progress=progress))

    scores: dict[str, np.ndarray] = {
        method: _kept(scratch, f"scores-{method}", partial(score, method)) for method in settings.methods
    }
    rows: list[dict] = []
    for span in settings.spans if settings.curve else ():
        for method, seed, order in _orders(settings, scores, possible[span], span):
            found = _kept_rows(scratch, f"curve-{span}-{method}-{seed}", partial(follow, order, span))
            rows += [{"method": method, "span": span, "seed": seed, **row} for row in found]
    write_run(
        out,
        graph=graph,
        settings=settings,
        pairs=[pair.to_json() for pair in question.pairs],
        values=question.values,
        model=model.card.to_json(),
        scores={
            (method, span): (values.sum(0, keepdims=True) if span == "summed" else values) * possible[span]
            for method, values in scores.items()
            for span in possible
        },
        possible=possible,
        curve=pd.DataFrame(rows),
    )
    return len(question.pairs)


def _orders(
    settings: CircuitSettings, scores: dict[str, np.ndarray], possible: np.ndarray, span: Span
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Rankings whose curves are drawn: method, seed, flat indices."""
    for method, values in scores.items():
        yield method, 0, ranking(values.sum(0, keepdims=True) if span == "summed" else values, possible)
    for seed in range(settings.seeds):
        yield "random", seed, random_ranking(possible, np.random.default_rng(seed))


def _steps(question: Question, graph: Graph, settings: CircuitSettings) -> int:
    scores = sum(score_steps(question, graph, method, settings.steps) for method in settings.methods)
    circuits = 2 * len(SHARES) * (len(settings.methods) + settings.seeds) * len(settings.spans) * settings.curve
    return scores + circuits * len(question.pairs)


def _kept(scratch: Path | None, name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """An array found in ``scratch``, or computed and kept there."""
    path = scratch / f"{name}.npy" if scratch else None
    if path is not None and path.exists():
        return np.load(path, allow_pickle=False)
    found = compute()
    if path is not None:
        part = path.with_suffix(".part.npy")
        np.save(part, found)
        part.replace(path)
    return found


def _kept_rows(scratch: Path | None, name: str, compute: Callable[[], list]) -> list:
    path = scratch / f"{name}.json" if scratch else None
    if path is not None and path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    found = compute()
    if path is not None:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(path)
    return found
