"""Jobs as people see them: place in the queue, progress, time left, cancel, and what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable

import streamlit as st

from core.models.catalogue import find
from core.runs.worker import Job
from ui.shell.messages import counted, duration, plain, show_error
from ui.shell.models import ModelChoice, ModelFacts, load_job, load_key, slot
from ui.shell.state import model_choice
from ui.shell.trained import trained_folder
from ui.shell.worker import SERVER, session, worker

POLL_SECONDS = 0.5
LOAD_POLL_SECONDS = 2.0  # while libraries or a model are read, every look costs the reading a garbage collection
FORM_HEIGHT = 250  # CSS pixels


def follow(jobs: list[Job]) -> None:
    """Show active jobs until one of them ends; then the whole page runs again."""
    active = [job for job in jobs if job.active]
    for job in active:
        if SERVER not in job.owners:
            worker().join(job, session())
    if active:
        st.fragment(_watch, run_every=pace(active))(active)


def pace(jobs: list[Job]) -> float:
    """Seconds between two looks at these jobs."""
    reading = any(SERVER in job.owners for job in jobs) or "torch.optim" not in sys.modules
    return LOAD_POLL_SECONDS if reading else POLL_SECONDS


def _watch(jobs: list[Job]) -> None:
    for job in jobs:
        _row(job)
    if not all(job.active for job in jobs):
        st.rerun()


def _row(job: Job) -> None:
    text = f"**{plain(job.title)}** · {status(job)}"
    if SERVER in job.owners:
        st.progress(job.fraction, text=text)
        return
    bar, button = st.columns([8, 1], vertical_alignment="center")
    bar.progress(job.fraction, text=text)
    button.button(
        "Cancel",
        key=f"cancel_{job.id}",
        on_click=worker().cancel,
        args=(job,),
        kwargs={"owner": session()},
        width="stretch",
    )


def status(job: Job) -> str:
    """The state of an active job in a few words."""
    if job.stop.is_set():
        return "stopping …"
    if job.state == "queued":
        before, seconds = worker().position(job), worker().starts_in(job)
        soon = f", starts in {duration(seconds)}" if seconds is not None else ""
        return f"waiting, {counted(before, 'job')} before it{soon}" if before else "starting …"
    left = job.seconds_left
    if job.doing:
        return f"{plain(job.doing)}" + (f", {duration(left)} left" if left else "")
    if left is None:
        return "a few seconds …" if job.title.startswith("Load") else "starting …"
    return f"{job.done} of {counted(job.total, 'step')}, {duration(left)} left"


def ended_badly(job: Job, *, again: Callable[[], None]) -> None:
    """A failed or cancelled job, and the way to try once more."""
    if job.state == "failed" and job.error is not None:
        show_error(job.error)
    elif job.state == "cancelled":
        st.info(f"{plain(job.title)} was cancelled; nothing of it was kept.")
    else:
        return
    st.button("Try again", key=f"again_{job.id}", on_click=again)


def ask_for(choice: ModelChoice) -> None:
    """``load_job`` for a button."""
    load_job(choice)


def loads_by_itself(choice: ModelChoice) -> bool:
    """Whether a page may load the model unasked: it is here, and small."""
    entry = find(choice.model_id)
    return entry.small if entry is not None else trained_folder(choice.model_id) is not None


def need_model(*, height: int = FORM_HEIGHT) -> ModelFacts | None:
    """What is known of the chosen model; while there is nothing, the page shows the way to it and gets None.

    Models that lie on this machine and are small load by themselves; others are loaded when a person asks.

    Args:
        height: in CSS pixels, of what will stand in its place.
    """
    choice = model_choice()
    facts = slot().facts(choice)
    if facts is not None:
        return facts
    job = worker().find(load_key(choice))
    if job is None and loads_by_itself(choice):
        load_job(choice)
        st.rerun()  # so that the sidebar, drawn already, shows it too
    if job is None:
        st.info(f"{plain(choice.name)} is not loaded yet.")
        st.button("Load the model", key="load_here", type="primary", on_click=ask_for, args=(choice,))
    elif job.active:
        follow([job])
        st.skeleton(height=height)  # keeps the place of what needs the model
    else:
        ended_badly(job, again=lambda: ask_for(choice))
    return None
