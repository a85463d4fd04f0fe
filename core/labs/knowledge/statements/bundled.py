"""The statement sets that come with the app."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import PromptError
from core.labs.knowledge.statements.generate import FOLDER
from core.labs.knowledge.statements.parse import parse_statements
from core.labs.knowledge.statements.statements import Statements
from core.labs.knowledge.statements.wording import Wording


@dataclass(frozen=True)
class BundledStatements:
    """A set by its id, with its title and the question it is made for."""

    id: str
    title: str
    question: str

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.id}.csv"


BUNDLED = (
    BundledStatements("sentiment", "Sentiment of reviews", "Is a short review of a film or a restaurant positive?"),
    BundledStatements("facts", "True and false facts", "Is a statement on cities, numbers or Spanish words true?"),
)


def load_bundled(id: str) -> tuple[Statements, Wording]:
    """A bundled set and its wording.

    Raises:
        PromptError: there is no such set.
    """
    for bundled in BUNDLED:
        if bundled.id == id:
            return parse_statements(bundled.file.read_bytes(), filename=bundled.file.name)
    raise PromptError(f"There is no bundled set {id!r}.", next_step="Choose sentiment or facts, or bring a CSV file.")
