"""The rows of a file that were left out, as a file of their own: as they were, and why."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.files.problems import Problem, errors_of

NAME = "skipped.csv"


def skipped_csv(source: Sequence[Mapping[str, Any]], problems: Sequence[Problem]) -> str:
    """Rows with an error as CSV: their number, the file's own columns, and every reason in one last column.

    Args:
        source: all rows of the file, in order.
    """
    reasons: dict[int, list[str]] = {}
    for problem in errors_of(problems):
        if problem.row is not None:
            reasons.setdefault(problem.row, []).append(problem.what)
    rows = {row: source[row] if row < len(source) else {} for row in sorted(reasons)}
    columns = [c for c in dict.fromkeys(c for row in rows.values() for c in row) if c not in ("row", "reason")]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", *columns, "reason"])
    for row, values in rows.items():
        writer.writerow([row + 1, *(_cell(values.get(column)) for column in columns), " ".join(reasons[row])])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be written
