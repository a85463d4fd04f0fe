"""Multiple-choice questions from MMLU-style files: a question, four options, the place of the right one.

CSV with the columns ``question, A, B, C, D, answer`` and, if you like, ``subject``; or six columns without a header,
as MMLU's own files have them. JSONL with the same keys, or with ``choices`` (a list of four) in place of A to D.
``answer`` is a letter A to D, or the option's place counted from 0.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from core.errors import PromptError

N_OPTIONS = 4
PLACES = "ABCD"
COLUMNS = ("question", *PLACES, "answer")
MOST_QUESTIONS = 400
MOST_BYTES = 2_000_000
MOST_CHARACTERS = 4_000
_ADVICE = "Use the columns question, A, B, C, D and answer (a letter A to D, or 0 to 3)."


@dataclass(frozen=True)
class Question:
    """One question; ``answer`` is the place of the right option, counted from 0."""

    text: str
    options: tuple[str, str, str, str]
    answer: int

    def turned(self, by: int) -> Question:
        """The same question with its options moved on by so many places."""
        at = [(place - by) % N_OPTIONS for place in range(N_OPTIONS)]
        a, b, c, d = (self.options[i] for i in at)
        return Question(self.text, (a, b, c, d), (self.answer + by) % N_OPTIONS)


@dataclass(frozen=True)
class QuestionSet:
    """Questions with a name."""

    name: str
    questions: tuple[Question, ...]

    @property
    def digest(self) -> str:
        """Short hex digest of the questions; the name is not part of it."""
        plain = [[q.text, *q.options, q.answer] for q in self.questions]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.questions)


def parse_questions(data: bytes, *, filename: str) -> QuestionSet:
    """Read a CSV or JSONL file; the file name decides which, and names the set.

    Raises:
        PromptError: the file or one of its rows cannot be used.
    """
    path = PurePath(filename)
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows}
    if path.suffix.lower() not in readers:
        raise _refusal(f"Files ending in {path.suffix!r} are not read.", path.name, "Bring a .csv or .jsonl file.")
    if len(data) > MOST_BYTES:
        raise _refusal(f"The file has {len(data)} bytes; at most {MOST_BYTES} are read.", path.name, "Split it.")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _refusal(f"The file is not UTF-8 (byte {error.start}).", path.name, "Save it as UTF-8.") from error
    rows = readers[path.suffix.lower()](text, path.name)
    if not 0 < len(rows) <= MOST_QUESTIONS:
        what = f"The file holds {len(rows)} questions; 1 to {MOST_QUESTIONS} can be studied."
        raise _refusal(what, path.name, _ADVICE)
    return QuestionSet(path.stem, tuple(_question(row, f"row {i + 1}") for i, row in enumerate(rows)))


def questions_to_csv(questions: QuestionSet) -> str:
    """A set as CSV text; ``parse_questions`` of it gives the same questions."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([q.text, *q.options, PLACES[q.answer]] for q in questions.questions)
    return out.getvalue()


def _csv_rows(text: str, filename: str) -> list[Mapping[str, Any]]:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise _refusal(f"The file is not sound CSV: {error}.", filename, "Put texts in double quotes.") from error
    if not rows:
        raise _refusal("The file is empty.", filename, _ADVICE)
    names = [name.strip() for name in rows[0]]
    header = names if set(COLUMNS) <= set(names) else None
    if header is None and (len(names) != len(COLUMNS) or _place(names[-1]) is None):
        raise _refusal("The columns are not those of a questions file.", filename, _ADVICE)
    body = rows if header is None else rows[1:]
    columns = header or list(COLUMNS)
    for i, row in enumerate(body):
        if len(row) != len(columns):
            raise _refusal(f"The row has {len(row)} values for {len(columns)} columns.", f"row {i + 1}", _ADVICE)
    return [dict(zip(columns, row)) for row in body]


def _jsonl_rows(text: str, filename: str) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for line in filter(str.strip, text.split("\n")):
        where = f"row {len(rows) + 1}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _refusal(f"The line is not sound JSON: {error}.", where, "One JSON object a line.") from error
        if not isinstance(row, dict):
            raise _refusal("The line is not a JSON object.", where, "One JSON object a line.")
        choices = row.get("choices")
        if isinstance(choices, list) and len(choices) == N_OPTIONS:
            row = {**row, **dict(zip(PLACES, choices))}
        rows.append(row)
    return rows


def _question(row: Mapping[str, Any], where: str) -> Question:
    for name in COLUMNS[:-1]:
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            raise _refusal(f"The {_named(name)} is missing or is no text.", where, _ADVICE)
        if len(value) > MOST_CHARACTERS or "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            what = f"The {_named(name)} is longer than {MOST_CHARACTERS} characters or holds what is no character."
            raise _refusal(what, where, "Shorten or mend it.")
    a, b, c, d = (" ".join(row[place].split()) for place in PLACES)
    if len({a, b, c, d}) < N_OPTIONS:
        raise _refusal("Two options are the same.", where, "Give every option its own text.")
    answer = _place(row.get("answer"))
    if answer is None:
        raise _refusal(f"The answer {str(row.get('answer'))[:20]!r} names no option.", where, _ADVICE)
    return Question(row["question"].strip(), (a, b, c, d), answer)


def _named(column: str) -> str:
    return column if column == "question" else f"option {column}"


def _place(answer: Any) -> int | None:
    text = "" if isinstance(answer, bool) else str(answer).strip()
    if text.upper() in tuple(PLACES):
        return PLACES.index(text.upper())
    return int(text) if text in ("0", "1", "2", "3") else None


def _refusal(what: str, where: str, next_step: str) -> PromptError:
    return PromptError(what, where=where, next_step=next_step)
