"""A person's answers: one row each, written to disk at once, and read back.

Columns: ``query`` (its number for this rater, from 1), ``trajectories`` (three behaviours' numbers, shown as A, B, C),
``choice`` (AB, AC or BC: the pair most alike; ``cannot say``; ``undo`` takes this rater's last answer back),
``milliseconds`` (from the question to the answer), ``rater``, ``time`` (UTC, ISO 8601).
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from core.errors import SpecError
from core.labs.similarity.person import PAIRS, THIRD
from core.worlds.listed.behaviours import Behaviours

CHOICES = ("AB", "AC", "BC")
CANNOT_SAY, UNDO = "cannot say", "undo"
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Answer:
    """One row; ``trajectories`` are behaviours' numbers in the order shown."""

    query: int
    trajectories: Triple
    choice: str
    milliseconds: int
    rater: str
    time: str


COLUMNS = tuple(field.name for field in fields(Answer))


def append(answer: Answer, path: Path) -> None:
    """Add one row to a file; it is on the disk when this returns, whatever happens to the process afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        torn = b""
        if size:
            file.seek(size - 1)
            torn = b"" if file.read(1) == b"\n" else b"\n"  # a row that a kill cut short stays a row of its own
        head = b"" if size else _line(COLUMNS)
        file.write(torn + head + _line(_cells(answer)))
        file.flush()
        os.fsync(file.fileno())


def as_csv(answers: list[Answer]) -> str:
    """The same columns for a download."""
    return b"".join([_line(COLUMNS), *(_line(_cells(answer)) for answer in answers)]).decode()


def stored(path: Path, behaviours: Behaviours) -> list[Answer]:
    """The answers of a file that ``append`` wrote, in order; what was undone is not among them."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    whole = [line for line in lines if len(next(csv.reader([line]), [])) == len(COLUMNS)]  # without a torn row
    return read_answers("\n".join(whole) + "\n", behaviours)


def read_answers(text: str, behaviours: Behaviours) -> list[Answer]:
    """Answers from CSV text; what was undone is not among them.

    Raises:
        SpecError: a column is missing, or a row cannot be an answer about these behaviours.
    """
    reader = csv.DictReader(io.StringIO(text))
    if missing := [name for name in ("trajectories", "choice") if name not in (reader.fieldnames or ())]:
        raise SpecError(
            f"The column {missing[0]!r} is missing.", where="answers", next_step=f"Give {', '.join(COLUMNS)}."
        )
    seen, found = set(behaviours.seen.tolist()), list[Answer]()
    for row, cells in enumerate(reader, 1):
        answer = _answer(cells, row, seen)
        if answer.choice == UNDO:
            _take_back(found, answer.rater)
        else:
            found.append(answer)
    return found


def triples(answers: list[Answer]) -> tuple[Triple, ...]:
    """What the triplet loss reads: the pair, then the third; without those who could not say.

    Raises:
        SpecError: nothing is left.
    """
    found = []
    for answer in answers:
        if answer.choice in CHOICES:
            k = CHOICES.index(answer.choice)
            order = (*PAIRS[k], THIRD[k])
            found.append((answer.trajectories[order[0]], answer.trajectories[order[1]], answer.trajectories[order[2]]))
    if not found:
        raise SpecError(
            "No answer says which two are alike.", where="answers", next_step="Answer some questions first."
        )
    return tuple(found)


def _take_back(answers: list[Answer], rater: str) -> None:
    for i in range(len(answers) - 1, -1, -1):
        if answers[i].rater == rater:
            del answers[i]
            return


def _answer(cells: dict, row: int, seen: set[int]) -> Answer:
    where = f"answers, row {row}"
    try:
        a, b, c = (int(part) for part in (cells["trajectories"] or "").split())
        query, milliseconds = int(cells.get("query") or row), int(float(cells.get("milliseconds") or 0))
    except ValueError:
        raise SpecError(
            "The trajectories must be three whole numbers parted by spaces, the query and milliseconds numbers.",
            where=where,
        ) from None
    choice = (cells["choice"] or "").strip()
    if choice not in (*CHOICES, CANNOT_SAY, UNDO):
        raise SpecError(
            f"{choice!r} is no choice.", where=where, next_step=f"One of {', '.join(CHOICES)}, {CANNOT_SAY}."
        )
    if len({a, b, c}) < 3 or not {a, b, c} <= seen:
        raise SpecError("The trajectories must be three different ones that questions may show.", where=where)
    return Answer(query, (a, b, c), choice, milliseconds, cells.get("rater") or "", cells.get("time") or "")


def _cells(answer: Answer) -> tuple[str, ...]:
    query, trajectories, *rest = astuple(answer)
    return (str(query), " ".join(map(str, trajectories)), *map(str, rest))


def _line(cells: tuple[str, ...]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()
