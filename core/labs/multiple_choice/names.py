"""What pages and the command line need to know of a study without loading the engine."""

from __future__ import annotations

from core.errors import SpecError
from core.labs.multiple_choice.questions.layouts import layout_of
from core.labs.multiple_choice.questions.questions import N_OPTIONS, QuestionSet
from core.runs.laboratory import LabSpec

LAB = "multiple_choice"
LEAST_QUESTIONS = 8
MOST_CIRCUIT = 160  # prompts on which nodes are ablated and subspaces swept
STUDIED = 3  # heads whose subspaces are studied
JOINT = "together"
RANK = 3  # of the low-rank version in the study of mutations
N_MUTATED = 7


def spec_of(model_id: str, revision: str, dtype: str, questions: QuestionSet, *, layout: str, seed: int = 0) -> LabSpec:
    """Everything that decides a study.

    Raises:
        SpecError: there is no such layout, or there are too few questions.
    """
    layout_of(layout)
    if len(questions) < LEAST_QUESTIONS:
        what = f"There are {len(questions)} questions; a study needs at least {LEAST_QUESTIONS}."
        raise SpecError(what, where="--questions", next_step="Add some.")
    settings = {"revision": revision, "dtype": dtype, "questions": questions.digest, "layout": layout, "seed": seed}
    title = f"Multiple choice: {questions.name[:60]}"
    return LabSpec(LAB, title, model_id, {**settings, "name": questions.name[:80]})


def prompts_asked(questions: QuestionSet) -> int:
    """How many prompts the study of the behaviour runs: all turns, and those of half the questions mutated."""
    return N_OPTIONS * (len(questions) + N_MUTATED * (len(questions) // 2))
