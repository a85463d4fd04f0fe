"""Two stored runs side by side: both on one colour range, their difference, and the rank correlation."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import UserError
from core.figures.captions import KIND_WORDS
from core.figures.effects.difference import compared_heatmaps, difference_heatmap
from core.figures.numbers import count, number
from core.figures.printing import for_reading
from core.figures.style import Theme
from core.patching.results.difference import Difference, difference
from core.patching.results.result import AttributionResult
from core.runs.entry import Entry
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.parts.tables import head_table
from ui.parts.views import COLLAPSES
from ui.runs.table import title_of
from ui.shell.messages import show_error
from ui.shell.store import load_result


def compare(first: Entry, second: Entry) -> None:
    """Draw the comparison of two finished runs."""
    st.subheader("Compared", anchor=False)
    try:
        results = [load_result(entry.digest) for entry in (first, second)]
        found = [result for result in results if result is not None]
        if len(found) == 2:
            _draw(found, (title_of(first), title_of(second)))
    except UserError as error:
        show_error(error)


def _draw(results: list[AttributionResult], names: tuple[str, str]) -> None:
    shared = [kind for kind in results[0].effects if kind in results[1].effects]
    if not shared:
        st.info("The two runs patched different kinds of nodes.")
        return
    with st.container(horizontal=True):
        first = shared.index("z") if "z" in shared else 0
        kind = st.selectbox("Nodes", shared, first, format_func=KIND_WORDS.__getitem__, key="compare_kind", width=220)
        how = st.segmented_control("Positions", list(COLLAPSES), default="Sum over positions", key="compare_how")
    collapse = COLLAPSES[how or "Sum over positions"]
    compared = difference(*(head_table(result, kind, collapse=collapse) for result in results))

    def figure(mode: Theme) -> Any:
        return difference_heatmap(compared, names=names, theme=mode)

    left, right, third = st.columns(3, gap="medium")
    for column, fig, name in zip((left, right), compared_heatmaps(compared, names=names, theme=theme()), names):
        with column:
            draw(for_reading(fig), key=f"compared_{name}_{column is left}", alt=f"Effects of {name}.")
    with third:
        draw(
            for_reading(figure(theme())),
            key="compared_difference",
            alt=f"Effects of {names[1]} minus those of {names[0]}.",
        )
        st.metric("Spearman", number(compared.spearman), help=f"Rank correlation over {count(compared.cells)} nodes.")
        export_row(figure, results, lambda: _frame(compared), key="compared", name="difference")


def _frame(compared: Difference) -> Any:
    table = compared.table.to_frame()[["node", "layer", "head"]]
    first, second = compared.first.mean.ravel(), compared.second.mean.ravel()
    return table.assign(first=first, second=second, difference=compared.values.ravel())
