"""Question sets of one's own are kept by digest, so that a run that was cut off can be started again."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from core.errors import ResultError
from core.labs.multiple_choice.questions.bundled import BUNDLED, load_questions
from core.labs.multiple_choice.questions.questions import QuestionSet, parse_questions, questions_to_csv
from core.runs.entry import is_digest
from ui.shell.store import results_dir


def keep_questions(questions: QuestionSet) -> None:
    """Write a set as CSV below the results, under its digest."""
    path = _place(questions.digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex}.csv")
    partial.write_text(questions_to_csv(questions), encoding="utf-8")
    os.replace(partial, path)


def kept_questions(digest: str, name: str) -> QuestionSet:
    """A bundled or kept set.

    Raises:
        ResultError: nothing is kept under this digest.
    """
    for bundled in BUNDLED:
        questions = load_questions(bundled.id)
        if questions.digest == digest:
            return questions
    path = _place(digest)
    if not is_digest(digest) or not path.exists():
        raise ResultError("The run's questions are not on this server.", next_step="Upload them again.")
    return QuestionSet(name, parse_questions(path.read_bytes(), filename=path.name).questions)


def _place(digest: str) -> Path:
    return results_dir() / "questions" / f"{digest}.csv"
