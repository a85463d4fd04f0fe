"""Prompt pairs from CSV or JSONL bytes, and back to CSV.

Values are kept to the letter: no trimming, no numbers, no missing-value codes ("07" and "NA" are text). Faults of
the file raise ``PromptError``; faults of single rows are collected, so that a person sees all of them at once.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pandas as pd

from core.errors import PromptError
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.problems import Problem, raise_first_error

REQUIRED = ("clean", "corrupt", "answer", "distractor")
COLUMNS = (*REQUIRED, "name")
MAX_ROWS = 2_000
MAX_BYTES = 5_000_000
MAX_CHARACTERS = 20_000

_COLUMNS_ADVICE = f"Use the columns {', '.join(REQUIRED)} and, if you like, name, separated by commas."


class RowError(Exception):
    """A fault of one row: what is wrong, and the next step."""

    def __init__(self, what: str, next_step: str):
        self.what, self.next_step = what, next_step
        super().__init__(what)


@dataclass(frozen=True)
class ParsedPairs:
    """The sound rows of a file, and what is wrong with the others.

    Attributes:
        pairs: one pair for each row without an error, in the order of the file.
        problems: every finding, in the order of the file.
        rows: for each pair its 0-based row in the file; hand it to ``align`` so that row numbers stay true.
    """

    pairs: PairSet
    problems: tuple[Problem, ...]
    rows: tuple[int, ...]

    def or_raise(self) -> PairSet:
        """The pairs, if every row is sound.

        Raises:
            PromptError: for the first row with an error.
        """
        raise_first_error(self.problems)
        return self.pairs


def parse_pairs(data: bytes, *, filename: str) -> ParsedPairs:
    """Read a CSV or JSONL file; the file name decides which, and names the set.

    Args:
        data: the file's bytes, UTF-8 with or without byte order mark.
        filename: ends in ``.csv`` or ``.jsonl``.

    Raises:
        PromptError: unknown extension, empty or too large file, bad encoding, wrong columns, broken quoting,
            too many rows.
    """
    path = PurePath(filename)
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows}
    if path.suffix.lower() not in readers:
        raise PromptError(
            f"Files ending in {path.suffix!r} are not read.", where=path.name, next_step="Bring a .csv or .jsonl file."
        )
    text = _decode(data, path.name)
    return collect_pairs(readers[path.suffix.lower()](text, path.name), name=path.stem)


def collect_pairs(rows: Iterable[Mapping[str, Any] | RowError], *, name: str) -> ParsedPairs:
    """Pairs from rows that are already split into columns, such as an edited table's.

    Raises:
        PromptError: no rows, or more than ``MAX_ROWS``.
    """
    pairs, places, problems = [], [], []
    names: dict[str, int] = {}
    for row, values in enumerate(rows):
        if row == MAX_ROWS:
            what = f"There are more than {MAX_ROWS} rows."
            raise PromptError(what, where=f"row {row + 1}", next_step="Split the set into smaller ones.")
        try:
            pair = _to_pair(values)
        except RowError as error:
            problems.append(Problem(row, "error", error.what, error.next_step))
            continue
        if pair.name and names.setdefault(pair.name, row) != row:
            what = f"The name {pair.name!r} is already that of row {names[pair.name] + 1}."
            problems.append(Problem(row, "warning", what, "Give each pair its own name to tell their results apart."))
        pairs.append(pair)
        places.append(row)
    if not pairs and not problems:
        raise PromptError("There are no pairs.", where=name, next_step="Add at least one row below the column names.")
    return ParsedPairs(PairSet(name, tuple(pairs)), tuple(problems), tuple(places))


def pairs_to_csv(pairs: PairSet) -> str:
    """A set as CSV text with a header; ``parse_pairs`` of it gives the same pairs, whatever their texts hold."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(pair, column) for column in COLUMNS] for pair in pairs)
    return out.getvalue()


def _decode(data: bytes, filename: str) -> str:
    if len(data) > MAX_BYTES:
        raise PromptError(
            f"The file has {len(data)} bytes; at most {MAX_BYTES} are read.",
            where=filename,
            next_step="Split it into smaller ones.",
        )
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PromptError(
            f"The file is not UTF-8: line {line} holds the byte 0x{data[error.start]:02X} at offset {error.start}.",
            where=filename,
            next_step="Save it with the encoding UTF-8.",
        ) from error
    if not text.strip():
        raise PromptError("The file is empty.", where=filename, next_step=_COLUMNS_ADVICE)
    return text


