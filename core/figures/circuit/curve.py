"""How much circuits explain over their size, by method."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from core.circuits.settings import METHOD_NAMES, SPAN_NAMES, Span
from core.figures import captions, style
from core.figures.numbers import count, number
from core.terms import MetricName

What = Literal["faithfulness", "completeness"]
WHAT_WORDS: dict[What, str] = {
    "faithfulness": "share of the gap that the circuit alone makes",
    "completeness": "share of the gap that is lost when the circuit alone is corrupted",
}
# EAP and its QK fix have the colours of AtP and its QK fix.
COLOURS = {
    "light": {"eap": "#d98200", "eap-ig": "#7a5195", "eap-qk": "#2b95cf", "eap-ig-qk": "#5c7a1f", "random": "#8a93a3"},
    "dark": {"eap": "#f2a93b", "eap-ig": "#c3a1e0", "eap-qk": "#62bbee", "eap-ig-qk": "#b5cf6b", "random": "#8a93a3"},
}
DASHES = {"eap": "dash", "eap-ig": "solid", "eap-qk": "dot", "eap-ig-qk": "longdash", "random": "longdashdot"}
MARKERS = {"eap": "square", "eap-ig": "circle", "eap-qk": "diamond", "eap-ig-qk": "star", "random": "x"}


def curve_figure(
    curve: pd.DataFrame,
    span: Span,
    what: What = "faithfulness",
    *,
    n_all: int,
    n_pairs: int,
    gap: float,
    metric: MetricName,
    here: tuple[int, float] | None = None,
    theme: style.Theme = "light",
) -> go.Figure:
    """Lines over the number of edges; thin ones bound 95 % of bootstrap draws over pairs, random its seeds.

    Args:
        curve: rows of a run (``core.circuits.curve``).
        here: the circuit on screen: its number of edges and its value.
    """
    fig = style.base_figure(theme=theme, height=400)
    rows = curve[curve.span == span]
    for method in (name for name in METHOD_NAMES if name in set(rows.method)):
        _lines(fig, rows[rows.method == method], method, what, theme)
    for level in (0, 1):
        fig.add_hline(y=level, line={"color": style.MUTED[theme], "width": 1, "dash": "dot"})
    if here is not None:
        _here(fig, here, theme)
    values = rows[what]
    low, high = min(-0.1, float(values.min()) - 0.05), max(1.1, float(values.max()) + 0.05)
    title = what.capitalize()
    fig.update_yaxes(**style.value_axis(title, theme), range=[max(-1.5, low), min(2.5, high)])
    shares = sorted(rows.share.unique())
    fig.update_xaxes(
        type="log",
        title_text=f"Edges in the circuit, of {count(n_all)} (logarithmic)",
        tickvals=[max(1, round(share * n_all)) for share in shares],
        ticktext=[f"{100 * share:g} %" for share in shares],
    )
    style.legend(fig)
    seeds = rows[rows.method == "random"].seed.nunique()
    text = f"{title}: {WHAT_WORDS[what]} ({captions.METRIC_WORDS[metric]}, gap {number(gap)}), everything outside "
    text += f"patched exactly with the corrupt run's, {SPAN_NAMES[span]}, N = {n_pairs} "
    text += f"{'pair' if n_pairs == 1 else 'pairs'}, {count(n_all)} edges in all."
    if n_pairs > 1:
        text += " Thin lines: 95 % bootstrap interval over pairs."
    if seeds:
        text += f" Random: mean of {seeds} {'order' if seeds == 1 else 'orders'}."
    return captions.set_caption(fig, text)


def _lines(fig: go.Figure, rows: pd.DataFrame, method: str, what: What, theme: style.Theme) -> None:
    mean = rows.groupby("edges")[[what, "low", "high"]].mean().reset_index()
    colour = COLOURS[theme][method]
    if what == "faithfulness":
        for bound in ("low", "high"):
            line = {"color": colour, "width": 0.8, "dash": DASHES[method]}
            fig.add_trace(
                go.Scatter(
                    x=mean.edges,
                    y=mean[bound],
                    mode="lines",
                    line=line,
                    opacity=0.55,
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
    fig.add_trace(
        go.Scatter(
            x=mean.edges,
            y=mean[what],
            name=METHOD_NAMES[method],
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": DASHES[method]},
            marker={"symbol": MARKERS[method], "size": 7, "color": colour},
            text=[
                f"{METHOD_NAMES[method]}<br>{count(int(n))} edges: {number(y)}" for n, y in zip(mean.edges, mean[what])
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )


def _here(fig: go.Figure, here: tuple[int, float], theme: style.Theme) -> None:
    marker = {"symbol": "circle-open", "size": 14, "color": style.ACCENT[theme], "line": {"width": 2.5}}
    text = f"the circuit above: {count(here[0])} edges, {number(here[1])}"
    fig.add_trace(
        go.Scatter(
            x=[max(1, here[0])], y=[here[1]], name="on screen", mode="markers", marker=marker, text=[text],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip
