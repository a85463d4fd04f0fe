"""A file as a plain table, whatever it was saved as: one set of rules for pairs, questions and statements.

CSV with commas, semicolons or tabs, JSON, JSONL and Excel's ``.xlsx``. Values of CSV and of sheets are text, kept to
the letter; values of JSON stay what they are. Faults of the file raise ``PromptError``; faults of rows are kept with
their rows, so that a person sees all of them at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import PurePath
from typing import Any

from core.errors import PromptError
from core.files.delimited import delimited_cells
from core.files.encodings import decode
from core.files.json_rows import Fault, json_rows
from core.files.problems import Problem, quoted
from core.files.spreadsheet import sheet_cells

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".xlsx")

Headless = Callable[[Sequence[str]], Sequence[str] | None]


@dataclass(frozen=True)
class Row:
    """One row that is not blank.

    Attributes:
        number: 0-based among these rows.
        values: by the file's columns; of a row with a fault, as much as could be read.
        fault: why the row cannot be used.
        named: by our columns, once these are known (``core.files.columns``).
    """

    number: int
    values: Mapping[str, Any]
    fault: Fault | None = None
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
        filename, name: the file's name with and without its ending.
        typed: whether values may be more than text (JSON).
        warnings: what is to be said about the file.
    """

    filename: str
    name: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    typed: bool
    warnings: tuple[Problem, ...]


def read_table(
    data: bytes, *, filename: str, max_bytes: int, advice: str, headless: Headless = lambda cells: None
) -> Table:
    """Read a file; its name says how it was saved.

    Args:
        advice: what the file should hold, said where it is empty.
        headless: names the columns from the first row's cells if these are data already; None: they are the names.

    Raises:
        PromptError: unknown ending, empty or too large file, bad encoding, broken quoting, doubled columns.
    """
    path = PurePath(filename)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        what = f"Files ending in {path.suffix!r} are not read."
        raise PromptError(what, where=path.name, next_step=f"Bring a file ending in {', '.join(SUFFIXES)}.")
    if len(data) > max_bytes:
        what = f"The file has {len(data)} bytes; at most {max_bytes} are read."
        raise PromptError(what, where=path.name, next_step="Split it into smaller ones.")
    text, warnings = ("", []) if suffix == ".xlsx" else decode(data, path.name)
    if suffix != ".xlsx" and not text.strip():
        raise PromptError("The file is empty.", where=path.name, next_step=advice)
    if suffix.startswith(".json"):
        header, rows = _of_objects(json_rows(text, path.name, lines=suffix == ".jsonl"))
    else:
        cells = sheet_cells(data, path.name) if suffix == ".xlsx" else delimited_cells(text, path.name)
        header, rows = _of_cells(cells, headless, path.name, advice)
    kept = [(values, fault) for values, fault in rows if fault or not all(map(is_blank, values.values()))]
    if left := len(rows) - len(kept):
        what = f"{left} blank row{' was' if left == 1 else 's were'} skipped and not counted."
        warnings.append(Problem(None, "warning", what, ""))
    numbered = tuple(Row(i, values, fault) for i, (values, fault) in enumerate(kept))
    return Table(path.name, path.stem, header, numbered, suffix.startswith(".json"), tuple(warnings))


def is_blank(value: Any) -> bool:
    """Nothing, blanks, or what JSON and tables put in the place of nothing: None, NaN."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


_Found = tuple[tuple[str, ...], list[tuple[dict[str, Any], Fault | None]]]  # names, and each row's values or fault


def _of_cells(lines: Sequence[Sequence[str]], headless: Headless, filename: str, advice: str) -> _Found:
    """Rows of text in columns; the first line that is not blank holds the names, unless it is a row already."""
    lines = list(dropwhile(lambda cells: all(map(is_blank, cells)), lines))
    if not lines:
        raise PromptError("The file is empty.", where=filename, next_step=advice)
    names = headless(lines[0])
    header = tuple(names) if names else _header(lines[0], filename)
    return header, [_row(header, line) for line in (lines if names else lines[1:])]


def _header(cells: Sequence[str], filename: str) -> tuple[str, ...]:
    """The names without the blanks around them; a column without a name is called by its place."""
    names = tuple(cell.strip() or f"column {i + 1}" for i, cell in enumerate(cells))
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        what = f"Columns that are there more than once: {quoted(doubled)}."
        raise PromptError(what, where=filename, next_step="Keep one of each.")
    return names


def _row(header: Sequence[str], cells: Sequence[str]) -> tuple[dict[str, Any], Fault | None]:
    values: dict[str, Any] = dict(zip(header, cells))
    if len(cells) == len(header) or not any(cell.strip() for cell in cells):
        return values, None
    values |= {f"value {i + 1}": cell for i, cell in enumerate(cells) if i >= len(header)}
    return values, Fault(
        f"The row has {len(cells)} value{'s' if len(cells) > 1 else ''} for {len(header)} columns.",
        "Put values that hold separators or quotes in double quotes, and give each column its value.",
    )


def _of_objects(rows: Sequence[dict[str, Any] | Fault]) -> _Found:
    """Rows of JSON; the header holds every key, in the order in which they first come."""
    found: list[tuple[dict[str, Any], Fault | None]] = [
        ({}, row) if isinstance(row, Fault) else ({key.strip(): value for key, value in row.items()}, None)
        for row in rows
    ]
    return tuple(dict.fromkeys(key for values, _ in found for key in values)), found
