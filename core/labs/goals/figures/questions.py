"""Helpers that ask: how often for what they know, and how often they are right, by the share of training that had no
unknowns."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.labs.goals.figures.looks import dress, ink
from core.terms import counted

PANELS = {"asks": "Asks for what is known", "right": "Gives the right answer"}
# A test of core.labs.goals.questions.study.SHIFTS -> its words, colour, dash and mark.
TESTS = {
    "training": ("two unknowns, as in training", "exact", "solid", "circle"),
    "one unknown": ("one unknown", "atp", "dash", "square"),
    "no unknown": ("no unknown", "atp-star", "dot", "diamond"),
}


def by_share(summary: dict[str, Any], *, theme: style.Theme = "light") -> go.Figure:
    """A panel a measure, a line a test, with 95 % intervals.

    Args:
        summary: of ``core.labs.goals.questions.study.run_questions``.
    """
    settings, means = summary["settings"], summary["means"]
    shares = [f"{100 * share:g} %" for share in settings["shares"]]
    fig = make_subplots(1, len(PANELS), horizontal_spacing=0.08, subplot_titles=list(PANELS.values()))
    for column, measure in enumerate(PANELS, 1):
        for shift, (words, series, dash, mark) in TESTS.items():
            values = [row[measure] for row in means if row["shift"] == shift]
            colour = ink(series, theme)
            fig.add_trace(
                go.Scatter(
                    x=shares, y=[value["mean"] for value in values], mode="lines+markers", name=words,
                    legendgroup=shift, showlegend=column == 1, line={"color": colour, "dash": dash, "width": 1.6},
                    marker={"symbol": mark, "size": 9, "color": colour},
                    error_y={
                        "array": [value["high"] - value["mean"] for value in values],
                        "arrayminus": [value["mean"] - value["low"] for value in values],
                        "color": colour, "thickness": 1.2,
                    },
                    hovertemplate=f"{words}, %{{x}}: %{{y:.2f}}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
    dress(fig, theme, height=420)
    fig.update_xaxes(title_text="Share of training dialogues without unknowns", type="category")
    fig.update_yaxes(style.value_axis("", theme), range=[-0.05, 1.05])
    fig.update_yaxes(title_text="Share of dialogues", row=1, col=1)
    seeds = counted(settings["seeds"], "seed")
    text = f"Linear expressions. N = {seeds} a training, {settings['dialogues']} dialogues each; bars: 95 % intervals."
    return captions.set_caption(fig, text)
