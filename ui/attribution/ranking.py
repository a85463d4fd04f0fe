"""The ranking table: the largest nodes in numbers; a selected row is the chosen node."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures.captions import KIND_WORDS, unit
from core.figures.effects.scatter import row_node
from core.figures.numbers import number
from core.figures.style import NAMES
from core.patching.place import short
from core.patching.results.result import AttributionResult
from core.patching.results.told import notes_of
from core.prompts.show import visible
from ui.attribution.inspector import ranked
from ui.parts.views import View
from ui.shell.messages import plain, show_error
from ui.shell.state import choose_node


def ranking_table(results: list[AttributionResult], view: View) -> None:
    """The largest nodes of one method, with the other methods' means beside them."""
    holding = {NAMES[r.spec.choice]: r for r in results if any(kind in r.effects for kind in view.kinds)}
    if not holding:
        return
    st.subheader("Ranking", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.selectbox("By", list(holding), key="rank_by", bind="query-params", width=220)
        top = st.select_slider("Rows", [10, 20, 50, 100], value=20, key="rank_top", bind="query-params", width=220)
    result = holding[method]
    try:
        table = ranked(result, view, top=top)
    except UserError as error:
        show_error(error)
        return
    shown = pd.DataFrame(
        {
            "node": [short(row_node(row)) for _, row in table.iterrows()],
            "kind": [KIND_WORDS[kind] for kind in table["node"]],
            "token": [f"{p}: {visible(t)}" if t else "" for p, t in zip(table["position"], table["token"])],
            "mean": table["mean"],
            "95 % from": table["low"],
            "to": table["high"],
            "mean magnitude": table["mean_abs"],
            "pairs": table["n_pairs"],
            **({"source": table["source"]} if "source" in table else {}),
        }
    )
    numbers = dict.fromkeys(["mean", "95 % from", "to", "mean magnitude"], number)
    key = f"rank_{result.spec.digest}"
    st.dataframe(
        shown.style.format(numbers),
        key=key,
        on_select=lambda: _pick(key, table),
        selection_mode="single-row",
        height=min(420, 36 * (len(shown) + 1) + 2),
        alt=f"The {len(shown)} largest nodes by {method}.",
    )
    st.caption(
        plain(
            f"{unit(result.spec, view.scale)}; intervals: 95 % bootstrap over pairs. A selected row is inspected above."
            + " ".join(("", *notes_of(result, view.average)))
        )
    )


def _pick(key: str, table: pd.DataFrame) -> None:
    rows = st.session_state[key].selection.rows
    if rows:
        choose_node(row_node(table.iloc[rows[0]]))
