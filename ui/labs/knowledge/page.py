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
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from ui.labs.knowledge.data import load_statements
from ui.parts.run_choice import RunChoice
from ui.shell.laboratory import follow_lab
from ui.shell.messages import show_error
from ui.shell.models import ModelChoice, slot

KEPT = ASSETS / "labs" / "knowledge" / "studies"


def _kept() -> dict[str, str]:
    titles = {entry.id: f"{entry.title} (kept with the app)" for entry in BUNDLED}
    return {id: title for id, title in titles.items() if (KEPT / id / "audit.json").exists()}


STUDIES = RunChoice(
    LAB, _kept, lambda id: KEPT / id, "Study", "study", "Studies kept with the app, and every one that was run here."
)
show = STUDIES.show


def choose_study() -> StudyFiles | None:
    """The study on show, with the control that changes it; while it is computed, its progress and None."""
    name, folder = STUDIES.choose()
    if folder is not None:
        return _files(str(folder))
    _progress(name)
    return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _files(folder: str) -> StudyFiles:
    return StudyFiles(Path(folder))


def _progress(digest: str) -> None:
    """A run that is not finished: progress, or the way to go on with it."""
    try:
        spec = STUDIES.spec(digest)
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
