"""What was found in a file, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.files.problems import Problem, errors_of, grouped
from core.files.skipped import NAME, skipped_csv
from ui.shell.messages import counted, plain

TOLD = 6  # findings told one by one


def tell(problems: Sequence[Problem]) -> None:
    """Findings by row: the first few as text, all of them as a table where there are more."""
    errors = errors_of(problems)
    for found, box in ((errors, st.error), ([p for p in problems if p.severity == "warning"], st.warning)):
        lines = [f"- **{p.where}** · {plain(p.what)} {plain(p.next_step)}" for p in found[:TOLD]]
        if len(found) > TOLD:
            lines.append(f"- and {len(found) - TOLD} more, in the table below")
        if lines:
            box("\n".join(lines))
    if max(len(errors), len(problems) - len(errors)) > TOLD:
        rows = [[None if p.row is None else p.row + 1, p.severity, p.what, p.next_step] for p in problems]
        table = pd.DataFrame(rows, columns=["row", "kind", "what was found", "what to do"])
        st.dataframe(table, hide_index=True, height=250, alt=f"{counted(len(rows), 'finding')}, by row.")


def reasons(problems: Sequence[Problem]) -> str:
    """Why rows are left out, each reason with its number of rows, as markdown."""
    return "; ".join(f"{count}: {plain(reason)}" for reason, count in grouped(problems).items())


def download_skipped(source: Sequence[Mapping[str, Any]], problems: Sequence[Problem], *, key: str) -> None:
    """The rows with an error as a file, each with its reason."""
    st.download_button(
        NAME, lambda: skipped_csv(source, problems), file_name=NAME, mime="text/csv", key=key, on_click="ignore"
    )
