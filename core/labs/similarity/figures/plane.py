"""The map of behaviours: a representation's two principal components, coloured by a feature or a learned reward."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.figures import captions, style


def behaviour_map(
    plane: np.ndarray, values: np.ndarray, name: str, *, answers: int, theme: style.Theme = "light"
) -> go.Figure:
    """One point a behaviour.

    Args:
        plane: [behaviour, 2].
        values: what gives the colour [behaviour]; ``name`` says what it is.
        answers: how many the representation was trained on.
    """
    marker = {
        "size": 7,
        "color": values,
        "colorscale": style.scale_of(style.SEQUENTIAL[theme][1:]),
        "colorbar": style.colour_bar(name.capitalize(), theme),
        "line": {"width": 0.5, "color": style.ZERO[theme]},
    }
    points = go.Scatter(
        x=plane[:, 0],
        y=plane[:, 1],
        mode="markers",
        marker=marker,
        text=[f"behaviour {i}" for i in range(len(plane))],
        hovertemplate="%{text}: %{marker.color:.2f}<extra></extra>",
    )
    fig = style.base_figure(points, theme=theme, height=400)
    fig.update_xaxes(style.value_axis("First component", theme))
    fig.update_yaxes(style.value_axis("Second component", theme))
    text = f"All {len(plane)} behaviours, by a network trained on {answers} answers. Close together: alike, as learned."
    return captions.set_caption(fig, f"{text} Colour: {name}.")
