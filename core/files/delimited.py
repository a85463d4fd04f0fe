"""Text in columns: CSV as programs write it, with commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
import re

from core.errors import PromptError

SEPARATORS = ",;\t"
_HEAD = 100_000  # characters in which the header must end
_NAMED = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)  # Excel's way to say it
_QUOTED = re.compile('"[^"]*"')


def delimited_cells(text: str, filename: str) -> list[list[str]]:
    """The cells of every line that is not empty, the header's first.

    Raises:
        PromptError: broken quoting.
    """
    named = _NAMED.match(text)
    separator = named[1] if named else separator_of(text)
    reader = csv.reader(io.StringIO(text[named.end() if named else 0 :], newline=""), strict=True, delimiter=separator)
    found: list[list[str]] = []
    try:
        found.extend(fields for fields in reader if fields)
    except csv.Error as error:
        raise PromptError(
            f"Line {reader.line_num} is not sound CSV: {error}.",
            where=f"row {len(found)}" if found else filename,
            next_step="Put values that hold separators, quotes or line breaks in double quotes; double quotes inside.",
        ) from error
    return found


def separator_of(text: str) -> str:
    """The separator that the header has most of, outside quotes; a comma where it has none."""
    header = _QUOTED.sub("", text[:_HEAD]).lstrip("\r\n").split("\n", 1)[0]
    return max(SEPARATORS, key=header.count)  # the first of equals
