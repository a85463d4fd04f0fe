"""The Multiple choice page: which study is on show, and the ways to another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.errors import ModelError, UserError
from core.labs.multiple_choice.folder import Stored, read_study, write_study
from core.labs.multiple_choice.names import LAB
from core.labs.multiple_choice.questions.bundled import find_bundled
from core.labs.multiple_choice.questions.questions import QuestionSet, questions_to_csv
from core.paths import ASSETS
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from core.runs.worker import OnStep
from ui.labs.multiple_choice.data import kept_questions
from ui.parts.run_choice import RunChoice
from ui.shell.laboratory import follow_lab
from ui.shell.messages import show_error
from ui.shell.models import ModelChoice, slot

KEPT = ASSETS / "labs" / "multiple_choice" / "studies"
# Kept studies: the model as a catalogue id, and the bundled questions.
KEPT_STUDIES = {
    "label-binding-words": "Label-binding toy",
    "label-binding-early-words": "Label-binding toy, stopped early",
    "smollm2-135m-general": "SmolLM2-135M-Instruct",
    "smollm2-135m-copy": "SmolLM2-135M-Instruct",
}


def kept() -> dict[str, str]:
    """The studies that come with the app and their titles."""
    found = {}
    for name, model in KEPT_STUDIES.items():
        bundled = find_bundled(name.rsplit("-", 1)[1])
        if bundled is not None and (KEPT / name / "run.json").exists():
            found[name] = f"{model} · {bundled.title} (kept with the app)"
    return found


STUDIES = RunChoice(
    LAB, kept, lambda id: KEPT / id, "Study", "study", "Studies kept with the app, and every one that was run here."
)
show = STUDIES.show


def choose_study() -> tuple[str, Stored] | None:
    """The study on show with its name, and the control that changes it; while it is computed, its progress and None."""
    name, folder = STUDIES.choose()
    if folder is None:
        _progress(name)
        return None
    try:
        return name, _stored(str(folder))
    except UserError as error:
        show_error(error)
        return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _stored(folder: str) -> Stored:
    return read_study(Path(folder))


def _progress(digest: str) -> None:
    """A run that is not finished: progress, or the way to start it again."""
    try:
        spec = STUDIES.spec(digest)
        questions = kept_questions(spec.settings["questions"], spec.settings["name"])
        follow_lab(spec, compute_of(spec, questions), items=len(questions))
    except UserError as error:
        show_error(error)


def compute_of(spec: LabSpec, questions: QuestionSet) -> LabCompute:
    """What the worker does for a run: load the model if need be, study it, write the tables."""
    models, choice = slot(), ModelChoice(spec.model, dtype=spec.settings["dtype"])

    def compute(on_step: OnStep, cancelled: Callable[[], bool], scratch: Path, out: Path) -> None:
        from core.labs.multiple_choice.study import study

        model = models.get(choice)
        if model.revision != spec.settings["revision"]:
            raise ModelError("The model's weights are not those of the run.", next_step="Start a new run.")
        options = {"layout": spec.settings["layout"], "seed": spec.settings["seed"]}
        found = study(model, questions, **options, on_step=on_step, cancelled=cancelled, scratch=scratch)
        write_study(found, out, questions_csv=questions_to_csv(questions))

    return compute
