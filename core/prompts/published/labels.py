"""Published sets that give a label in place of answers: which texts it stands for.

*Greater-than* (Hanna et al. 2023, as EAP-IG publishes it): ``clean, corrupted`` and, as ``correct_idx`` or ``label``,
the two digits that the clean prompt's end year must exceed. Answers are all two-digit years above it, distractors the
others, as in the paper's probability difference.

*Agreement* (SVA, as EAP-IG publishes it): ``clean, corrupted, plural``. Where ``plural`` is 1 the answers are plural
forms of to be, to have and to do, and the distractors their singular forms; where it is 0 the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from core.files.json_rows import Fault
from core.files.problems import Problem
from core.files.table import Row, Table

SINGULAR, PLURAL = [" is", " was", " has", " does"], [" are", " were", " have", " do"]
_YEARS = [f"{year:02}" for year in range(100)]
_OPEN_YEAR = re.compile(r"\b(\d\d)(\d\d)\b.*\b\1$", re.DOTALL)  # ends with the century of a year that it names

Answers = tuple[list[str], list[str]]


def with_answers(table: Table) -> Table:
    """The table with answers and distractors in place of labels; any other table as it is."""
    header = set(table.header)
    if {"clean", "corrupted", "plural"} <= header and not {"answer", "distractor"} & header:
        said = f"Answers are{', '.join(PLURAL)} where plural is 1 and{', '.join(SINGULAR)} where it is 0."
        return _labelled(table, "plural", _agreeing, said)
    label = next((name for name in ("correct_idx", "label") if name in header), None)
    if header <= {"clean", "corrupted", "correct_idx", "label", "column 1"} and label and _all_years(table, label):
        said = "Answers are all two-digit years above the one in the clean prompt, distractors the others."
        return _labelled(table, label, _later, said)
    return table


def _labelled(
    table: Table, label: str, answers: Callable[[Mapping[str, Any], str], Answers | None], said: str
) -> Table:
    def row_of(row: Row) -> Row:
        if row.fault is not None:
            return row
        found = answers(row.values, str(row.values.get(label)).strip())
        if found is None:
            what = f"The {label} {str(row.values.get(label))[:40]!r} gives no answers."
            return replace(row, fault=Fault(what, "Mend it, or delete the row."))
        values = {"clean": row.values.get("clean"), "corrupt": row.values.get("corrupted")}
        return replace(row, values=values | {"answer": found[0], "distractor": found[1]})

    warning = Problem(None, "warning", said, "Write answer and distractor yourself if you mean others.")
    rows = tuple(map(row_of, table.rows))
    header = ("clean", "corrupt", "answer", "distractor")
    return replace(table, header=header, rows=rows, warnings=(*table.warnings, warning))


def _agreeing(values: Mapping[str, Any], label: str) -> Answers | None:
    return {"1": (PLURAL, SINGULAR), "0": (SINGULAR, PLURAL)}.get(label)


def _later(values: Mapping[str, Any], label: str) -> Answers | None:
    year = _year(values, label)
    return (_YEARS[year + 1 :], _YEARS[: year + 1]) if year is not None and year < 99 else None


def _all_years(table: Table, label: str) -> bool:
    rows = [row.values for row in table.rows if row.fault is None]
    return bool(rows) and all(_year(values, str(values.get(label)).strip()) is not None for values in rows)


def _year(values: Mapping[str, Any], label: str) -> int | None:
    """The last two digits of the clean prompt's year, where they are the label."""
    match = _OPEN_YEAR.search(str(values.get("clean")).rstrip())
    return int(label) if match and label.isascii() and label.isdigit() and int(match[2]) == int(label) else None
