"""A run as the queue works on it and the store remembers it: accepted, running, and finished, failed or cancelled."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import SpecError, UserError
from core.patching.results import AttributionResult
from core.runs.entry import State
from core.runs.spec import RunSpec
from core.runs.store import Store
from core.runs.worker import Job, OnStep, Worker

Compute = Callable[[OnStep, Callable[[], bool]], AttributionResult]
MOST_WAITING = 24  # runs that one session may have in the queue


def submit_recorded(
    worker: Worker,
    store: Store,
    spec: RunSpec,
    compute: Compute,
    *,
    pairs: int,
    title: str,
    owner: str,
    kept: bool = False,
    expected: float | None = None,
) -> Job:
    """Put a run into the queue; its result goes into the store, and the job gives its digest.

    The store knows of the run from now on, so that one cut off by a crash is reported after the restart. If another
    process computes the same run, this one waits for it and takes its result.

    Args:
        pairs: how many there are.
        title, owner, kept, expected: as for ``Worker.submit``.

    Raises:
        SpecError: this owner has too many runs in the queue already.
    """
    digest = spec.digest

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> str:
        store.mark(digest, "running")
        with store.computing(digest, cancelled=cancelled):
            return digest if store.has(digest) else store.put(compute(on_step, cancelled))

    def ended(state: State, error: UserError | None) -> None:
        store.mark(digest, state, problem=error.one_line() if error else "")

    job = worker.find(digest)
    if job is None or not job.active:
        if sum(owner in other.owners for other in worker.queue()) >= MOST_WAITING:
            raise SpecError(
                f"You have {MOST_WAITING} runs in the queue already.", next_step="Wait for some, or cancel some."
            )
        worker.forget(digest)  # a result that was deleted since may be asked for again
        store.accept(spec, pairs=pairs)
    return worker.submit(digest, title=title, task=task, owner=owner, kept=kept, expected=expected, ended=ended)
