"""Behaviours of GridRobot as people see them: the path, the objects, and the hand's angle as an arrow."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.labs.similarity.figures.style import COLOURS
from core.worlds.listed.behaviours import Behaviours
from core.worlds.listed.gridrobot import LAPTOP, OBSTACLES, SIZE, cells_of, degrees_of

REACH = 0.95  # of the arrow, in cells


def grids(behaviours: Behaviours, chosen: tuple[int, ...], *, names: tuple[str, ...], theme: style.Theme) -> go.Figure:
    """Behaviours beside each other."""
    angles = [f"hand at {degrees_of(behaviours.raw[i])}°".replace("-", "−") for i in chosen]
    titles = [f"{name}: {angle}" for name, angle in zip(names, angles)]
    fig = make_subplots(1, len(chosen), horizontal_spacing=0.04, subplot_titles=titles)
    for column, number in enumerate(chosen, 1):
        _draw(fig, behaviours.raw[number], column, theme)
    base = style.base_figure(theme=theme, height=330).layout
    fig.update_layout(base)
    ticks = {"range": [-0.8, SIZE - 0.2], "tickvals": [], "showgrid": False, "zeroline": False, "constrain": "domain"}
    fig.update_xaxes(ticks)
    fig.update_yaxes(ticks)
    for column in range(1, len(chosen) + 1):
        fig.update_yaxes(scaleanchor=f"x{column}" if column > 1 else "x", row=1, col=column)
    fig.update_annotations(font={"size": 14, "color": style.INK[theme]}, selector={"showarrow": False})
    fig.update_layout(margin={"t": 34, "b": 8, "l": 8, "r": 8})
    text = "From the lower left to the upper right. ✕: obstacles; ■: laptop; arrow: the hand's angle, 0° is upwards."
    return captions.set_caption(fig, text)


def _draw(fig: go.Figure, raw: np.ndarray, column: int, theme: style.Theme) -> None:
    cells, ink, turned = cells_of(raw), COLOURS[theme], np.deg2rad(degrees_of(raw))
    grid = [(x, y) for x in range(SIZE) for y in range(SIZE)]
    dots = {"size": 5, "color": style.ZERO[theme]}
    place = {"row": 1, "col": column}
    fig.add_trace(
        go.Scatter(x=[x for x, _ in grid], y=[y for _, y in grid], mode="markers", marker=dots, hoverinfo="skip"),
        **place,
    )
    for where, symbol, words, colour in (
        (OBSTACLES, "x", "obstacle", ink["single"]),
        ((LAPTOP,), "square", "laptop", ink["multi"]),
    ):
        marker = {"size": 18, "symbol": symbol, "color": colour}
        fig.add_trace(
            go.Scatter(
                x=[x for x, _ in where],
                y=[y for _, y in where],
                mode="markers",
                marker=marker,
                hovertemplate=f"{words}<extra></extra>",
            ),
            **place,
        )
    line = {"width": 4, "color": ink["sirl"]}
    fig.add_trace(go.Scatter(x=cells[:, 0], y=cells[:, 1], mode="lines", line=line, hoverinfo="skip"), **place)
    x, y = cells[len(cells) // 2]
    head = {"x": x + REACH * np.sin(turned), "y": y + REACH * np.cos(turned), "ax": x, "ay": y}
    fig.add_annotation(
        **head, xref=f"x{column}", yref=f"y{column}", axref=f"x{column}", ayref=f"y{column}", text="", showarrow=True,
        arrowhead=2, arrowsize=1.2, arrowwidth=2.5, arrowcolor=style.INK[theme],
    )  # fmt: skip
