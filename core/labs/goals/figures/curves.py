"""What agents earn while they learn, and how readily they fell trees by how many stand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.labs.goals.figures.looks import dress, of_settings
from core.terms import counted

PANELS = (("intended", "What the intended goal pays, a step"), ("proxy", "What the proxy pays, a step"))


def learning_curves(curves: pd.DataFrame, *, title: str, theme: style.Theme = "light") -> go.Figure:
    """Pay a step under either goal over the steps of training, a line an agent.

    Args:
        curves: see ``core.labs.goals.record``.
        title: the world, for the caption.
    """
    fig = make_subplots(1, len(PANELS), horizontal_spacing=0.1, subplot_titles=[words for _, words in PANELS])
    looks = of_settings(curves["setting"], theme)
    for column, (measure, _) in enumerate(PANELS, 1):
        shown: set[str] = set()
        for (_, setting, seed), part in curves.groupby(["run", "setting", "seed"], sort=False):
            colour, dash, _ = looks[setting]
            fig.add_trace(
                go.Scatter(
                    x=part["step"], y=part[measure], mode="lines", name=setting, legendgroup=setting,
                    showlegend=column == 1 and setting not in shown, line={"color": colour, "dash": dash, "width": 1.6},
                    hovertemplate=f"{setting}, seed {seed}, step %{{x}}: %{{y:.3f}}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
            shown.add(setting)
    dress(fig, theme, height=400)
    fig.update_xaxes(style.value_axis("Steps of the world in training", theme))
    fig.update_yaxes(style.value_axis("", theme))
    agents = counted(curves["run"].nunique(), "agent")
    text = f"{title}. Mean pay a step since the point before, exploring actions included; N = {agents}, a line each."
    return captions.set_caption(fig, text)


def affinity_curves(curves: pd.DataFrame, *, title: str, theme: style.Theme = "light") -> go.Figure:
    """The orchard: affinity for felling with 1, 3, 5, 7 and 10 trees over training, a panel a training, a line a seed.

    Args:
        curves: with the orchard's columns, see ``core.labs.goals.record``.
    """
    settings = list(dict.fromkeys(curves["setting"]))
    fig = make_subplots(2, len(settings), horizontal_spacing=0.1, vertical_spacing=0.16, shared_xaxes=True,
                        row_heights=[0.62, 0.38], subplot_titles=settings)  # fmt: skip
    looks = of_settings([str(count) for count in (1, 3, 5, 7, 10)], theme)
    for column, setting in enumerate(settings, 1):
        own = curves[curves["setting"] == setting]
        for i, (seed, part) in enumerate(own.groupby("seed")):
            for count, (colour, dash, _) in looks.items():
                words = f"{count} {'tree' if count == '1' else 'trees'}"
                _line(fig, part["step"], part[f"affinity_{count}"], words, colour, dash, seed, 1, column, named=i == 0)
            _line(fig, part["step"], part["trees"], "standing", looks["1"][0], "solid", seed, 2, column, named=False)
    dress(fig, theme, height=520)
    fig.update_xaxes(style.value_axis("", theme))
    fig.update_xaxes(title_text="Steps of the world in training", row=2)
    fig.update_yaxes(style.value_axis("", theme))
    fig.update_yaxes(title_text="Affinity for felling", row=1, col=1)
    fig.update_yaxes(title_text="Trees standing", row=2, col=1)
    fig.add_hline(y=1, row=1, line={"dash": "dot", "width": 1, "color": style.MUTED[theme]})  # type: ignore[arg-type]
    text = (
        f"{title}. Affinity (Shah et al. 2022): 1 fells as the greedy script does, 0 as random actions do; below, mean "
        f"trees in the training worlds. N = {counted(curves['seed'].nunique(), 'seed')}, a line each."
    )
    return captions.set_caption(fig, text)


def _line(
    fig: go.Figure, x: pd.Series, y: pd.Series, name: str, colour: str, dash: str, seed: object, row: int, column: int,
    *, named: bool,
) -> None:  # fmt: skip
    fig.add_trace(
        go.Scatter(
            x=x, y=y.to_numpy(np.float64), mode="lines", name=name, legendgroup=name,
            showlegend=named and column == 1, line={"color": colour, "dash": dash, "width": 1.6},
            hovertemplate=f"{name}, seed {seed}, step %{{x}}: %{{y:.2f}}<extra></extra>",
        ),
        row=row, col=column,
    )  # fmt: skip
