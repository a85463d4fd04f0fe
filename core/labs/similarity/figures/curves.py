"""Preference accuracy and feature error by number of answers: a line a representation, every seed a mark."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.labs.similarity.figures.style import COLOURS, DASHES, MARKS
from core.labs.similarity.settings import ASKED, NAMES, REPRESENTATIONS
from core.terms import counted

PANELS = (
    ("tpa", "Test preference accuracy"),
    ("fpe", "Feature prediction error"),
    ("violated", "Violated triplets (share)"),
)
SPREAD = 0.012  # marks of one number of answers stand beside each other, on the logarithmic axis


def by_answers(
    table: pd.DataFrame, means: list[dict[str, Any]], *, noise: float, title: str, theme: style.Theme = "light"
) -> go.Figure:
    """Three panels over the number of answers.

    Args:
        table: rows of the study.
        means: rows of its summary, with intervals.
        noise: of the answers that are drawn.
    """
    fig = make_subplots(1, len(PANELS), horizontal_spacing=0.09)
    counts = sorted({row["answers"] for row in means if row["answers"]})
    for name in (name for name in REPRESENTATIONS if name in set(table["representation"])):
        own = [r for r in means if r["representation"] == name and (r["noise"] == noise or name not in ASKED)]
        rows = table[(table["representation"] == name) & table["noise"].isin([r["noise"] for r in own])]
        for column, (measure, _) in enumerate(PANELS, 1):
            if name in ASKED:
                _line(fig, name, own, rows, measure, theme, column)
            elif own and counts:
                _level(fig, name, own[0][measure], measure, (counts[0], counts[-1]), theme, column)
    _dress(fig, counts, theme)
    seeds = table["seed"].nunique()
    marks = f"Marks: {counted(seeds, 'seed')}; lines: means; bars: 95 % intervals of a mean."
    levels = " Level lines ask nobody." if counts else ""
    noisy = f" {100 * noise:.0f} % of the answers are random." if noise else ""
    return captions.set_caption(fig, f"{title}. {marks}{levels}{noisy} Chance: accuracy 0.5, error 1, violated 0.667.")


def _line(
    fig: go.Figure, name: Any, own: list[dict], rows: pd.DataFrame, measure: str, theme: style.Theme, column: int
) -> None:
    ink, own = COLOURS[theme][name], sorted(own, key=lambda row: row["answers"])
    x = [row["answers"] for row in own]
    low, mean, high = ([row[measure][end] for row in own] for end in ("low", "mean", "high"))
    bars = {"color": ink, "thickness": 1.2, "width": 4, "visible": None not in low}
    if bars["visible"]:
        bars |= {"array": np.subtract(high, mean), "arrayminus": np.subtract(mean, low)}
    line = {"color": ink, "width": 2, "dash": DASHES[name]}
    words = NAMES[name]
    fig.add_trace(
        go.Scatter(
            x=x, y=mean, mode="lines+markers", name=words, legendgroup=name, line=line, showlegend=column == 1,
            marker={"size": 8, "symbol": MARKS[name], "color": ink},
            error_y=bars,
            hovertemplate=f"{words}, %{{x}} answers: mean %{{y:.3f}}<extra></extra>",
        ),
        row=1, col=column,
    )  # fmt: skip
    place = list(MARKS).index(name) - 1
    fig.add_trace(
        go.Scatter(
            x=rows["answers"] * (1 + SPREAD * 3 * place), y=rows[measure], mode="markers", legendgroup=name,
            showlegend=False, text=rows["seed"], opacity=0.55,
            marker={"size": 5, "symbol": f"{MARKS[name]}-open", "color": ink},
            hovertemplate=f"{words}, seed %{{text}}: %{{y:.3f}}<extra></extra>",
        ),
        row=1, col=column,
    )  # fmt: skip


def _level(
    fig: go.Figure, name: Any, value: dict, measure: str, ends: tuple[int, int], theme: style.Theme, column: int
) -> None:
    """What asks nobody, as a level line from the fewest to the most answers."""
    ink, x = COLOURS[theme][name], _widened(ends)
    ends_of = "" if value["low"] is None else f" [{value['low']:.3f}, {value['high']:.3f}]"
    fig.add_trace(
        go.Scatter(
            x=x, y=[value["mean"]] * 2, mode="lines", name=NAMES[name], legendgroup=name, showlegend=column == 1,
            line={"color": ink, "width": 1.6, "dash": DASHES[name]},
            hovertemplate=f"{NAMES[name]}: mean %{{y:.3f}}{ends_of}<extra></extra>",
        ),
        row=1, col=column,
    )  # fmt: skip


def _widened(ends: tuple[int, int]) -> list[float]:
    return [ends[0] * 0.85, ends[1] * 1.18]


def _dress(fig: go.Figure, counts: list[int], theme: style.Theme) -> None:
    base = style.base_figure(theme=theme, height=430).layout
    fig.update_layout(base)
    looks = ("showgrid", "zeroline", "showline", "ticks", "color", "tickfont", "title")
    same = {name: base.xaxis.to_plotly_json()[name] for name in looks}
    fig.update_xaxes(same)
    fig.update_yaxes(same)
    for column, (_, words) in enumerate(PANELS, 1):
        axis = style.value_axis(words, theme) | {"dtick": 0.1, "tickformat": ".1f"}
        fig.update_yaxes(axis, row=1, col=column)
    ticks = {"type": "log", "tickvals": counts, "ticktext": [str(n) for n in counts], "title": {"text": "Answers"}}
    fig.update_xaxes({**ticks, "showgrid": False})
    style.legend(fig)
    fig.update_layout(legend={"y": -0.2, "yref": "paper", "yanchor": "top", "x": 0, "xanchor": "left"})
    fig.update_layout(margin={"t": 20, "b": 110})
