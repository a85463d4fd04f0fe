"""The Similarity page: a study on show, and the form that runs another."""

from __future__ import annotations

import streamlit as st

from core.errors import UserError
from core.labs.similarity.order import LAB, compute, spec_of
from core.labs.similarity.settings import Settings
from core.labs.similarity.verdict import CLAIM
from core.paths import ASSETS
from ui.labs.similarity.form import study_form
from ui.labs.similarity.questions import questions
from ui.labs.similarity.view import show_study
from ui.parts.run_choice import RunChoice
from ui.shell.laboratory import follow_lab, show_refusal, start_lab
from ui.shell.messages import plain, show_error

STUDY, ANSWER = "The study", "Answer questions yourself"
KEPT = ASSETS / "labs" / "similarity"
TITLES = {
    "grid": "GridRobot, five seeds (kept with the app)",
    "arm": "Robot arm, five seeds (kept with the app)",
}


def _kept() -> dict[str, str]:
    return {name: title for name, title in TITLES.items() if (KEPT / name / "summary.json").exists()}


HELP = "The study kept with the app, and every one that was run here."
STUDIES = RunChoice(LAB, _kept, lambda id: KEPT / id, "Study", "study", HELP)


def page() -> None:
    """The claim, a study of one's own, and the study on show."""
    show_refusal()
    st.markdown(f"**The paper**: {plain(CLAIM)}")
    view = st.segmented_control(
        "View",
        (STUDY, ANSWER),
        default=STUDY,
        required=True,
        key="s_view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == ANSWER:
        questions()
        return
    with st.expander("Run a study of your own", key="run_similarity"):
        study_form(start)
    name, folder = STUDIES.choose()
    if folder is not None:
        show_study(folder)
    elif name:
        _progress(name)


def start(settings: Settings) -> None:
    """Run a study and show it; for the button."""
    spec = spec_of(settings)
    start_lab(spec, compute(settings), items=settings.runs, expected=settings.seconds)
    STUDIES.show(spec.digest)


def _progress(digest: str) -> None:
    """A study that is not finished: progress, or the way to go on with it."""
    try:
        spec = STUDIES.spec(digest)
        settings = Settings.from_json(dict(spec.settings))
        follow_lab(spec, compute(settings), items=settings.runs, expected=settings.seconds)
    except UserError as error:
        show_error(error)
