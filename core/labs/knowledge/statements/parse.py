"""Statements from files as they come: the columns text, label and, if you like, group and topic.

Labels are true/false, yes/no, 1/0, 1/-1, +/- or positive/negative (pos/neg), in any case. What the labels are called
decides the wording that is offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import PromptError
from core.files.columns import Form, named
from core.files.problems import Findings, Problem, raise_first_error
from core.files.table import Row, is_blank, read_table
from core.files.values import fault_of
from core.labs.knowledge.statements.statements import Item, Statements
from core.labs.knowledge.statements.wording import SENTIMENT, TRUTH, Wording

COLUMNS = ("text", "label", "group", "topic")
FEELINGS = ("positive", "pos", "negative", "neg")
TRUE = ("true", "yes", "1", "+", "+1", *FEELINGS[:2])
FALSE = ("false", "no", "0", "-", "-1", *FEELINGS[2:])
MOST_ROWS, MOST_BYTES, MOST_CHARACTERS, LONGEST_NAME = 2_000, 5_000_000, 4_000, 200
FORM = Form(
    kind="statements",
    fields={
        "text": ("statement", "sentence", "claim", "review", "content", "proposition"),
        "label": ("labels", "is_true", "truth", "truth_value", "sentiment", "correct", "target", "class", "answer"),
        "group": (),
        "topic": (),
    },
    needs=((("text",),), (("label",),)),
    advice="Use the columns text, label and, if you like, group and topic.",
)


@dataclass(frozen=True)
class ParsedStatements:
    """The statements of a file's sound rows, the wording that fits its labels, and everything that was found."""

    statements: Statements
    wording: Wording
    problems: tuple[Problem, ...]

    def or_raise(self) -> tuple[Statements, Wording]:
        """Statements and wording, if every row is sound.

        Raises:
            PromptError: for the first row with an error.
        """
        raise_first_error(self.problems)
        return self.statements, self.wording


def parse_statements(data: bytes, *, filename: str) -> tuple[Statements, Wording]:
    """Read a file whose columns are ours and whose rows are all sound.

    Raises:
        PromptError: the file, or a row of it, cannot be read.
    """
    return read_statements(data, filename=filename).or_raise()


def read_statements(data: bytes, *, filename: str, columns: Mapping[str, str] | None = None) -> ParsedStatements:
    """Read a file; its name says how it was saved, and names the set.

    Args:
        columns: our name -> the file's column, where the names are not ours.

    Raises:
        ColumnsAsked: the names of the columns leave a question open.
        PromptError: the file cannot be used.
    """
    table = read_table(data, filename=filename, max_bytes=MOST_BYTES, advice=FORM.advice)
    table = named(table, FORM, columns)
    if len(table.rows) > MOST_ROWS:
        what = f"There are more than {MOST_ROWS} rows."
        raise PromptError(what, where=table.filename, next_step="Bring a smaller set.")
    labels = {_label(row.named.get("label")) for row in table.rows}
    if {"0", "-1"} <= labels:
        what = "The labels hold both 0 and -1, so there are more than two kinds."
        raise PromptError(what, where=table.filename, next_step="Keep the rows of two kinds.")
    found = Findings(list(table.warnings))
    column = (columns or {}).get("label", "label")
    items = tuple(item for row in table.rows if (item := _item(row, column, found)) is not None)
    return ParsedStatements(
        Statements(table.name, items), SENTIMENT if labels & set(FEELINGS) else TRUTH, tuple(found.problems)
    )


def _item(row: Row, column: str, found: Findings) -> Item | None:
    """The item of a row; every fault that it has goes into ``found``."""
    if row.fault is not None:
        found.error(row.number, row.fault.what, row.fault.next_step)
        return None
    text, label = row.named.get("text"), _label(row.named.get("label"))
    if is_blank(text):
        found.error(row.number, "The text is missing.", "Fill it in, or delete the row.")
    elif fault := fault_of("text", text, MOST_CHARACTERS):
        found.error(row.number, *fault)
    if label not in (*TRUE, *FALSE):
        what = f"{str(row.named.get('label'))[:40]!r} is no label (column {column!r})."
        found.error(row.number, what, "Write true or false (or positive, negative).")
    if found.spoilt(row.number):
        return None
    return Item(str(text).strip(), label in TRUE, _name(row.named.get("group")), _name(row.named.get("topic")))


def _label(value: Any) -> str:
    """A label as its lists have it: ``1.0`` and ``True`` are 1 and true."""
    text = str(value).strip().lower().replace("−", "-")
    return text.removesuffix(".0") if text.removesuffix(".0") in ("1", "0", "-1", "+1") else text


def _name(value: Any) -> str:
    return "" if is_blank(value) else str(value).strip()[:LONGEST_NAME]
