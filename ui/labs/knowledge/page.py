"""The Knowledge page: which study is on show, and the ways to another."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import ResultError, UserError
from core.labs.knowledge.order import LAB, Order
from core.labs.knowledge.settings import settings_from_json
from core.labs.knowledge.statements.bundled import BUNDLED
from core.labs.knowledge.statements.wording import Wording
from core.labs.knowledge.summary import StudyFiles
from core.paths import ASSETS
from core.runs.entry import is_digest
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from ui.labs.knowledge.data import load_statements
from ui.shell.laboratory import follow_lab, known_spec, lab_folder, lab_runs
from ui.shell.messages import show_error
from ui.shell.models import ModelChoice, slot

KEPT = ASSETS / "labs" / "knowledge" / "studies"
LINK = "run"


def shown() -> str:
    """The study on show: a kept one's id, or a run's digest; the address bar names it."""
    given = st.query_params.get(LINK)
    if given and given != st.session_state.get("_study_linked"):
        st.session_state["_study"] = given if is_digest(given) or given in _kept() else BUNDLED[0].id
    name = st.session_state.get("_study", BUNDLED[0].id)
    st.query_params[LINK] = st.session_state["_study_linked"] = name
    return name


def show(name: str) -> None:
    """Put a study on show; for callbacks."""
    st.session_state["_study"] = name
    st.query_params[LINK] = st.session_state["_study_linked"] = name


def choose_study() -> StudyFiles | None:
    """The study on show, with the control that changes it; while it is computed, its progress and None."""
    name = shown()
    options = {id: f"{title} (kept with the app)" for id, title in _kept().items()} | lab_runs(LAB)
    options.setdefault(name, "the run asked for")
    st.session_state["study_choice"] = name
    st.selectbox(
        "Study",
        list(options),
        format_func=lambda i: options.get(i, i),
        key="study_choice",
        on_change=lambda: show(st.session_state["study_choice"]),
        help="Studies kept with the app, and every one that was run here.",
    )
    folder = KEPT / name if name in _kept() else lab_folder(name)
    if folder is not None:
        return _files(str(folder))
    _progress(name)
    return None


def _kept() -> dict[str, str]:
    return {entry.id: entry.title for entry in BUNDLED if (KEPT / entry.id / "audit.json").exists()}


@st.cache_resource(max_entries=8, show_spinner=False)
def _files(folder: str) -> StudyFiles:
    return StudyFiles(Path(folder))


def _progress(digest: str) -> None:
    """A run that is not finished: progress, or the way to go on with it."""
    try:
        spec = known_spec(digest, LAB)
        if spec is None:
            raise ResultError("The link names no study that is on this server.", next_step="Choose another one.")
        order = ordered(spec)
        follow_lab(spec, compute_of(order, spec), items=len(order.statements))
    except UserError as error:
        show_error(error)


def ordered(spec: LabSpec) -> Order:
    """The order behind a run, so that one that was cut off can go on.

    Raises:
        UserError: its statements are not kept here.
    """
    s = spec.settings
    if s.get("probe"):
        raise ResultError("A probe's file is not kept.", next_step="Upload it again to start the audit anew.")
    wording = s["wording"]
    return Order(
        load_statements(s["data"]["digest"]),
        Wording(wording["template"], wording["reworded"], tuple(wording["answers"])),
        settings_from_json(s["settings"]),
    )


def compute_of(order: Order, spec: LabSpec) -> LabCompute:
    """What the worker does for an order: load the model if need be, then the study."""
    models, choice = slot(), ModelChoice(spec.model, dtype=spec.settings["dtype"])
    return order.compute(lambda: models.get(choice), spec.settings["revision"])