def _csv_rows(text: str, filename: str) -> Iterator[dict[str, Any] | RowError]:
    """Rows below the header; blank lines are skipped and not counted."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    rows_read = 0
    try:
        filled = (fields for fields in reader if fields)
        header = next(filled, [])
        _check_columns(header, filename)
        for fields in filled:
            rows_read += 1
            yield dict(zip(header, fields)) if len(fields) == len(header) else _ragged(len(fields), len(header))
    except csv.Error as error:
        raise PromptError(
            f"Line {reader.line_num} is not sound CSV: {error}.",
            where=f"row {rows_read + 1}" if header else filename,
            next_step="Put values that hold commas, quotes or line breaks in double quotes; double the quotes inside.",
        ) from error


def _ragged(found: int, expected: int) -> RowError:
    return RowError(
        f"The row has {found} value{'s' if found > 1 else ''} for {expected} columns.",
        "Put values that hold commas or quotes in double quotes, and give each column its value.",
    )


def _check_columns(header: list[str], filename: str) -> None:
    counts = Counter(header)
    faults = {
        "unknown": [column for column in counts if column not in COLUMNS],
        "missing": [column for column in REQUIRED if column not in counts],
        "there more than once": [column for column in counts if counts[column] > 1],
    }
    for fault, columns in faults.items():
        if columns:
            what = f"Columns that are {fault}: {_quoted(columns)}."
            raise PromptError(what, where=filename, next_step=_COLUMNS_ADVICE)


def _quoted(names: list[str]) -> str:
    """A few names in quotes, none of them so long that it hides the message."""
    listed = ", ".join(repr(name if len(name) <= 40 else name[:40] + "…") for name in names[:4])
    return f"{listed} and {len(names) - 4} more" if len(names) > 4 else listed


def _jsonl_rows(text: str, filename: str) -> Iterator[dict[str, Any] | RowError]:
    """One JSON object a line; blank lines are skipped and not counted."""
    for line in text.split("\n"):
        if line.strip():
            yield _json_row(line)


def _json_row(line: str) -> dict[str, Any] | RowError:
    try:
        value = json.loads(line, object_pairs_hook=_without_doubles)
    except RowError as error:
        return error
    except (ValueError, RecursionError) as error:
        return RowError(f"The line is not sound JSON: {error}.", "Write one JSON object a line.")
    if isinstance(value, dict):
        return value
    return RowError("The line is not a JSON object.", "Write one JSON object a line.")


def _without_doubles(items: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(items)
    if len(values) < len(items):
        doubles = [key for key, count in Counter(key for key, _ in items).items() if count > 1]
        raise RowError(f"Keys that are there more than once: {_quoted(doubles)}.", "Keep one of each.")
    return values


def _to_pair(values: Mapping[str, Any] | RowError) -> PromptPair:
    if isinstance(values, RowError):
        raise values
    unknown = [column for column in values if column not in COLUMNS]
    if unknown:
        raise RowError(f"Columns that are unknown: {_quoted(unknown)}.", _COLUMNS_ADVICE)
    texts = {column: value for column, value in values.items() if not _is_missing(value)}
    for column in REQUIRED:
        if column not in texts:
            raise RowError(f"The {column} is missing.", "Fill it in, or delete the row.")
    for column, value in texts.items():
        _check_text(column, value)
    return PromptPair(**texts)


def _is_missing(value: Any) -> bool:
    """The empty text, or what JSON and tables put in the place of one: None, NA, NaN."""
    return value is None or value is pd.NA or value == "" or value != value


def _check_text(column: str, value: Any) -> None:
    if not isinstance(value, str):
        raise RowError(f"The {column} is of type {type(value).__name__}, not text.", "Put it in double quotes.")
    if len(value) > MAX_CHARACTERS:
        raise RowError(f"The {column} has {len(value)} characters.", f"Shorten it to {MAX_CHARACTERS} at most.")
    if "\0" in value:
        raise RowError(f"The {column} holds a NUL character.", "Remove it.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise RowError(f"The {column} holds half of a surrogate pair, which is no character.", "Remove or complete it.")
