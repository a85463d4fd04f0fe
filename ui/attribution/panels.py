"""The main figures: methods side by side on one colour range."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import UserError
from core.figures.effects.heatmap import effect_heatmap, shared_range
from core.figures.effects.panels import method_panels
from core.figures.effects.scatter import row_node
from core.figures.numbers import number
from core.figures.style import NAMES, Theme
from core.patching.place import Node, words
from core.patching.results.ranking import Positions
from core.patching.results.result import AttributionResult
from core.patching.results.summary import EffectTable
from core.terms import Choice
from ui.parts.about import about
from ui.parts.charts import draw_clickable, theme
from ui.parts.export import export_row
from ui.parts.tables import head_table, position_table, stacked, top_nodes
from ui.parts.views import HEADS, View
from ui.shell.messages import show_error

MOST_IN_ONE = 64  # columns that panels of one figure may have together, to stay readable
POSITION_WIDTH = 460  # narrowest that a figure with token positions may get, in CSS pixels

Results = dict[Choice, AttributionResult]
Tables = dict[Choice, EffectTable]


def heatmaps(results: list[AttributionResult], view: View, *, selected: Node | None) -> None:
    """A heatmap a method, all on one colour range; a cell clicked is the chosen node."""
    holding = {result.spec.choice: result for result in results if view.kinds[0] in result.effects}
    try:
        tables = {method: _table(result, view) for method, result in holding.items()}
        cells = sum(table.mean.shape[1] for table in tables.values())
        if len(tables) > 1 and cells <= MOST_IN_ONE:
            _in_one(holding, tables, view, selected)
        else:
            _one_each(holding, tables, view, selected)
    except UserError as error:
        show_error(error)


def _in_one(holding: Results, tables: Tables, view: View, selected: Node | None) -> None:
    """Panels of one figure."""

    def figure(mode: Theme) -> Any:
        return method_panels(tables, theme=mode, selected=selected)

    alt = " ".join(_alt(result, view) for result in holding.values())
    draw_clickable(figure(theme()), key="panels", alt=alt)
    runs = list(holding.values())
    with st.container(horizontal=True):
        about("heatmap")
        export_row(
            figure,
            runs,
            lambda: stacked({m: t.to_frame() for m, t in tables.items()}),
            key="panels",
            name=f"methods-{view.kinds[0]}",
        )


def _one_each(holding: Results, tables: Tables, view: View, selected: Node | None) -> None:
    """Many columns need the width: a figure each."""
    reach = shared_range(*tables.values())
    with st.grid(min_column_width=POSITION_WIDTH, gap="medium"):
        for method, table in tables.items():
            with st.container():
                _heatmap(holding[method], table, view, reach, selected)


def _heatmap(result: AttributionResult, table: EffectTable, view: View, reach: float, selected: Node | None) -> None:
    method = result.spec.choice

    def figure(mode: Theme) -> Any:
        return effect_heatmap(table, zmax=reach, theme=mode, selected=selected, title=NAMES[method])

    key = f"heat_{result.spec.digest}"
    draw_clickable(figure(theme()), key=key, alt=_alt(result, view))
    name = f"{view.kinds[0]}-{method}-{result.spec.digest}"
    with st.container(horizontal=True):
        about("heatmap", key=key)
        export_row(figure, [result], lambda: stacked({method: table.to_frame()}), key=key, name=name)


def _table(result: AttributionResult, view: View) -> EffectTable:
    kind = view.kinds[0]
    if view.what == HEADS:
        return head_table(
            result, kind, position=view.position, n_tokens=view.n_tokens, scale=view.scale, collapse=view.collapse
        )
    return position_table(result, kind, n_tokens=view.n_tokens, scale=view.scale)


def _alt(result: AttributionResult, view: View) -> str:
    """The figure's point in a sentence: where the largest effect is."""
    title = NAMES[result.spec.choice]
    positions: Positions = view.collapse if view.what == HEADS else "each"
    top = top_nodes(
        result,
        view.kinds,
        top=1,
        scale=view.scale,
        positions=positions,
        n_tokens=view.n_tokens,
        average=view.average,
    )
    if top.empty:
        return f"{title}: no effects."
    row = top.iloc[0]
    return f"{title}: the largest effect is {number(row['mean'])}, at {words(row_node(row))}."
