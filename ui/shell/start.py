"""From a button to the queue: runs whose results are stored start nothing, the others are worked on and remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import ModelError, UserError
from core.figures.style import NAMES
from core.patching.results.result import AttributionResult
from core.patching.spec import RunSpec
from core.prompts.pairs import PairSet, TokenPair
from core.runs.checkpoint import Checkpoints
from core.runs.entry import Entry
from core.runs.recorded import Compute, submit_recorded
from core.runs.worker import OnStep
from core.terms import WHOLE_ANSWER
from ui.shell.messages import counted
from ui.shell.models import ModelChoice, aligned, slot
from ui.shell.state import show_results
from ui.shell.store import has_result, load_pairs, save_pairs, store
from ui.shell.worker import session, worker

REMEMBERED = 8  # unfinished runs whose numbers so far are held
KEEP = "keep_running"  # session key: whether runs go on when their page is closed


def keep_choice() -> None:
    """Ask whether runs go on without a browser."""
    st.checkbox(
        "Go on when I close this page",
        value=True,
        key=KEEP,
        persist_state="session",
        help="Otherwise a run stops a minute after the last page that waits for it was closed.",
    )


def start(
    choice: ModelChoice,
    pairs: PairSet,
    tokens: tuple[TokenPair, ...],
    runs: tuple[tuple[RunSpec, float], ...],
) -> None:
    """Put the runs whose results are not stored into the queue, and all of them on show.

    Args:
        runs: each with the seconds it should take.
    """
    save_pairs(pairs)
    show_results(tuple(spec.digest for spec, _ in runs))
    for spec, seconds in runs:
        submit(choice, tokens, spec, expected=seconds)


def submit(choice: ModelChoice, tokens: tuple[TokenPair, ...], spec: RunSpec, *, expected: float | None = None) -> None:
    """One run into the queue, unless its result is stored."""
    models, kept, tell = slot(), Checkpoints(store().checkpoints(spec.digest)), _teller(spec)

    def compute(on_step: OnStep, cancelled: Callable[[], bool]) -> Any:
        from core.runs.execute import execute  # torch comes with it: in the worker's thread, not a page's

        model = models.get(choice)
        if model.revision != spec.revision:
            raise ModelError("The model's weights were replaced meanwhile.", next_step="Load it again, then run again.")
        return execute(spec, model, tokens, on_step=on_step, cancelled=cancelled, checkpoints=kept, on_partial=tell)

    _submit(spec, compute, pairs=len(tokens), expected=expected)


def resume(entry: Entry) -> None:
    """Run again what was interrupted, or failed; for a button."""
    models, spec = slot(), entry.spec
    choice, kept = ModelChoice(spec.model, dtype=spec.dtype), Checkpoints(store().checkpoints(spec.digest))
    tell = _teller(spec)

    def compute(on_step: OnStep, cancelled: Callable[[], bool]) -> Any:
        from core.runs.execute import execute

        model, facts = models.get(choice), models.facts(choice)
        if facts is None or facts.revision != spec.revision:
            raise ModelError("The model's weights are not those of the run.", next_step="Start a new run.")
        tokens = aligned(facts, pairs, whole_answer=spec.metric == WHOLE_ANSWER).or_raise()
        return execute(spec, model, tokens, on_step=on_step, cancelled=cancelled, checkpoints=kept, on_partial=tell)

    try:
        pairs = load_pairs(entry.pairs_digest)
    except UserError as error:
        _refuse(error)
        return
    _submit(spec, compute, pairs=entry.pairs)


def _submit(spec: RunSpec, compute: Compute, *, pairs: int, expected: float | None = None) -> None:
    if has_result(spec.digest):
        return
    try:
        submit_recorded(
            worker(),
            store(),
            spec,
            compute,
            pairs=pairs,
            title=f"{NAMES[spec.choice]} on {counted(pairs, 'pair')}",
            owner=session(),
            kept=st.session_state.get(KEEP, True),
            expected=expected,
        )
    except UserError as error:
        _refuse(error)


def so_far(digest: str) -> AttributionResult | None:
    """What an unfinished run has, if it has anything to show; also of one that was cancelled or failed."""
    return _so_far().get(digest)


@st.cache_resource(show_spinner=False)
def _so_far() -> OrderedDict[str, AttributionResult]:
    """Unfinished runs by digest, of all sessions: written by the worker, read by pages."""
    return OrderedDict()


def _teller(spec: RunSpec) -> Callable[[AttributionResult], None]:
    """What the worker tells of a run while it goes on; the latest few are remembered."""
    known = _so_far()

    def tell(result: AttributionResult) -> None:
        known[spec.digest] = result
        known.move_to_end(spec.digest)
        while len(known) > REMEMBERED:
            known.popitem(last=False)

    return tell


def _refuse(error: UserError) -> None:
    st.session_state["_start_refused"] = error


def refusal() -> UserError | None:
    """Why the last run was not taken into the queue; told once."""
    return st.session_state.pop("_start_refused", None)
