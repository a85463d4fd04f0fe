"""Figures that a claim stands or falls with: ungrokking by set size, efficiency by set size, the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.figures.numbers import count, number
from core.labs.grokking.figures.curves import DECAYS, colour, dress

MARKS = ("circle", "diamond", "square", "triangle-up")
MEMORY, SOLUTION = "Memorising (random labels)", "Generalising (true labels)"
FAMILY = {"random": (MEMORY, "atp"), "true": (SOLUTION, "atp-qk")}


def final_by_size(
    ends: pd.DataFrame, *, title: str, chance: float, theme: style.Theme = "light", column: str = "test_acc"
) -> go.Figure:
    """Final accuracy on unseen pairs against the size of the training set, a line a weight decay, a mark a seed.

    Args:
        ends: the last row of each run: n_train, weight_decay, seed, and ``column``.
    """
    fig = style.base_figure(theme=theme, height=400)
    decays = sorted(ends["weight_decay"].unique())
    for i, decay in enumerate(decays):
        part = ends[ends["weight_decay"] == decay]
        ink, mean = colour(DECAYS[i % len(DECAYS)], theme), part.groupby("n_train")[column].mean()
        name = f"weight decay {decay:g}"
        fig.add_trace(_points(part["n_train"], part[column], part["seed"], name, ink, MARKS[i % len(MARKS)]))
        line = {"color": ink, "width": 2, "dash": ("solid", "dash", "dot", "dashdot")[i % 4]}
        fig.add_trace(go.Scatter(x=mean.index, y=mean, mode="lines", name=name, line=line, hoverinfo="skip"))
    fig.add_hline(y=chance, line={"color": style.MUTED[theme], "width": 1, "dash": "dot"})
    _log_sizes(fig, sorted(ends["n_train"].unique()), theme)
    fig.update_yaxes(style.value_axis("Final accuracy on unseen pairs", theme) | {"range": [-0.03, 1.03]})
    style.legend(fig)
    text = f"{title}. Marks: {ends['seed'].nunique()} seeds; lines: their means. Dotted: chance."
    return captions.set_caption(fig, text)


def norm_by_size(ends: pd.DataFrame, fits: list[dict[str, Any]], *, title: str, theme: style.Theme = "light") -> Any:
    """Final norm of all weights against the size of the training set, for memory and for the solution.

    Args:
        ends: the last row of each run that did what its family is for.
        fits: by weight decay, as ``core.labs.grokking.regimes.efficiency`` gives them.
    """
    fig = style.base_figure(theme=theme, height=420)
    decays = sorted(ends["weight_decay"].unique())
    for (labels, decay), part in ends.groupby(["labels", "weight_decay"]):
        name, tone = FAMILY[labels]
        mark = MARKS[decays.index(decay) % len(MARKS)]
        shown = f"{name}, weight decay {decay:g}"
        fig.add_trace(_points(part["n_train"], part["norm"], part["seed"], shown, colour(tone, theme), mark))
        fig.data[-1].showlegend = True
        mean = part.groupby("n_train")["norm"].mean()
        line = {"color": colour(tone, theme), "width": 1.5, "dash": "solid" if decay == decays[-1] else "dash"}
        fig.add_trace(go.Scatter(x=mean.index, y=mean, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    for fit in fits:
        crossing = fit["critical_size"]
        if crossing and np.isfinite(crossing["value"]) and crossing["high"] < 1e6:
            band = {"fillcolor": colour("exact", theme), "opacity": 0.07, "line_width": 0}
            fig.add_vrect(x0=crossing["low"], x1=crossing["high"], **band)
    _log_sizes(fig, sorted(ends["n_train"].unique()), theme)
    fig.update_yaxes(style.value_axis("Norm of all weights", theme) | {"type": "log", "dtick": "D1"})
    style.legend(fig)
    fig.update_layout(legend={"y": -0.2, "yref": "paper", "x": 0, "xanchor": "left"}, margin={"t": 20, "b": 110})
    text = f"{title}. Marks: runs; lines: means. Grey: 95 % bootstrap interval of the crossing, a band a weight decay."
    return captions.set_caption(fig, text)


def logit_by_norm(ends: pd.DataFrame, *, title: str, theme: style.Theme = "light") -> go.Figure:
    """Correct-class logit against norm: further up and left is more efficient."""
    fig = style.base_figure(theme=theme, height=420)
    for labels, part in ends.groupby("labels"):
        name, tone = FAMILY[labels]
        marker = {
            "size": 8,
            "color": np.log(part["n_train"]),
            "colorscale": style.scale_of(style.SEQUENTIAL[theme][2:]),
        }
        marker["line"] = {"width": 1.2, "color": colour(tone, theme)}
        fig.add_trace(
            go.Scatter(
                x=part["norm"],
                y=part["correct_logit"],
                mode="markers",
                name=name,
                marker={**marker, "symbol": "circle" if labels == "true" else "square"},
                text=[f"{count(int(d))} pairs, decay {w:g}" for d, w in zip(part["n_train"], part["weight_decay"])],
                hovertemplate=name + "<br>%{text}<br>norm %{x:.1f}, logit %{y:.1f}<extra></extra>",
            )
        )
    fig.update_xaxes(style.value_axis("Norm of all weights", theme))
    fig.update_yaxes(style.value_axis("Correct-class logit above the mean", theme))
    style.legend(fig)
    fig.update_layout(legend={"y": -0.2, "yref": "paper", "x": 0, "xanchor": "left"}, margin={"t": 20, "b": 110})
    text = f"{title}. One mark a run; darker: more training pairs. Up and to the left is more efficient."
    return captions.set_caption(fig, text)


def simulation_panels(course: pd.DataFrame, *, end_ratio: float, theme: style.Theme = "light") -> go.Figure:
    """Losses and strengths of the three-ingredient simulation over steps.

    Args:
        course: columns step, train_loss, test_loss, g, m.
        end_ratio: M / G in closed form.
    """
    fig = make_subplots(1, 2, horizontal_spacing=0.1, subplot_titles=["Loss (nats)", "Strength of a circuit"])
    dress(fig, theme, height=360)
    shown = course[course["step"] > 0]
    lines = (
        ("Training pairs", "train_loss", "atp", "dot", 1),
        ("Unseen pairs", "test_loss", "atp-qk", "solid", 1),
        ("G, generalising", "g", "atp-graddrop", "solid", 2),
        ("M, memorising", "m", "atp-star", "dash", 2),
    )
    for name, column, tone, dash, panel in lines:
        line = {"color": colour(tone, theme), "dash": dash, "width": 2}
        trace = go.Scatter(x=shown["step"], y=shown[column], mode="lines", name=name, line=line)
        fig.add_trace(trace, row=1, col=panel)
    for panel in (1, 2):
        axis = style.value_axis("Step", theme) | {"type": "log", "dtick": 1, "exponentformat": "power"}
        fig.update_xaxes(axis, row=1, col=panel)
        fig.update_yaxes(style.value_axis("", theme), row=1, col=panel)
    style.legend(fig)
    last = course.iloc[-1]
    ratio = last["m"] / last["g"] if last["g"] > 0 else float("inf")
    text = (
        f"Gradient descent on two scalars. At the end M / G = {ratio:.5f}; in closed form, at rest with both above 0: "
        f"{end_ratio:.5f}."
    )
    return captions.set_caption(fig, text)


def _points(x: pd.Series, y: pd.Series, seeds: pd.Series, name: str, ink: str, mark: str) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        name=name,
        showlegend=False,
        marker={"color": ink, "symbol": mark, "size": 7, "opacity": 0.7},
        text=[f"seed {seed}: {number(float(value))}" for seed, value in zip(seeds, y)],
        hovertemplate=name + "<br>%{x} pairs, %{text}<extra></extra>",
    )


def _log_sizes(fig: go.Figure, sizes: list[int], theme: style.Theme) -> None:
    ticks = {"tickvals": sizes, "ticktext": [count(int(size)) for size in sizes], "tickangle": -40}
    fig.update_xaxes(style.value_axis("Training pairs", theme) | {"type": "log"} | ticks)
    fig.update_layout(margin_b=70)
