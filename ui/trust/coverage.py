"""How often the bound holds: 200 seeded draws a case, against the exact truth."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.figures.numbers import count, number
from core.figures.style import Theme
from core.figures.trust.coverage import coverage_rates
from core.paths import ASSETS
from ui.parts.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row

KEPT = ASSETS / "study" / "coverage.csv"
CASES = {
    "additive": "Effects that add (synthetic)",
    "masked": "The largest acts only alone (synthetic)",
    "towers": "Built-in model, attention nodes, subject and verb",
    "ioi": "Built-in model, attention nodes, indirect object",
}


def coverage() -> None:
    """Nominal rate against actual, and in words where it fails and by how much."""
    if not KEPT.exists():
        return
    table = pd.read_csv(KEPT)
    st.subheader("How often the bound holds", anchor=False)
    st.markdown(
        "The bound takes the effect of a subset for the sum of its nodes' effects. Where that is so, it must hold at "
        "least as often as it says. A real model is not additive, so this was counted against the exact effects."
    )
    for case in table.case.unique():
        st.markdown(f"- **{CASES.get(case, case)}**: {_words(table[table.case == case])}")

    def rates(mode: Theme) -> object:
        return coverage_rates(table, names=CASES, theme=mode)

    draw(rates(theme()), key="coverage", alt="Share of bounds that hold, by case, confidence and verified nodes.")
    export_row(rates, [], lambda: table, key="coverage", name="coverage")
    about("coverage")


def _words(rows: pd.DataFrame) -> str:
    """Where a case fails, and by how much."""
    failing = rows[rows.held < rows.confidence * rows.draws]
    if failing.empty:
        return "the bound holds at least as often as it says, at every confidence and number of verified nodes."
    worst = failing.loc[(failing.confidence - failing.held / failing.draws).idxmax()]
    return (
        f"it fails in {len(failing)} of {len(rows)} places, worst with {count(int(worst.verified))} nodes verified: "
        f"the {100 * worst.confidence:g} % bound held in {int(worst.held)} of {int(worst.draws)} draws. The largest "
        f"effect is {number(worst.true_max)}, the median bound {number(worst.bound)}, the lowest "
        f"{number(worst.lowest)}, {1 - worst.lowest / worst.true_max:.1%} too low."
    )
