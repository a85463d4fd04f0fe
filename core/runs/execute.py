"""From a RunSpec and a loaded model to an AttributionResult."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from core.errors import SpecError
from core.models.load import LoadedModel
from core.patching.atp import atp_scores
from core.patching.exact import exact_effects
from core.patching.plan import count
from core.patching.progress import IsCancelled, OnStep, Progress
from core.patching.question import ask
from core.patching.results import AttributionResult, PairRun
from core.prompts.pairs import PairSet, TokenPair, group_by_length
from core.runs.spec import Direction, Method, MetricName, NeuronSite, NodeKind, RunSpec

PACKAGES = ("torch", "transformers", "transformer-lens", "numpy")
BATCH_BYTES = 2**30  # activations held at once by the base runs, or by a stack of cotangents


def make_spec(
    model: LoadedModel,
    pairs: PairSet,
    *,
    metric: MetricName,
    direction: Direction,
    nodes: Sequence[NodeKind],
    method: Method,
    neurons: Sequence[NeuronSite] = (),
) -> RunSpec:
    """The spec of a run of this model on these pairs.

    Raises:
        SpecError: an unknown option or a combination without meaning.
    """
    return RunSpec(
        model=model.model_id,
        revision=model.revision,
        dtype=model.card.precision,
        pairs_digest=pairs.digest,
        metric=metric,
        direction=direction,
        nodes=tuple(nodes),
        method=method,
        neurons=tuple(neurons),
    )


def execute(
    spec: RunSpec,
    model: LoadedModel,
    pairs: tuple[TokenPair, ...],
    *,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> AttributionResult:
    """Run a spec. ``on_step(done, total)`` counts patches (exact) or layers (AtP family).

    Raises:
        SpecError: no pairs, or the spec names layers, positions or neurons the model or prompts do not have.
        Cancelled: ``cancelled()`` became true.
    """
    _check(spec, model, pairs)
    batches = [batch for group in group_by_length(pairs).values() for batch in _batches(spec, model, group)]
    progress = Progress(sum(_steps(spec, model, batch) for batch in batches), on_step, cancelled)
    runs: dict[int, PairRun] = {}
    effects: dict[NodeKind, dict[int, np.ndarray]] = {kind: {} for kind in spec.nodes}
    seconds = {"base_runs": 0.0, spec.method: 0.0}
    for batch in batches:
        done = _run_batch(spec, model, batch, progress)
        runs |= {pair.row: run for pair, run in zip(batch, done.runs)}
        for kind, values in done.effects.items():
            effects[kind] |= {pair.row: value for pair, value in zip(batch, values)}
        for stage, spent in zip(seconds, done.seconds):
            seconds[stage] += spent
    order = [pair.row for pair in pairs]
    return AttributionResult(
        spec=spec,
        shape=model.shape,
        pairs=tuple(runs[row] for row in order),
        effects={kind: tuple(by_row[row] for row in order) for kind, by_row in effects.items()},
        seconds=seconds,
        provenance=_provenance(model),
    )


@dataclass(frozen=True)
class _Done:
    runs: list[PairRun]
    effects: dict[NodeKind, np.ndarray]
    seconds: tuple[float, float]


def _run_batch(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...], progress: Progress) -> _Done:
    """Pairs of equal length: clean and corrupt in one forward (rows 0.. and n..), then the method."""
    began = time.perf_counter()
    question = ask(model, pairs, kinds=spec.nodes, metric=spec.metric, direction=spec.direction)
    based = time.perf_counter()
    options: dict[str, Any] = question.rows | {"kinds": spec.nodes, "progress": progress}
    if spec.method == "exact":
        sites = _sites(spec, question.length)
        effects = exact_effects(model, question.run, read=question.read, neurons=sites, **options)
    else:
        effects = atp_scores(model, question.run, gradient=question.gradient, method=spec.method, **options)
    n, values = len(pairs), question.values
    runs = [PairRun(pair, values[i], values[n + i]) for i, pair in enumerate(pairs)]
    return _Done(runs, effects, (based - began, time.perf_counter() - based))


def _sites(spec: RunSpec, length: int) -> tuple[NeuronSite, ...]:
    """Neuron sites with positions counted from the start."""
    return tuple(NeuronSite(s.layer, s.position % length, s.unit) for s in spec.neurons)


def _steps(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...]) -> int:
    if spec.method != "exact":
        return model.shape.n_layers
    length = len(pairs[0])
    starts = [pair.first_difference for pair in pairs]
    return count(spec.nodes, model.shape, starts, length, _sites(spec, length))


def _batches(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...]) -> list[tuple[TokenPair, ...]]:
    """Cut a group so that the activations of one batch fit into ``BATCH_BYTES``."""
    shape, length = model.shape, len(pairs[0])
    wide = 4 * shape.d_model + 2 * shape.d_mlp
    held = 2 * shape.n_layers * length * (4 * shape.d_model + (shape.d_mlp if "neuron" in spec.nodes else 0))
    drops = shape.n_layers if spec.method in ("atp-graddrop", "atp-star") else 1
    stacked = drops * (length - min(p.first_difference for p in pairs)) * wide
    size = max(1, BATCH_BYTES // (4 * max(held, stacked)))
    return [pairs[i : i + size] for i in range(0, len(pairs), size)]


def _check(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...]) -> None:
    if not pairs:
        raise SpecError("There is no usable prompt pair.", where="--pairs", next_step="Repair at least one row.")
    if model.shape.n_layers < 2 and spec.method in ("atp-graddrop", "atp-star"):
        raise SpecError("GradDrop needs a model of at least two layers.", where="--method")
    longest = max(len(pair) for pair in pairs)
    if longest > model.max_tokens:
        raise SpecError(f"A prompt has {longest} tokens; {model.card.name} has {model.max_tokens} positions.")
    shortest = min(len(pair) for pair in pairs)
    for site in spec.neurons:
        inside = 0 <= site.layer < model.shape.n_layers and -shortest <= site.position < shortest
        if not inside or not 0 <= (site.unit or 0) < model.shape.d_mlp:
            raise SpecError(
                f"There is no neuron at layer {site.layer}, position {site.position}, unit {site.unit}.",
                where="--neurons",
                next_step=f"Layers 0-{model.shape.n_layers - 1}, positions up to {shortest - 1} "
                f"(the shortest prompt), units 0-{model.shape.d_mlp - 1}.",
            )


def _provenance(model: LoadedModel) -> dict[str, Any]:
    return {
        "model": model.card.to_json(),
        "device": str(model.device),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in PACKAGES},
    }
