"""One colour, dash and mark a policy and a training, on every figure of the laboratory."""

from __future__ import annotations

from collections.abc import Iterable

import plotly.graph_objects as go

from core.figures import style

POLICIES = {"agent": "Agent", "intended": "Intended script", "proxy": "Proxy script", "random": "Random actions"}
SCRIPT_INKS = {"intended": "atp-graddrop", "proxy": "atp-star", "random": "random"}
SCRIPT_DASHES = {"intended": "solid", "proxy": "dash", "random": "dot"}
INKS = ("exact", "atp-qk", "atp", "screen", "atp-star", "atp-graddrop", "random")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "10px,3px,2px,3px")
MARKS = ("circle", "square", "diamond", "triangle-up", "star", "x", "hexagon")


def ink(name: str, theme: style.Theme) -> str:
    """A colour of the product's palette."""
    return style.PALETTE[theme][name]  # type: ignore[index]


def of_settings(settings: Iterable[str], theme: style.Theme) -> dict[str, tuple[str, str, str]]:
    """Colour, dash and mark of every training, in their order."""
    names = list(dict.fromkeys(settings))
    return {
        name: (ink(INKS[i % len(INKS)], theme), DASHES[i % len(DASHES)], MARKS[i % len(MARKS)])
        for i, name in enumerate(names)
    }


def dress(fig: go.Figure, theme: style.Theme, *, height: int) -> None:
    """Our style on every panel of a figure that was just made, its legend below."""
    base = style.base_figure(theme=theme, height=height).layout
    fig.update_layout(base)
    looks = ("showgrid", "zeroline", "showline", "ticks", "color", "tickfont", "title")
    axis = base.xaxis.to_plotly_json()
    same = {name: axis[name] for name in looks}
    fig.update_xaxes(same)
    fig.update_yaxes(same)
    fig.update_annotations(font={"size": 12, "color": style.INK[theme]})
    style.legend(fig)
    below = {"y": -0.24, "yref": "paper", "yanchor": "top", "x": 0, "xanchor": "left"}
    fig.update_layout(legend=below, margin={"t": 36, "b": 120, "l": 60})
