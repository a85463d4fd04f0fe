"""The draft of a pair set: a table that people edit, and its way back to pairs.

Every row keeps the number it has in its file, so that a refusal names the row a person sees there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from core.files.problems import Problem
from core.prompts.pairs import PairSet
from core.prompts.parse import ParsedPairs, cells_of, collect_pairs, columns_of


@dataclass(frozen=True)
class Draft:
    """Rows to be checked. ``left_out`` are a file's rows that could not be read; ``serial`` tells drafts apart."""

    serial: int
    parsed: ParsedPairs
    bundled_id: str | None = None

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """What was found about the file, and about rows that are not in the table."""
        return tuple(p for p in self.parsed.problems if p.row is None or p.row not in self.parsed.rows)


def current_draft() -> Draft | None:
    """The draft being worked on."""
    return st.session_state.get("_draft")


def start_draft(parsed: ParsedPairs, *, bundled_id: str | None = None) -> None:
    """Begin anew with these rows."""
    old = current_draft()
    st.session_state["_draft"] = Draft(old.serial + 1 if old else 1, parsed, bundled_id)


def draft_of(pairs: PairSet, *, bundled_id: str | None = None) -> None:
    """Begin anew with a whole set."""
    source = tuple(cells_of(pair) for pair in pairs)
    start_draft(ParsedPairs(pairs, (), tuple(range(len(pairs))), source), bundled_id=bundled_id)


def edit_table(draft: Draft) -> ParsedPairs:
    """Show the draft as a table, and read it back as it was edited."""
    columns = columns_of(draft.parsed.pairs)
    cells = [cells_of(pair) for pair in draft.parsed.pairs]
    table = pd.DataFrame([[row[column] for column in columns] for row in cells], columns=columns)
    table.insert(0, "row", [row + 1 for row in draft.parsed.rows])
    text = {
        column: st.column_config.TextColumn(column, width="large" if column in columns[:2] else "small")
        for column in columns
    }
    edited = st.data_editor(
        table,
        key=f"draft_{draft.serial}",
        num_rows="dynamic",
        hide_index=True,
        height=min(420, 38 * (len(table) + 2)),
        column_config={"row": st.column_config.NumberColumn("row", disabled=True, width=50), **text},
        alt="The pairs, one a row; cells can be edited and rows added.",
    )
    return _read_back(edited, draft.parsed)


def _read_back(table: pd.DataFrame, original: ParsedPairs) -> ParsedPairs:
    """Pairs of an edited table; added rows are numbered on from the last one."""
    rows = [*original.rows, *(problem.row for problem in original.problems if problem.row is not None)]
    fresh = 1 + max(rows, default=-1)
    numbers = []
    for shown in table["row"]:
        if pd.isna(shown):
            shown, fresh = fresh + 1, fresh + 1
        numbers.append(int(shown) - 1)
    columns = [column for column in table.columns if column != "row"]
    records = table[columns].to_dict("records")
    parsed = collect_pairs(records, name=original.pairs.name)
    by_row = dict(enumerate(original.source)) | dict(zip(numbers, records))
    source = tuple(by_row.get(row, {}) for row in range(max(by_row, default=-1) + 1))
    problems = tuple(replace(p, row=None if p.row is None else numbers[p.row]) for p in parsed.problems)
    return ParsedPairs(parsed.pairs, problems, tuple(numbers[row] for row in parsed.rows), source)
