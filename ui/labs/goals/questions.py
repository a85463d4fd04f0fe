"""The helpers that ask: an analogue of the paper's example with a large language model."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.goals.record import SUMMARY
from core.paths import ASSETS
from ui.parts.charts import draw, theme
from ui.parts.export import export_row

KEPT = ASSETS / "labs" / "goals" / "questions"
ABOUT = (
    "A tiny transformer, trained here from nothing, evaluates expressions such as *x + 3 − y* in dialogues: it asks "
    "for what it does not know, then says the value. In training nearly every expression has two unknowns. Does it "
    "ask for what it needs, or always ask? An analogue of the paper's example, which prompts a model of 280 billion "
    "parameters."
)


def questions() -> None:
    """The kept study: its finding in a sentence, its figure, its numbers."""
    st.subheader("Questions that nobody needs", anchor=False)
    st.markdown(ABOUT)
    summary = json.loads((KEPT / SUMMARY).read_text(encoding="utf-8"))
    st.markdown(_finding(summary))

    def figure(mode: Theme) -> Any:
        from core.labs.goals.figures.questions import by_share

        return by_share(summary, theme=mode)

    draw(figure(theme()), key="g_questions", alt="Needless questions and right answers by share of training.")
    export_row(figure, [], lambda: _table(summary), key="g_questions", name="goals-questions")


def _finding(summary: dict[str, Any]) -> str:
    """What helpers do where there is nothing to ask, for the first and the last training."""
    rows = [row for row in summary["means"] if row["shift"] == "no unknown"]
    said = []
    for share, row in ((summary["settings"]["shares"][i], rows[i]) for i in (0, -1)):
        asks, right = (f"{100 * row[name]['mean']:.0f} %" for name in ("asks", "right"))
        said.append(f"with {100 * share:g} % of its training without unknowns, it still asks in **{asks}** of "
                    f"such dialogues and is right in {right}")  # fmt: skip
    able = f"{100 * rows[0]['able']['mean']:.0f} %"
    one = [row["asks"]["mean"] for row in summary["means"] if row["shift"] == "one unknown"]
    return (
        f"Where nothing is unknown: {'; '.join(said)}. Told to answer at once, the first would be right in {able}: "
        "where that is near chance, it has not learned to answer without asking, and the skill itself is missing. "
        f"With one unknown, which no training shows, they ask for more than that in {100 * min(one):.0f} to "
        f"{100 * max(one):.0f} % of dialogues, whatever their share."
    )


def _table(summary: dict[str, Any]) -> pd.DataFrame:
    """A row a training and test: the mean of every measure and its interval."""
    measures = ("asks", "redundant", "right", "able")
    return pd.DataFrame(
        {"setting": row["setting"], "test": row["shift"], "seeds": row["seeds"]}
        | {f"{name}_{end}": row[name][end] for name in measures for end in ("mean", "low", "high")}
        for row in summary["means"]
    )
