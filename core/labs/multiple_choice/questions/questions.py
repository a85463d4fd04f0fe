"""Multiple-choice questions: a question, four options, the place of the right one; read from files as they come.

The columns are ``question, A, B, C, D, answer``, or ``choices`` (a list of four) in place of A to D; MMLU's own CSV
files have no names above the first six. ``answer`` is a letter A to D, or the option's place. Places may count from 0
or from 1: a 0 or a 4 among the answers decides, otherwise a person is asked.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import PromptError
from core.files.asking import ChoiceAsked
from core.files.columns import Form, named
from core.files.problems import Findings, Problem, raise_first_error
from core.files.table import Row, Table, read_table
from core.files.values import fault_of, items_of, texts_of

N_OPTIONS = 4
PLACES = "ABCD"
COLUMNS = ("question", *PLACES, "answer")
MOST_QUESTIONS = 400
MOST_BYTES = 2_000_000
MOST_CHARACTERS = 4_000
_ADVICE = "Use the columns question, A, B, C, D and answer (a letter A to D, or 0 to 3)."
FORM = Form(
    kind="questions",
    fields={
        "question": ("prompt", "stem", "query", "input", "text", "problem"),
        "A": ("option_a", "choice_a", "opa", "option_1", "option1", "choice_1", "choice1"),
        "B": ("option_b", "choice_b", "opb", "option_2", "option2", "choice_2", "choice2"),
        "C": ("option_c", "choice_c", "opc", "option_3", "option3", "choice_3", "choice3"),
        "D": ("option_d", "choice_d", "opd", "option_4", "option4", "choice_4", "choice4"),
        "choices": ("options", "candidates", "endings"),
        "answer": (
            "answer_key", "answerkey", "correct_answer", "correct", "correct_option", "answer_index", "answer_idx",
            "label", "gold", "cop", "target",
        ),
    },
    needs=((("question",),), (tuple(PLACES), ("choices",)), (("answer",),)),
    unused=("subject",),
    advice=_ADVICE,
)  # fmt: skip


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


@dataclass(frozen=True)
class ParsedQuestions:
    """The questions of a file's sound rows, and everything that was found."""

    questions: QuestionSet
    problems: tuple[Problem, ...]

    def or_raise(self) -> QuestionSet:
        """The questions, if every row is sound.

        Raises:
            PromptError: for the first row with an error.
        """
        raise_first_error(self.problems)
        return self.questions


def parse_questions(data: bytes, *, filename: str) -> QuestionSet:
    """Read a file whose columns are ours and whose rows are all sound.

    Raises:
        PromptError: the file or one of its rows cannot be used.
    """
    return read_questions(data, filename=filename).or_raise()


def read_questions(
    data: bytes, *, filename: str, columns: Mapping[str, str] | None = None, answers_from: int | None = None
) -> ParsedQuestions:
    """Read a file; its name says how it was saved, and names the set.

    Args:
        columns: our name -> the file's column, where the names are not ours.
        answers_from: 0 or 1, the number of the first option where answers are numbers.

    Raises:
        Asked: the names of the columns, or the numbers of the answers, leave a question open.
        PromptError: the file cannot be used.
    """
    table = read_table(data, filename=filename, max_bytes=MOST_BYTES, advice=_ADVICE, headless=_mmlu)
    table = named(table, FORM, columns)
    if not 0 < len(table.rows) <= MOST_QUESTIONS:
        what = f"The file holds {len(table.rows)} questions; 1 to {MOST_QUESTIONS} can be studied."
        raise PromptError(what, where=table.filename, next_step=_ADVICE)
    first = _first_number(table) if answers_from is None else answers_from
    found = Findings(list(table.warnings))
    questions: list[Question] = []
    seen: dict[Question, int] = {}
    for row in table.rows:
        question = _question(row, first, found)
        if question is None:
            continue
        if seen.setdefault(question, row.number) != row.number:
            what = f"The question is the same as that of row {seen[question] + 1}."
            found.warn(row.number, what, "Delete one of them, or it counts twice.")
        questions.append(question)
    return ParsedQuestions(QuestionSet(table.name, tuple(questions)), tuple(found.problems))


