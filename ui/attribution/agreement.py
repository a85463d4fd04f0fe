"""How far to trust an estimate: each against the exact effects, and what it misses."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures.effects.scatter import effect_scatter, row_node
from core.figures.numbers import number
from core.figures.style import NAMES, Theme
from core.patching.place import Node, short
from core.patching.results.compare import Comparison
from core.patching.results.ranking import Positions
from core.patching.results.result import AttributionResult
from core.prompts.show import visible
from core.terms import NodeKind
from ui.parts.about import about
from ui.parts.charts import draw_clickable, theme
from ui.parts.export import export_row
from ui.parts.tables import comparison
from ui.parts.views import View
from ui.shell.messages import counted, plain, show_error

NAMED = 5


def trust(results: list[AttributionResult], view: View, *, selected: Node | None) -> None:
    """One scatter an estimate, and one table with a line each."""
    found = []
    # Of a screen, what it estimated before it verified anything: its exact values would agree with themselves.
    for estimate in {result.estimate.key: result.estimate for result in results}.values():
        exact, kinds = _partner(estimate, results, view)
        if estimate.spec.method == "exact" or exact is None:
            continue
        try:
            positions: Positions = "each" if view.n_tokens is not None else "strongest"
            compared = comparison(
                estimate,
                exact,
                kinds=kinds,
                scale=view.scale,
                positions=positions,
                n_tokens=view.n_tokens,
                average=view.average,
            )
            found.append((estimate, exact, compared))
        except UserError as error:
            show_error(error)
    if not found:
        st.info("No estimate shares these nodes with an exact result. Run both on the same nodes to compare them.")
        return
    _summary([c for _, _, c in found])
    with st.grid(min_column_width=380, gap="medium"):
        for estimate, exact, compared in found:
            with st.container():
                _scatter(estimate, exact, compared, selected)
    about("trust")


def _partner(
    estimate: AttributionResult, results: list[AttributionResult], view: View
) -> tuple[AttributionResult | None, tuple[NodeKind, ...]]:
    """The exact result that shares most of the chosen kinds with an estimate, and those kinds."""
    shared = [
        (r, tuple(k for k in view.kinds if k in r.effects and k in estimate.effects))
        for r in results
        if r.spec.method == "exact"
    ]
    best = max(shared, key=lambda entry: len(entry[1]), default=(None, ()))
    return best if best[1] else (None, ())


def _summary(compared: list[Comparison]) -> None:
    rows = []
    for c in compared:
        row = {"estimate": NAMES[c.estimate.method], "Spearman": number(c.spearman)}
        row |= {f"of the true top {k}": f"{share:.0%}" for k, share in c.overlap.items()}
        row |= {f"same sign, top {k}": f"{share:.0%}" for k, share in list(c.sign_agreement.items())[-1:]}
        rows.append(row | {"nodes": len(c.nodes), "pairs": c.n_pairs})
    st.dataframe(pd.DataFrame(rows).fillna("–"), hide_index=True, alt="Agreement of each estimate with exact patching.")


def _scatter(
    estimate: AttributionResult, exact: AttributionResult, compared: Comparison, selected: Node | None
) -> None:
    title = f"{NAMES[estimate.spec.method]} against exact"

    def figure(mode: Theme) -> Any:
        return effect_scatter(compared, theme=mode, selected=selected, title=title)

    key = f"scatter_{estimate.spec.digest}"
    draw_clickable(figure(theme()), key=key, alt=f"{title}: Spearman {number(compared.spearman)}.")
    st.markdown(_missed(compared))
    export_row(figure, [estimate, exact], lambda: compared.nodes, key=key, name=f"against-exact-{estimate.spec.digest}")


def _missed(compared: Comparison) -> str:
    """The false negatives by name."""
    k = max(compared.overlap, default=0)
    missed = compared.false_negatives
    if missed.empty:
        return f"Nothing of the true top {k} is missed." if k else "Too few nodes to compare their order."
    names = [
        plain(short(row_node(row)) + (f" at {visible(row['token'])}" if row["token"] else ""))
        + f" (ranked {row['estimate_rank']:.0f})"
        for _, row in missed.head(NAMED).iterrows()
    ]
    more = f" and {counted(len(missed) - NAMED, 'more')}" if len(missed) > NAMED else ""
    return f"Misses {len(missed)} of the true top {k}: " + ", ".join(names) + more.replace("mores", "more") + "."
