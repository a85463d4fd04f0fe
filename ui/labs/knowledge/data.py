"""Statement sets of one's own are kept by digest, so that a run that was cut off can go on."""

from __future__ import annotations

import csv
import io
import os
import uuid
from pathlib import Path

from core.errors import ResultError
from core.labs.knowledge.statements.bundled import BUNDLED, load_bundled
from core.labs.knowledge.statements.parse import COLUMNS, parse_statements
from core.labs.knowledge.statements.statements import Statements
from core.runs.entry import is_digest
from ui.shell.store import results_dir


def keep_statements(statements: Statements) -> None:
    """Write a set as CSV below the results, under its digest."""
    path = _place(statements.digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    words = ("false", "true")
    writer.writerows((i.text, words[i.label], i.group, i.topic) for i in statements.items)
    partial = path.with_name(f".{uuid.uuid4().hex}.csv")
    partial.write_text(out.getvalue(), encoding="utf-8")
    os.replace(partial, path)


def load_statements(digest: str) -> Statements:
    """A bundled or kept set.

    Raises:
        ResultError: nothing is kept under this digest.
    """
    for bundled in BUNDLED:
        statements, _ = load_bundled(bundled.id)
        if statements.digest == digest:
            return statements
    path = _place(digest)
    if not is_digest(digest) or not path.exists():
        raise ResultError("The run's statements are not on this server.", next_step="Upload them again.")
    return parse_statements(path.read_bytes(), filename=path.name)[0]


def _place(digest: str) -> Path:
    return results_dir() / "statements" / f"{digest}.csv"
