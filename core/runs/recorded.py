"""A run as the queue works on it and the store remembers it: accepted, running, and finished, failed or cancelled."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import SpecError, UserError
from core.patching.results.result import AttributionResult
from core.patching.spec import RunSpec
from core.runs.entry import State
from core.runs.laboratory import LabSpec
from core.runs.store import Store
from core.runs.worker import Job, OnStep, Worker

Compute = Callable[[OnStep, Callable[[], bool]], AttributionResult]
# on_step, cancelled, a folder for what an interrupted run wants to find again, an empty folder for the result's files
LabCompute = Callable[[OnStep, Callable[[], bool], Path, Path], None]
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

    def put(on_step: OnStep, cancelled: Callable[[], bool]) -> str:
        return store.put(compute(on_step, cancelled))

    return _submit(worker, store, spec, put, pairs=pairs, title=title, owner=owner, kept=kept, expected=expected)


def submit_lab(
    worker: Worker,
    store: Store,
    spec: LabSpec,
    compute: LabCompute,
    *,
    items: int,
    owner: str,
    kept: bool = False,
    expected: float | None = None,
) -> Job:
    """The same for a laboratory's run, which writes files. What it keeps for resuming outlives a cancel and a crash.

    Args:
        items: how many things (runs, statements, ...) the run is about.
        owner, kept, expected: as for ``Worker.submit``.

    Raises:
        SpecError: this owner has too many runs in the queue already.
    """

    def put(on_step: OnStep, cancelled: Callable[[], bool]) -> str:
        return compute_lab(store, spec, compute, items=items, on_step=on_step, cancelled=cancelled)

    return _submit(worker, store, spec, put, pairs=items, title=spec.title, owner=owner, kept=kept, expected=expected)


def compute_lab(
    store: Store, spec: LabSpec, compute: LabCompute, *, items: int, on_step: OnStep, cancelled: Callable[[], bool]
) -> str:
    """Compute a laboratory's run, going on where an interrupted one stopped, and keep it; gives its digest."""
    scratch, started = store.checkpoints(spec.digest), time.perf_counter()
    out = scratch / "finished"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    compute(on_step, cancelled, scratch, out)
    return store.put_lab(spec, out, items=items, seconds=time.perf_counter() - started)


def _submit(
    worker: Worker,
    store: Store,
    spec: RunSpec | LabSpec,
    put: Callable[[OnStep, Callable[[], bool]], str],
    *,
    pairs: int,
    title: str,
    owner: str,
    kept: bool,
    expected: float | None,
) -> Job:
    digest = spec.digest

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> str:
        store.mark(digest, "running")
        with store.computing(digest, cancelled=cancelled):
            return digest if store.has(digest) else put(on_step, cancelled)

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
