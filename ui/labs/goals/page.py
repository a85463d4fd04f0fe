"""The Goals page: which world and study is on show, and which of its views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.errors import UserError
from core.labs.goals.order import LAB, compute, spec_of
from core.labs.goals.record import SUMMARY
from core.labs.goals.settings import Settings
from core.paths import ASSETS
from core.worlds.tasks.catalogue import TASKS
from ui.labs.goals.about import CLAIM
from ui.labs.goals.data import Study, study_of
from ui.labs.goals.examples import examples
from ui.labs.goals.form import training_form
from ui.labs.goals.inside import inside
from ui.labs.goals.live import live
from ui.labs.goals.view import show_study
from ui.labs.goals.watch import watch
from ui.parts.run_choice import RunChoice
from ui.shell.laboratory import follow_lab, show_refusal, start_lab
from ui.shell.messages import show_error

KEPT = ASSETS / "labs" / "goals"  # a folder a world
LEARNED, WATCH, INSIDE, TRAIN, EXAMPLES = (
    "What was learned",
    "Watch and change",
    "Look inside",
    "Train your own",
    "Examples of the papers",
)
WORLD, VIEW = "g_world", "g_view"


def _kept() -> dict[str, str]:
    return {task.name: f"{task.title} (kept)" for task in TASKS if (KEPT / task.name / SUMMARY).exists()}


HELP = "The studies kept with the app, one a world, and every one that was trained here."
STUDIES = RunChoice(LAB, _kept, lambda id: KEPT / id, "Study", "study", HELP)


def page() -> None:
    """The claim, the study on show, and one view of it."""
    show_refusal()
    st.markdown(CLAIM)
    study = _choose()
    view = _view()
    if view == WATCH:
        _if_trained(study, watch)
    elif view == INSIDE:
        inside()
    elif view == TRAIN:
        training_form(start)
    elif view == EXAMPLES:
        examples()
    else:
        _if_trained(study, show_study)


def start(settings: Settings) -> None:
    """Train and show it; for the button."""
    spec = spec_of(settings)
    start_lab(spec, compute(settings), items=settings.agents, expected=settings.seconds)
    STUDIES.show(spec.digest)
    st.session_state[VIEW] = LEARNED


def _choose() -> Study | None:
    """World and study; None while it is not finished, or where there is none."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with right:
        name, folder = STUDIES.choose()
    study = _read(folder)
    shown = study.settings.world if study else name
    kept = list(_kept())
    st.session_state[WORLD] = shown if shown in kept else None
    left.segmented_control(
        "World", kept, format_func=str.capitalize, key=WORLD, on_change=_change_world, help="Its kept study."
    )
    return study


def _change_world() -> None:
    if st.session_state[WORLD]:
        STUDIES.show(st.session_state[WORLD])


def _read(folder: Path | None) -> Study | None:
    if folder is None:
        return None
    try:
        return study_of(str(folder))
    except UserError as error:
        show_error(error)
        return None


def _view() -> str:
    view = st.segmented_control(
        "View",
        (LEARNED, WATCH, INSIDE, TRAIN, EXAMPLES),
        default=LEARNED,
        required=True,
        key=VIEW,
        bind="query-params",
        label_visibility="collapsed",
    )
    return view or LEARNED


def _if_trained(study: Study | None, show: Callable[[Study], None]) -> None:
    if study is not None:
        show(study)
    elif name := STUDIES.name():
        _progress(name)
    else:
        st.info(f"No study is stored yet. Train one under “{TRAIN}”: the curves grow while it runs.")


def _progress(digest: str) -> None:
    """A study that is not finished: progress and growing curves, or the way to go on with it."""
    try:
        spec = STUDIES.spec(digest)
        settings = Settings.from_json(dict(spec.settings))
        follow_lab(spec, compute(settings), items=settings.agents, expected=settings.seconds)
        live(spec, settings)
    except UserError as error:
        show_error(error)
