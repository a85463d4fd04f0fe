"""Statements from CSV bytes: the columns text, label and, if you like, group and topic.

Labels are true/false, yes/no, 1/0 or positive/negative, in any case. What the labels are called decides the wording
that is offered.
"""

from __future__ import annotations

import csv
import io
from pathlib import PurePath

from core.errors import PromptError
from core.labs.knowledge.statements.statements import Item, Statements
from core.labs.knowledge.statements.wording import SENTIMENT, TRUTH, Wording

COLUMNS = ("text", "label", "group", "topic")
TRUE, FALSE = ("true", "yes", "1", "positive"), ("false", "no", "0", "negative")
MOST_ROWS, MOST_BYTES, MOST_CHARACTERS = 2_000, 5_000_000, 4_000
_ADVICE = "Use the columns text, label and, if you like, group and topic, separated by commas."


def parse_statements(data: bytes, *, filename: str) -> tuple[Statements, Wording]:
    """The statements of a file, and the wording that fits its labels.

    Raises:
        PromptError: the file, or a row of it, cannot be read; nothing is taken from a file with a fault.
    """
    path = PurePath(filename)
    if len(data) > MOST_BYTES:
        raise PromptError(f"The file has {len(data)} bytes; at most {MOST_BYTES} are read.", where=path.name)
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise PromptError("The file is not UTF-8.", where=path.name, next_step="Save it as UTF-8.") from error
    rows = _rows(text, path.name)
    items = tuple(_item(row, i) for i, row in enumerate(rows))
    sentiment = any(row["label"].strip().lower() in ("positive", "negative") for row in rows)
    return Statements(path.stem, items), SENTIMENT if sentiment else TRUTH


def _rows(text: str, name: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise PromptError(f"Line {reader.line_num} is not sound CSV: {error}.", where=name) from error
    header = [column.strip().lower() for column in lines[0]] if lines else []
    if not {"text", "label"} <= set(header) or not set(header) <= set(COLUMNS) or len(set(header)) < len(header):
        raise PromptError("The columns are not those of statements.", where=name, next_step=_ADVICE)
    if len(lines) - 1 > MOST_ROWS:
        raise PromptError(f"There are more than {MOST_ROWS} rows.", where=name, next_step="Bring a smaller set.")
    for i, line in enumerate(lines[1:]):
        if len(line) != len(header):
            raise PromptError(
                f"The row has {len(line)} values for {len(header)} columns.",
                where=f"row {i + 1}",
                next_step="Put texts that hold commas in double quotes.",
            )
    return [dict(zip(header, line)) for line in lines[1:]]


def _item(row: dict[str, str], i: int) -> Item:
    where, text, label = f"row {i + 1}", row["text"].strip(), row["label"].strip().lower()
    if not text:
        raise PromptError("The text is missing.", where=where, next_step="Fill it in, or delete the row.")
    if len(text) > MOST_CHARACTERS or "\0" in text:
        raise PromptError("The text is too long, or holds a NUL character.", where=where)
    if label not in (*TRUE, *FALSE):
        raise PromptError(
            f"{row['label'][:40]!r} is no label.", where=where, next_step="Write true or false (or positive, negative)."
        )
    return Item(text, label in TRUE, row.get("group", "").strip()[:200], row.get("topic", "").strip()[:200])
