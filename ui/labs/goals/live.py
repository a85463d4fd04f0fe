"""The curves of a study that trains, growing."""

from __future__ import annotations

import streamlit as st

from core.labs.goals.settings import Settings
from core.runs.laboratory import LabSpec
from ui.labs.goals.data import live_curves
from ui.parts.charts import draw, theme
from ui.shell.laboratory import lab_job
from ui.shell.store import store

LIVE_SECONDS = 3.0  # every look costs the training a garbage collection


def live(spec: LabSpec, settings: Settings) -> None:
    """Draw them, again and again while agents train."""
    job = lab_job(spec.digest)
    active = job is not None and job.active
    (st.fragment(_curves, run_every=LIVE_SECONDS) if active else _curves)(spec, settings)


def _curves(spec: LabSpec, settings: Settings) -> None:
    table = live_curves(store().checkpoints(spec.digest))
    if table is None:
        st.caption("The first points come in a moment.")
        st.skeleton(height=400)
        return
    from core.labs.goals.figures.curves import learning_curves

    fig = learning_curves(table, title=settings.task.title, theme=theme())
    draw(fig, key="g_live", alt="Learning curves so far.")
