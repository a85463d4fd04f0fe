"""Returns under every shift, agents beside scripts; and the intended against the proxy return, a dot a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.labs.goals.figures.looks import POLICIES, SCRIPT_DASHES, SCRIPT_INKS, dress, ink, of_settings
from core.labs.goals.record import AGENT
from core.terms import counted

GOAL_WORDS = {"intended": "Intended return an episode", "proxy": "Proxy return an episode"}


def by_shift(
    episodes: pd.DataFrame, means: list[dict[str, Any]], *, goal: str = "intended", title: str,
    theme: style.Theme = "light",
) -> go.Figure:  # fmt: skip
    """A panel a shift: the return of every training with its interval and a mark a seed, scripts as level lines.

    Args:
        episodes, means: of a study, see ``core.labs.goals.record`` and ``core.labs.goals.verdict.summarise``.
        goal: whose return.
    """
    measure, shifts = f"return_{goal}", list(dict.fromkeys(episodes["shift"]))
    settings = list(dict.fromkeys(episodes["setting"]))
    fig = make_subplots(1, len(shifts), shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=shifts)
    for column, shift in enumerate(shifts, 1):
        rows = {(row["setting"], row["policy"]): row[measure] for row in means if row["shift"] == shift}
        for policy in SCRIPT_INKS:
            _level(fig, settings, [rows[s, policy]["mean"] for s in settings], policy, theme, column)
        _agents(fig, settings, [rows[s, AGENT] for s in settings], theme, column)
        own = episodes[(episodes["shift"] == shift) & (episodes["policy"] == AGENT)]
        seeds = own.groupby(["setting", "seed"], sort=False)[measure].mean().reset_index()
        fig.add_trace(
            go.Scatter(
                x=seeds["setting"], y=seeds[measure], mode="markers", name="Agent, one seed", showlegend=column == 1,
                marker={"symbol": "circle-open", "size": 9, "color": ink("atp-qk", theme)}, text=seeds["seed"],
                hovertemplate="%{x}, seed %{text}: %{y:.2f}<extra></extra>",
            ),
            row=1, col=column,
        )  # fmt: skip
    dress(fig, theme, height=460)
    fig.update_yaxes(style.value_axis("", theme))
    fig.update_yaxes(title_text=GOAL_WORDS[goal], row=1, col=1)
    fig.update_xaxes(tickangle=-35, categoryorder="array", categoryarray=settings)
    fig.update_layout(margin_b=190, legend_y=-0.62)
    return captions.set_caption(fig, f"{title}. {GOAL_WORDS[goal]} by shift. {_counted(episodes)}")


def intended_against_proxy(episodes: pd.DataFrame, *, title: str, theme: style.Theme = "light") -> go.Figure:
    """A panel a shift, a dot an agent; scripts as crosses.

    Args:
        episodes: of a study.
    """
    shifts = list(dict.fromkeys(episodes["shift"]))
    fig = make_subplots(1, len(shifts), horizontal_spacing=0.08, subplot_titles=shifts)
    looks = of_settings(episodes["setting"], theme)
    columns = ["return_proxy", "return_intended"]
    for column, shift in enumerate(shifts, 1):
        own = episodes[episodes["shift"] == shift]
        agents = own[own["policy"] == AGENT].groupby(["setting", "seed"], sort=False)[columns].mean().reset_index()
        for setting, part in agents.groupby("setting", sort=False):
            colour, _, mark = looks[setting]
            marker = {"symbol": mark, "size": 9, "color": colour, "opacity": 0.85}
            words = [f"{setting}, seed {seed}" for seed in part["seed"]]
            _dots(fig, part, setting, words, marker, column)
        scripts = own[own["policy"] != AGENT].groupby("policy", sort=False)[columns].mean().reset_index()
        for policy, part in scripts.groupby("policy", sort=False):
            marker = {
                "symbol": "cross-thin",
                "size": 12,
                "line": {"width": 2.5, "color": ink(SCRIPT_INKS[policy], theme)},
            }
            _dots(fig, part, POLICIES[policy], [POLICIES[policy]], marker, column)
    dress(fig, theme, height=440)
    fig.update_xaxes(style.value_axis(GOAL_WORDS["proxy"], theme))
    fig.update_yaxes(style.value_axis("", theme))
    fig.update_yaxes(title_text=GOAL_WORDS["intended"], row=1, col=1)
    text = f"{title}. Mean returns, a dot an agent; crosses: scripts, means over trainings. {_counted(episodes)}"
    return captions.set_caption(fig, text)


def _level(fig: go.Figure, x: list[str], y: list[float], policy: str, theme: style.Theme, column: int) -> None:
    words = POLICIES[policy]
    fig.add_trace(
        go.Scatter(
            x=x, y=y, mode="lines+markers", name=words, legendgroup=policy, showlegend=column == 1,
            line={"color": ink(SCRIPT_INKS[policy], theme), "dash": SCRIPT_DASHES[policy], "width": 1.4},
            marker={"symbol": "line-ew", "size": 12, "line": {"width": 2, "color": ink(SCRIPT_INKS[policy], theme)}},
            hovertemplate=f"{words}, %{{x}}: %{{y:.2f}}<extra></extra>",
        ),
        row=1, col=column,
    )  # fmt: skip


def _agents(fig: go.Figure, x: list[str], values: list[dict], theme: style.Theme, column: int) -> None:
    low, mean, high = (np.array([value[end] for value in values], float) for end in ("low", "mean", "high"))
    fig.add_trace(
        go.Scatter(
            x=x, y=mean, mode="markers", name="Agent, mean", legendgroup=AGENT, showlegend=column == 1,
            marker={"size": 10, "color": ink("exact", theme)},
            error_y={"array": high - mean, "arrayminus": mean - low, "color": ink("exact", theme), "thickness": 1.4},
            customdata=np.stack([low, high], axis=1),
            hovertemplate="%{x}: %{y:.2f} [%{customdata[0]:.2f}, %{customdata[1]:.2f}]<extra></extra>",
        ),
        row=1, col=column,
    )  # fmt: skip


def _dots(fig: go.Figure, part: pd.DataFrame, name: str, words: list[str], marker: dict, column: int) -> None:
    fig.add_trace(
        go.Scatter(
            x=part["return_proxy"], y=part["return_intended"], mode="markers", name=name, legendgroup=name,
            showlegend=column == 1, marker=marker, text=words,
            hovertemplate="%{text}: proxy %{x:.2f}, intended %{y:.2f}<extra></extra>",
        ),
        row=1, col=column,
    )  # fmt: skip


def _counted(episodes: pd.DataFrame) -> str:
    own = episodes[episodes["policy"] == AGENT]
    each = own.groupby(["run", "shift"]).size().max()
    seeds = counted(own["seed"].nunique(), "seed")
    return f"N = {seeds} a training, {each} episodes each; intervals 95 %, by bootstrap over seeds and episodes."
