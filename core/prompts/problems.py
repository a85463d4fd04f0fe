"""What is wrong with one row of a pair set, and how the command line turns it into a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.errors import PromptError


@dataclass(frozen=True)
class Problem:
    """One finding about one row.

    Attributes:
        row: 0-based place among the data rows; people are shown ``where``, which counts from 1.
        severity: an ``"error"`` keeps the row out, a ``"warning"`` lets it through.
        what: what was found, one sentence.
        next_step: what to do about it, one sentence.
    """

    row: int
    severity: Literal["error", "warning"]
    what: str
    next_step: str

    @property
    def where(self) -> str:
        """The row as people count it: ``"row 1"`` is the first row of data."""
        return f"row {self.row + 1}"

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.next_step}"


@dataclass
class Findings:
    """The problems of one row, as they are found."""

    row: int
    problems: list[Problem] = field(default_factory=list)

    def error(self, what: str, next_step: str) -> None:
        self.problems.append(Problem(self.row, "error", what, next_step))

    def warn(self, what: str, next_step: str) -> None:
        self.problems.append(Problem(self.row, "warning", what, next_step))

    @property
    def sound(self) -> bool:
        """Whether the row can be run so far."""
        return not errors_of(self.problems)


def errors_of(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The problems that keep a row out."""
    return tuple(problem for problem in problems if problem.severity == "error")


def raise_first_error(problems: Sequence[Problem]) -> None:
    """Raise ``PromptError`` for the first error, counting the other rows; do nothing if there is none."""
    errors = errors_of(problems)
    if not errors:
        return
    first = errors[0]
    others = len({error.row for error in errors} - {first.row})
    more = f" (Errors in {others} more row{'s' if others > 1 else ''}.)" if others else ""
    raise PromptError(first.what, where=first.where, next_step=first.next_step + more)
