"""What is wrong with one row of a file, and how the command line turns it into a refusal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.errors import PromptError

_OWN = r"'[^']*'|\"[^\"]*\"|\d+"  # what a message quotes or counts is its row's own
_OWNS = re.compile(rf"(?:{_OWN})(?:, (?:{_OWN}))*")


@dataclass(frozen=True)
class Problem:
    """One finding about one row, or about the file.

    Attributes:
        row: 0-based place among the data rows, None for the whole file; people are shown ``where``, which counts
            from 1.
        severity: an ``"error"`` keeps the row out, a ``"warning"`` lets it through.
        what: what was found, one sentence.
        next_step: what to do about it, one sentence.
    """

    row: int | None
    severity: Literal["error", "warning"]
    what: str
    next_step: str

    @property
    def where(self) -> str:
        """The row as people count it: ``"row 1"`` is the first row of data."""
        return "the file" if self.row is None else f"row {self.row + 1}"

    @property
    def reason(self) -> str:
        """What was found, less what only this row has: the same for every row with the same fault."""
        return _OWNS.sub("…", self.what.split(";")[0].rstrip("."))

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.next_step}".rstrip()


@dataclass
class Findings:
    """The problems of one row, or of the file, as they are found."""

    row: int | None
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


def grouped(problems: Sequence[Problem]) -> dict[str, int]:
    """Reason -> number of rows that it keeps out, the commonest first; a row counts for its first error."""
    first = {problem.row: problem for problem in reversed(errors_of(problems))}
    return dict(Counter(problem.reason for problem in first.values()).most_common())


def raise_first_error(problems: Sequence[Problem]) -> None:
    """Raise ``PromptError`` for the first error, counting the other rows; do nothing if there is none."""
    errors = errors_of(problems)
    if not errors:
        return
    first = errors[0]
    others = len({error.row for error in errors} - {first.row})
    more = f" (Errors in {others} more row{'s' if others > 1 else ''}.)" if others else ""
    raise PromptError(first.what, where=first.where, next_step=first.next_step + more)


def quoted(names: Sequence[str], most: int = 4) -> str:
    """A few names in quotes, none of them so long that it hides the message."""
    listed = ", ".join(repr(name if len(name) <= 40 else name[:40] + "…") for name in names[:most])
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed
