"""From a RunSpec and a loaded model to an AttributionResult."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import torch

from core.errors import SpecError
from core.models.load import LoadedModel
from core.patching.atp import atp_scores
from core.patching.donors.fixed import Donors, donors_of
from core.patching.exact import Batching, exact_effects
from core.patching.question import ask
from core.patching.results.result import AttributionResult, PairRun
from core.patching.spec import NeuronSite, RunSpec, Screen
from core.progress import IsCancelled, OnStep, Progress
from core.prompts.links import fault
from core.prompts.pairs import PairSet, TokenPair, batches_of, largest_group
from core.runs.batches import cut, longest, sites_of, steps_of
from core.runs.checkpoint import Checkpoints, PairDone
from core.runs.memory import within_memory
from core.runs.screen import OnPartial, keep_estimate, kept_estimate, price, screen
from core.terms import SPANS, Direction, Donor, Method, MetricName, NodeKind, Spans

PACKAGES = ("torch", "transformers", "transformer-lens", "numpy")
MOST_CELLS = 500_000_000  # effects of one result: 2 GB
PARTIAL_SECONDS = 1.0  # between two looks at what an unfinished run has


def make_spec(
    model: LoadedModel,
    pairs: PairSet,
    *,
    metric: MetricName,
    direction: Direction,
    nodes: Sequence[NodeKind],
    method: Method,
    neurons: Sequence[NeuronSite] = (),
    donor: Donor = "corrupt",
    screen: Screen | None = None,
    spans: Spans = "last",
) -> RunSpec:
    """The spec of a run of this model on these pairs.

    Args:
        spans: enters only where pairs are linked and the other prompt is the donor.

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
        donor=donor,
        screen=screen,
        spans=spans if donor == "corrupt" and any(pair.links is not None for pair in pairs) else None,
    )


def execute(
    spec: RunSpec,
    model: LoadedModel,
    pairs: tuple[TokenPair, ...],
    *,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
    checkpoints: Checkpoints | None = None,
    on_partial: OnPartial | None = None,
) -> AttributionResult:
    """Run a spec. ``on_step(done, total)`` counts patches (exact), layers (AtP family) or forward passes (a screen).

    Where memory runs out, batches are halved from then on.

    Args:
        checkpoints: an exact sweep runs pair by pair, keeps each finished one there and leaves out those it finds; a
            screen keeps its estimate and what is verified.
        on_partial: called now and then with what there is: an exact sweep's finished pairs, a screen's estimate and
            verified nodes. ``partial`` of these results says how much of the run they are.

    Raises:
        SpecError: no pairs, or the spec names layers, positions or neurons the model or prompts do not have.
        ModelError: not even the smallest batch fits into memory.
        Cancelled: ``cancelled()`` became true.
    """
    _check(spec, model, pairs)
    if spec.screen is not None:
        return _screen(spec, model, pairs, Progress(0, on_step, cancelled), checkpoints, on_partial)
    sweep = spec.method == "exact"
    kept = checkpoints if sweep else None
    batches = [batch for group in batches_of(pairs) for batch in cut(spec, model, group)]
    if kept is not None or (sweep and on_partial is not None):
        batches = [(pair,) for batch in batches for pair in batch]
    progress = Progress(sum(steps_of(spec, model, batch) for batch in batches), on_step, cancelled)
    finished: dict[int, PairDone] = {}
    if kept is not None:
        finished = {pair.row: done for pair in pairs if (done := kept.find(pair, spec, model.shape)) is not None}
        found = [batch for batch in batches if batch[0].row in finished]
        progress.done = sum(steps_of(spec, model, batch) for batch in found)
        batches = [batch for batch in batches if batch[0].row not in finished]
    began = time.perf_counter()
    donors = donors_of(spec.donor, model, pairs, spec.nodes)
    averaging = {"donors": time.perf_counter() - began} if donors is not None else {}
    run = partial(_run_batch, spec, model, donors=donors, progress=progress)
    told = 0.0
    for done in within_memory(run, batches, model, progress):
        finished[done.run.tokens.row] = done
        if kept is not None:
            kept.add(done)
        due = len(finished) < len(pairs) and time.monotonic() - told > PARTIAL_SECONDS
        if sweep and due and on_partial is not None:
            on_partial(_result(spec, model, pairs, finished, averaging))
            told = time.monotonic()
    return _result(spec, model, pairs, finished, averaging)


