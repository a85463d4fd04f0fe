"""Screen and verify: an estimate's first nodes patched exactly in the same run, then a bound on the others.

Nodes are at a token position and are ranked within their family, over the pairs of the commonest number of tokens, as
``core.patching.trust.verification`` does it; a screen verifies the first so many of each family.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.errors import ResultError
from core.export.folder import FILES, read_folder, write_files
from core.export.trust.verification import resume, write_verification
from core.export.whole import whole_folder
from core.models.load import LoadedModel
from core.patching.nodes import by_family
from core.patching.question import Question, ask
from core.patching.results.result import AttributionResult
from core.patching.results.screened import Screened, put
from core.patching.spec import RunSpec, Screen
from core.patching.trust.bound import CONFIDENCES, Bound, bounds_after
from core.patching.trust.oracle import Oracle, Parts, Patching
from core.patching.trust.prices import estimate_price
from core.patching.trust.verification import Verified, begin
from core.patching.trust.verify import verify
from core.progress import Progress
from core.prompts.pairs import TokenPair, largest_group

SEED = 0  # of the subsets that bound what was not verified
SAVE_SECONDS = 10.0
OnPartial = Callable[[AttributionResult], None]


def price(spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...]) -> int:
    """Forward passes of the estimate by the price list; the unit of a screen's steps."""
    return round(estimate_price(spec.method, model.shape.n_layers, spec.nodes) * len(pairs))


def screen(
    spec: RunSpec,
    estimate: AttributionResult,
    model: LoadedModel,
    *,
    progress: Progress,
    at_once: int,
    folder: Path | None = None,
    on_partial: OnPartial | None = None,
) -> AttributionResult:
    """Verify and bound.

    Args:
        estimate: the result of ``spec.estimate``.
        progress: counts forward passes.
        at_once: pairs whose runs may be held at once.
        folder: keeps what is verified, so that a run that was stopped goes on there.
        on_partial: called with what there is: the estimate, then every few nodes, then every bound.

    Raises:
        Cancelled: the progress's owner asked to stop; what was found stays in the folder.
    """
    wanted: Screen = spec.screen  # type: ignore[assignment]
    families = [begin(estimate, family, average=wanted.average) for family in by_family(spec.nodes)]
    for verified in families:
        if folder is not None:
            with suppress(ResultError):  # damaged is as good as missing: it is verified again
                resume(verified, folder / verified.family)
    seconds, saved = dict(estimate.seconds), time.monotonic()

    def save() -> None:
        if folder is not None:
            for verified in families:
                write_verification(verified, folder / verified.family, table=False)

    def found() -> None:
        nonlocal saved
        if on_partial is not None:
            on_partial(_joined(spec, estimate, families, seconds, partial=True))
        if time.monotonic() - saved > SAVE_SECONDS:
            save()
            saved = time.monotonic()

    for verified in families:
        progress.extend(max(0, _count(verified, wanted) - verified.state.done) * len(verified.pairs))
        progress.extend(wanted.samples if wanted.count < verified.state.n_nodes and not verified.bounds else 0)
    try:
        found()
        pairs = largest_group(tuple(run.tokens for run in estimate.pairs))
        questions = _questions(spec, model, pairs, at_once)
        began = time.perf_counter()
        for verified in families:
            verify(_oracle(verified, questions, at_once, progress), verified.state, wanted.count, on_found=found)
        seconds["verify"] = time.perf_counter() - began
        for verified in families if wanted.samples else ():
            if not verified.bounds:
                verified.bounds = _bounds(verified, questions, at_once, progress, wanted.samples)
                found()
        seconds["bound"] = time.perf_counter() - began - seconds["verify"]
    finally:
        save()
    return _joined(spec, estimate, families, seconds, partial=False)


def kept_estimate(spec: RunSpec, pairs: tuple[TokenPair, ...], folder: Path) -> AttributionResult | None:
    """The estimate as a stopped screen left it, or None."""
    try:
        found = read_folder(folder / "estimate")
    except ResultError:
        return None
    same = found.spec == spec.estimate and tuple(run.tokens for run in found.pairs) == pairs
    return found if same else None


def keep_estimate(estimate: AttributionResult, folder: Path) -> None:
    """Keep an estimate for ``kept_estimate``."""
    with whole_folder(folder / "estimate", FILES) as partial:
        write_files(estimate, partial)


def _count(verified: Verified, wanted: Screen) -> int:
    return min(wanted.count, verified.state.n_nodes)


def _all(verified: Verified) -> bool:
    return verified.state.done == verified.state.n_nodes


def _questions(
    spec: RunSpec, model: LoadedModel, pairs: tuple[TokenPair, ...], at_once: int
) -> Callable[[int], Question]:
    """The base runs of each part of the pairs; those of the last one asked for are held."""

    @lru_cache(maxsize=1)
    def question(part: int) -> Question:
        chosen = pairs[part * at_once : (part + 1) * at_once]
        return ask(model, chosen, kinds=spec.nodes, metric=spec.metric, direction=spec.direction)

    return question


def _oracle(verified: Verified, questions: Callable[[int], Question], at_once: int, progress: Progress) -> Oracle:
    n = len(verified.pairs)
    sizes = [min(at_once, n - first) for first in range(0, n, at_once)]
    return Parts(sizes, len(verified.nodes), lambda part: Patching(questions(part), verified.nodes, progress))


def _bounds(
    verified: Verified, questions: Callable[[int], Question], at_once: int, progress: Progress, samples: int
) -> tuple[Bound, ...]:
    if _all(verified):
        return tuple(Bound(verified.state.done, confidence, 0.0) for confidence in CONFIDENCES)
    oracle = _oracle(verified, questions, at_once, progress)
    return tuple(bounds_after(oracle, verified.state.verified, samples, np.random.default_rng(SEED)))


def _joined(
    spec: RunSpec, estimate: AttributionResult, families: list[Verified], seconds: dict[str, float], *, partial: bool
) -> AttributionResult:
    """The estimate with exact effects in the place of those that are verified by now."""
    wanted: Screen = spec.screen  # type: ignore[assignment]
    effects, screened = estimate.effects, []
    for verified in families:
        state = verified.state
        first = state.order[: state.done]
        nodes = verified.nodes.take(first)
        kinds = by_family(spec.nodes)[verified.family]
        estimates = [nodes.read({kind: estimate.effects[kind][row] for kind in kinds}) for row in verified.rows]
        part = Screened(
            family=verified.family,
            n_nodes=state.n_nodes,
            wanted=_count(verified, wanted),
            pairs=verified.rows,
            nodes=nodes,
            estimates=np.stack(estimates),
            bounds={b.confidence: b.bound for b in verified.bounds},
        )
        effects = put(effects, part, state.exact[:, first])
        screened.append(part)
    done, count = sum(len(p.nodes) for p in screened), sum(p.wanted for p in screened)
    words = f"{done} of {count} nodes verified so far"
    if done == count and wanted.samples and any(not p.bounds for p in screened):
        words += ", nothing bounds the others yet"
    return replace(
        estimate,
        spec=spec,
        effects=effects,
        seconds=dict(seconds),
        screened=tuple(screened),
        partial=words if partial else "",
    )
