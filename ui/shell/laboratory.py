"""A laboratory's runs on its page: into the queue, progress and cancel, going on with what was cut off, the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.runs.entry import is_digest
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute, submit_lab
from core.runs.worker import Job, OnStep
from ui.shell.libraries import read_libraries
from ui.shell.messages import plain, show_error
from ui.shell.progress import follow
from ui.shell.start import KEEP
from ui.shell.store import store
from ui.shell.worker import session, worker


def start_lab(spec: LabSpec, compute: LabCompute, *, items: int = 1, expected: float | None = None) -> None:
    """Put a run into the queue unless its result is stored; one that was cut off goes on. For callbacks.

    Args:
        compute: ``compute(on_step, cancelled, scratch, out)``, called in the worker's thread. It writes the result's
            files into ``out``, and may keep in ``scratch`` what lets it go on after a cancel or a crash. ``run.json``
            is written for it.
        items: how many things (runs, statements, ...) the run is about, for the table of runs.
        expected: seconds it should take.
    """
    if store().has(spec.digest):
        return

    def task(on_step: OnStep, cancelled: Callable[[], bool], scratch: Path, out: Path) -> None:
        read_libraries(("torch",))
        compute(on_step, cancelled, scratch, out)

    try:
        kept = st.session_state.get(KEEP, True)
        submit_lab(worker(), store(), spec, task, items=items, owner=session(), kept=kept, expected=expected)
    except UserError as error:
        refuse(error)


def refuse(error: UserError) -> None:
    """Remember why a run was not taken, for ``show_refusal``; for callbacks."""
    st.session_state["_lab_refused"] = error


def show_refusal() -> None:
    """Why the last run was not taken; told once."""
    if (refused := st.session_state.pop("_lab_refused", None)) is not None:
        show_error(refused)


def lab_job(digest: str) -> Job | None:
    """The run's newest job: waiting, running or ended; None: nobody asked for it since the server was started."""
    return worker().find(digest)


def lab_folder(digest: str) -> Path | None:
    """The files of a finished run, or None."""
    return store().lab(digest) if is_digest(digest) else None


def lab_runs(lab: str) -> dict[str, str]:
    """Digest -> name or title of every finished run of a laboratory, newest first."""
    return {e.digest: e.name or e.method for e in store().entries() if e.lab == lab and e.folder is not None}


def known_spec(digest: str, lab: str) -> LabSpec | None:
    """The description of a laboratory's run, finished or not; None where this server knows of none."""
    entry = store().entry(digest)
    return entry.lab_spec if entry is not None and entry.lab == lab else None


def lab_state(digest: str) -> str:
    """How a run stands: a word of ``core.runs.entry.STATES``, or an empty one where nothing is known of it."""
    entry = store().entry(digest)
    return "" if entry is None or entry.deleted is not None else entry.state


def follow_lab(spec: LabSpec, compute: LabCompute, *, items: int = 1, expected: float | None = None) -> None:
    """While a run is not there: its progress with cancel, or why it ended, with the button that goes on with it."""
    show_refusal()
    job, state = lab_job(spec.digest), lab_state(spec.digest)
    if job is not None and job.active:
        follow([job])
        return
    if state == "failed" and job is not None and job.error is not None:
        show_error(job.error)
    elif state in ("failed", "cancelled", "interrupted"):
        st.info(f"{plain(spec.title)}: {state}.")
    else:
        return
    st.button(
        "Go on" if state != "failed" else "Try again",
        key=f"go_on_{spec.digest}",
        on_click=start_lab,
        args=(spec, compute),
        kwargs={"items": items, "expected": expected},
        help="What was finished before is kept and not computed again.",
    )