def _result(
    spec: RunSpec,
    model: LoadedModel,
    pairs: tuple[TokenPair, ...],
    finished: dict[int, PairDone],
    before: dict[str, float],
) -> AttributionResult:
    """The finished pairs, in the order of the set; ``before`` holds the seconds of what all pairs share."""
    in_order = [finished[pair.row] for pair in pairs if pair.row in finished]
    return AttributionResult(
        spec=spec,
        shape=model.shape,
        pairs=tuple(done.run for done in in_order),
        effects={kind: tuple(done.effects[kind] for done in in_order) for kind in spec.nodes},
        seconds={
            **before,
            "base_runs": sum(done.seconds[0] for done in in_order),
            spec.method: sum(done.seconds[1] for done in in_order),
        },
        provenance=_provenance(model),
        partial="" if len(in_order) == len(pairs) else f"{len(in_order)} of {len(pairs)} pairs so far",
    )


def _screen(
    spec: RunSpec,
    model: LoadedModel,
    pairs: tuple[TokenPair, ...],
    progress: Progress,
    checkpoints: Checkpoints | None,
    on_partial: OnPartial | None,
) -> AttributionResult:
    """The estimate, then what ``screen`` adds to it."""
    folder, cost = checkpoints.folder if checkpoints else None, price(spec, model, pairs)
    progress.extend(cost)

    def step(done: int, total: int) -> None:
        progress.advance(round(cost * done / total) - progress.done)

    estimate = kept_estimate(spec, pairs, folder) if folder else None
    if estimate is None:
        estimate = execute(spec.estimate, model, pairs, on_step=step, cancelled=progress.cancelled)
        if folder:
            keep_estimate(estimate, folder)
    progress.done = cost
    group = largest_group(pairs)
    return screen(
        spec,
        estimate,
        model,
        progress=progress,
        at_once=len(cut(spec, model, group)[0]),
        folder=folder,
        on_partial=on_partial,
    )


def _run_batch(
    spec: RunSpec,
    model: LoadedModel,
    pairs: tuple[TokenPair, ...],
    share: float,
    *,
    donors: Donors | None,
    progress: Progress,
) -> list[PairDone]:
    """Pairs (and answers) of one length: the unpatched runs, then the method."""
    began = time.perf_counter()
    question = ask(
        model,
        pairs,
        kinds=spec.nodes,
        metric=spec.metric,
        direction=spec.direction,
        donors=donors,
        spans=spec.spans,
    )
    based = time.perf_counter()
    options: dict[str, Any] = question.rows | {"kinds": spec.nodes, "progress": progress}
    if spec.method == "exact":
        sites, batching = sites_of(spec, question.length), Batching.for_model(model, question.length, share)
        effects = exact_effects(model, question.run, read=question.read, neurons=sites, batching=batching, **options)
    else:
        effects = atp_scores(model, question.run, gradient=question.gradient, method=spec.method, **options)
    question.leave_out(effects)
    n, values = len(pairs), question.values
    seconds = (based - began) / n, (time.perf_counter() - based) / n
    return [
        PairDone(PairRun(pair, values[i], values[n + i]), {kind: x[i] for kind, x in effects.items()}, seconds)
        for i, pair in enumerate(pairs)
    ]


def _check(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...]) -> None:
    if not pairs:
        raise SpecError("There is no usable prompt pair.", where="--pairs", next_step="Repair at least one row.")
    if spec.donor == "corrupt" and spec.spans is None and any(pair.links is not None for pair in pairs):
        raise SpecError(
            "Pairs are linked token by token, and nothing says how spans of unequal length are patched.",
            where="--spans",
            next_step=f"Choose among {', '.join(SPANS)}.",
        )
    for pair in pairs if spec.donor == "corrupt" else ():
        if problem := fault(pair.links or (), len(pair.clean_ids), len(pair.corrupt_ids)):
            raise SpecError(f"The tokens of pair {pair.label} cannot be linked. {problem}", where="--pairs")
    if model.shape.n_layers < 2 and spec.method in ("atp-graddrop", "atp-star"):
        raise SpecError("GradDrop needs a model of at least two layers.", where="--method")
    tokens = longest(pairs)
    if tokens > model.max_tokens:
        raise SpecError(f"A prompt has {tokens} tokens; {model.card.name} has {model.max_tokens} positions.")
    lengths = [len(pair.base_ids(spec.direction)) for pair in pairs]
    cells = sum(lengths) * model.shape.n_layers * sum(map(model.shape.units, spec.nodes))
    if cells > MOST_CELLS:
        raise SpecError(
            f"The result would have {cells / 1e6:.0f} million effects; {MOST_CELLS / 1e6:.0f} million is the most.",
            where="--nodes",
            next_step="Choose fewer kinds of nodes or fewer pairs.",
        )
    shortest = min(lengths)
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
