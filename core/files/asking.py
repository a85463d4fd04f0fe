"""What a file leaves open: the file can be read once a person has answered one question.

On the command line the answer is an option, and the message names it ready to paste; a page asks and reads again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import PromptError


class Asked(PromptError):
    """A question. ``option`` is the reader's argument that takes the answer, and the command line's option."""

    option: str


class ColumnsAsked(Asked):
    """Which column is which?

    Attributes:
        header: the file's columns.
        fields: what may be looked for in them, in our words.
        likely: field -> column, as far as it can be told from the names.
    """

    option = "columns"

    def __init__(
        self,
        what: str,
        *,
        where: str,
        next_step: str,
        header: tuple[str, ...],
        fields: tuple[str, ...],
        likely: Mapping[str, str],
    ):
        super().__init__(what, where=where, next_step=next_step)
        self.header, self.fields, self.likely = header, fields, dict(likely)


class ChoiceAsked(Asked):
    """Which of a few? ``choices`` maps what the reader takes to words for a person."""

    def __init__(self, what: str, *, where: str, option: str, choices: Mapping[Any, str]):
        named = f"--{option.replace('_', '-')}"
        ways = [f"{named} {choice} ({words})" if words else f"{named} {choice}" for choice, words in choices.items()]
        super().__init__(what, where=where, next_step=f"Add {' or '.join(ways)}.")
        self.option, self.choices = option, dict(choices)
