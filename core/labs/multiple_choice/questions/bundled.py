"""The question sets that come with the app, and how each is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import PromptError
from core.labs.multiple_choice.questions.questions import QuestionSet, parse_questions
from core.paths import ASSETS

FOLDER = ASSETS / "labs" / "multiple_choice"


@dataclass(frozen=True)
class BundledQuestions:
    """One bundled set: its title, what it asks of a model, and its layout."""

    id: str
    title: str
    about: str
    layout: str

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.id}.csv"


BUNDLED = (
    BundledQuestions(
        "words",
        "Words (for the toy)",
        "Four labelled words, then one of them. Made for the label-binding toy, which knows 60 words and no English.",
        "word",
    ),
    BundledQuestions(
        "general",
        "General knowledge",
        "60 school questions in English, with one clearly right option each.",
        "exam",
    ),
    BundledQuestions(
        "copy",
        "Find the word",
        "Which option is the word river? Nothing needs to be known, so a failure is one of binding labels.",
        "exam",
    ),
)


def find_bundled(id: str) -> BundledQuestions | None:
    return next((bundled for bundled in BUNDLED if bundled.id == id), None)


def load_questions(id: str) -> QuestionSet:
    """The questions of a bundled set.

    Raises:
        PromptError: there is no such set.
    """
    bundled = find_bundled(id)
    if bundled is None:
        known = ", ".join(bundled.id for bundled in BUNDLED)
        raise PromptError(f"There is no bundled set {id[:40]!r}.", next_step=f"Choose among {known}.")
    return parse_questions(bundled.file.read_bytes(), filename=bundled.file.name)
