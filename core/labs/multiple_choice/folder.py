"""A study as a folder: one CSV a table (``core.labs.multiple_choice.tables``), ``summary.json`` and ``run.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.errors import PromptError, ResultError
from core.labs.multiple_choice.names import LAB
from core.labs.multiple_choice.questions.questions import Question, parse_questions

if TYPE_CHECKING:
    from core.labs.multiple_choice.study import Study

TABLES = ("answers", "labels", "mutations", "nodes", "effects", "kept", "looks", "ranks", "separation", "points")
BEHAVIOUR = TABLES[:3]  # there whatever the verdict
FILES = (*(f"{name}.csv" for name in TABLES), "summary.json", "run.json", "questions.csv")
DIGITS = "%.6g"


@dataclass(frozen=True, eq=False)
class Stored:
    """A study read back: ``run`` is its ``run.json``."""

    summary: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    run: dict[str, Any]
    questions: tuple[Question, ...]

    @property
    def binds(self) -> bool:
        return bool(self.summary["verdict"]["binds"])

    @property
    def has_heads(self) -> bool:
        """Whether subspaces of heads were studied."""
        return "ranks" in self.tables


def write_study(study: Study, folder: Path, *, questions_csv: str) -> None:
    """Write the tables and the summary into an existing folder; ``run.json`` is written by whoever keeps the run."""
    for name, table in study.tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", float_format=DIGITS)
    (folder / "questions.csv").write_text(questions_csv, encoding="utf-8")
    text = json.dumps(study.summary, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")


def read_study(folder: Path) -> Stored:
    """The inverse of ``write_study``.

    Raises:
        ResultError: files are missing, damaged, or of something else.
    """
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        paths = {name: folder / f"{name}.csv" for name in TABLES}
        found = {name: _read(path) for name, path in paths.items() if path.exists()}
        questions = parse_questions((folder / "questions.csv").read_bytes(), filename="questions.csv").questions
        sound = run["lab"] == LAB and set(BEHAVIOUR) <= set(found) and isinstance(summary["verdict"]["binds"], bool)
    except (OSError, ValueError, KeyError, TypeError, PromptError) as error:
        raise ResultError("The study cannot be read.", where=folder.name) from error
    if not sound:
        raise ResultError("The folder holds no multiple-choice study.", where=folder.name)
    return Stored(summary, found, run, questions)


def _read(path: Path) -> pd.DataFrame:
    texts: dict[Any, Any] = {"label": str, "labels": str}  # digits are labels, too
    table = pd.read_csv(path, keep_default_na=True, dtype=texts)
    for name in {"label", "category"} & set(table.columns):
        table[name] = table[name].fillna("")
    return table
