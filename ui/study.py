"""The kept study: what each method spends until the true top K are verified, and how the bound did."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import streamlit as st

from core.figures.numbers import number
from core.figures.recall import NAMES, bound_curves, cost_curves
from core.figures.style import Theme
from ui.about import about
from ui.charts import draw, theme
from ui.export import export_row

KEPT = Path(__file__).parents[1] / "assets" / "study" / "ioi"
FAMILY = "attention"


def study() -> None:
    """Curves, the table of relative costs, and the bounds of the kept run."""
    recall, bound = pd.read_csv(KEPT / "recall.csv"), pd.read_csv(KEPT / "bound.csv")
    summary = json.loads((KEPT / "summary.json").read_text(encoding="utf-8"))
    st.subheader("What finding the true top nodes costs", anchor=False)
    st.markdown(
        "A study kept with the app: attention nodes of SmolLM2-135M on one pair, *When Mary and John went to the "
        "store, John gave a drink to*, against the exact effects of all of them. Here the QK fix halves what AtP "
        "costs; GradDrop finds too little to pay for its backward passes, so AtP\\* comes second; patching without an "
        "estimate costs several times more. One pair does not show that this holds elsewhere."
    )
    left, right = st.columns([5, 3], gap="large")
    with left:

        def curves(mode: Theme) -> object:
            return cost_curves(recall, n_pairs=summary["n_pairs"], theme=mode)

        draw(curves(theme()), key="study_curves", alt="Cost of verified recall against K, one line a method.")
        export_row(curves, [], lambda: recall, key="study_curves", name="verified-recall-ioi")
    with right:
        st.dataframe(_table(summary), hide_index=True, alt="Relative cost of each method.")
        st.caption(
            "Relative cost: how many times the oracle's forward passes, a geometric mean that weighs every decade of K "
            "the same. Prices: a patch 1, a backward pass 2, AtP 4, QK fix 2 more, GradDrop (L + 1)/2 backward passes "
            "instead of one. Rivals run at their best setting."
        )
    about("study")

    def bounds(mode: Theme) -> object:
        return bound_curves(bound, unit="logits", theme=mode)

    st.subheader("How large an effect the bound allows", anchor=False)
    draw(bounds(theme()), key="study_bounds", alt="Bound on the largest effect not verified, and the true one.")
    export_row(bounds, [], lambda: bound, key="study_bounds", name="bound-ioi")


def _table(summary: dict) -> pd.DataFrame:
    costs = summary["relative_cost"][FAMILY]
    settings = summary["settings"][FAMILY]
    rows = [
        {"method": NAMES[m], "relative cost": number(cost), "setting": settings.get(m, "")}
        for m, cost in sorted(costs.items(), key=lambda item: item[1])
    ]
    return pd.DataFrame(rows)