def questions_to_csv(questions: QuestionSet) -> str:
    """A set as CSV text; ``parse_questions`` of it gives the same questions."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([q.text, *q.options, PLACES[q.answer]] for q in questions.questions)
    return out.getvalue()


def _mmlu(cells: Sequence[str]) -> Sequence[str] | None:
    """The names of the columns if these cells are a question already, as in MMLU's own files."""
    names = {cell.strip().casefold() for cell in cells}
    is_row = len(cells) == len(COLUMNS) and (cells[-1].strip().upper() in PLACES or cells[-1].strip().isdigit())
    return COLUMNS if is_row and not {"question", "answer"} & names and cells[-1].strip() else None


def _first_number(table: Table) -> int:
    """Whether answers that are numbers count from 0 or from 1; 0 where none is a number.

    Raises:
        ChoiceAsked: they could do either.
    """
    numbers = {number for row in table.rows if (number := _number(row.named.get("answer"))) is not None}
    if not numbers or 0 in numbers:
        return 0
    if N_OPTIONS in numbers:
        return 1
    raise ChoiceAsked(
        f"The answers are numbers ({', '.join(map(str, sorted(numbers)[:4]))}) that may count from 0 or from 1.",
        where=table.filename,
        option="answers_from",
        choices={0: "0 is the first option", 1: "1 is the first option"},
    )


def _question(row: Row, first: int, found: Findings) -> Question | None:
    """The question of a row; every fault that it has goes into ``found``."""
    if row.fault is not None:
        found.error(row.number, row.fault.what, row.fault.next_step)
        return None
    _check(row, "question", row.named.get("question"), found)
    options = _options(row, found)
    if not options:
        return None
    for place, option in zip(PLACES, options):
        _check(row, f"option {place}", option, found)
    answer = _place(row.named.get("answer"), first)
    if answer is None:
        found.error(row.number, f"The answer {str(row.named.get('answer'))[:20]!r} names no option.", _ADVICE)
    if answer is None or found.spoilt(row.number):
        return None
    a, b, c, d = (" ".join(option.split()) for option in options)
    if len({a, b, c, d}) < N_OPTIONS:
        found.error(row.number, "Two options are the same.", "Give every option its own text.")
        return None
    return Question(row.named["question"].strip(), (a, b, c, d), answer)


def _options(row: Row, found: Findings) -> Sequence[Any]:
    """Four options, or none and an error."""
    if all(place in row.named for place in PLACES):
        return [row.named[place] for place in PLACES]
    choices = row.named.get("choices")
    if isinstance(choices, Mapping):  # texts and labels apart, as some sets have them
        choices = choices.get("text")
    if isinstance(choices, str):
        choices = items_of(choices) or texts_of(choices)
    options = list(choices) if isinstance(choices, list | tuple) else []
    if len(options) == N_OPTIONS:
        return [str(option) if type(option) is int else option for option in options]
    what = f"The question has {len(options)} option{'' if len(options) == 1 else 's'}."
    found.error(row.number, what, f"Only questions of {N_OPTIONS} are studied.")
    return []


def _check(row: Row, name: str, value: Any, found: Findings) -> None:
    if not isinstance(value, str) or not value.strip():
        found.error(row.number, f"The {name} is missing or is no text.", _ADVICE)
    elif fault := fault_of(name, value, MOST_CHARACTERS):
        found.error(row.number, *fault)


def _place(answer: Any, first: int) -> int | None:
    """The place of the right option, counted from 0."""
    letter = answer.strip().upper() if isinstance(answer, str) else ""
    if letter and letter in PLACES:
        return PLACES.index(letter)
    number = _number(answer)
    return number - first if number is not None and 0 <= number - first < N_OPTIONS else None


def _number(answer: Any) -> int | None:
    text = "" if isinstance(answer, bool) else str(answer).strip().removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
