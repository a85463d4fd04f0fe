"""Inside one network: symbols on the circle of a frequency, neurons over the table, logits by frequency."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.figures.numbers import number
from core.labs.grokking.figures.curves import colour, dress

CYCLE = {  # runs round, so that neighbours on the circle look alike
    "light": ["#2166ac", "#7a5ea8", "#b8456f", "#c98a2b", "#4f9a6b", "#2166ac"],
    "dark": ["#62bbee", "#b79be8", "#f17fa5", "#f2c063", "#6fd09a", "#62bbee"],
}


def circles(
    planes: dict[int, np.ndarray], *, title: str, theme: style.Theme = "light", reach: float | None = None
) -> go.Figure:
    """Embeddings of all symbols in the plane of each frequency; a circle means the network uses that frequency.

    Args:
        planes: frequency -> coordinates [p, 2].
        reach: half the axes' length, so that checkpoints share one scale.
    """
    names = [f"frequency {k}" for k in planes]
    fig = make_subplots(1, len(planes), horizontal_spacing=0.04, subplot_titles=names)
    dress(fig, theme, height=300, top=40)
    reach = reach or 1.1 * max(float(np.abs(plane).max()) for plane in planes.values())
    for i, (k, plane) in enumerate(planes.items(), start=1):
        p = len(plane)
        turn = (np.arange(p) * k % p) / p  # where the symbol should stand on the circle
        marker = {"size": 7, "color": turn, "colorscale": style.scale_of(CYCLE[theme]), "cmin": 0, "cmax": 1}
        fig.add_trace(
            go.Scatter(
                x=plane[:, 0],
                y=plane[:, 1],
                mode="markers",
                marker=marker,
                text=[str(t) for t in range(p)],
                hovertemplate="symbol %{text}<extra></extra>",
                showlegend=False,
            ),
            row=1,
            col=i,
        )
        limits = {"range": [-reach, reach], "showgrid": False, "zeroline": True, "zerolinecolor": style.GRID[theme]}
        fig.update_xaxes({**limits, "title": {"text": "cos direction"}}, row=1, col=i)
        square = {"scaleanchor": "x" if i == 1 else f"x{i}", "title": {"text": "sin direction" if i == 1 else ""}}
        fig.update_yaxes({**limits, **square}, row=1, col=i)
    text = (
        f"{title}. Embeddings projected on the cos and sin directions that they have at a frequency. Colour: where a "
        "symbol belongs on the circle."
    )
    return captions.set_caption(fig, text)


def neuron_maps(maps: np.ndarray, labels: list[str], *, title: str, theme: style.Theme = "light") -> go.Figure:
    """Activations of some neurons over the whole table, one panel each, on one colour range from 0.

    Args:
        maps: [neuron, x, y].
        labels: of the panels.
    """
    fig = make_subplots(1, len(maps), horizontal_spacing=0.025, subplot_titles=labels, shared_yaxes=True)
    dress(fig, theme, height=290, top=40)
    top = float(maps.max()) or 1.0
    for i, plane in enumerate(maps, start=1):
        fig.add_trace(
            go.Heatmap(
                z=plane.T.astype(np.float32),
                zmin=0,
                zmax=top,
                colorscale=style.scale_of(style.SEQUENTIAL[theme]),
                showscale=i == len(maps),
                colorbar=style.colour_bar("Activation", theme),
                hovertemplate="x %{x}, y %{y}: %{z:.2f}<extra></extra>",
            ),
            row=1,
            col=i,
        )
        fig.update_xaxes({"title": {"text": "x"}, "constrain": "domain"}, row=1, col=i)
    fig.update_yaxes({"title": {"text": "y"}}, row=1, col=1)
    text = f"{title}. Activation after the ReLU at the equals sign, for every pair; N = {len(maps)} neurons."
    return captions.set_caption(fig, text)


def frequency_bars(
    coefficient: np.ndarray, keys: tuple[int, ...], fraction: float, *, title: str, theme: style.Theme = "light"
) -> go.Figure:
    """Squared cosine coefficients of the logits by frequency, as shares of the logits' squared length.

    Args:
        coefficient: [k], from frequency 1.
        keys: frequencies to mark.
        fraction: trig fraction, the sum of all bars.
    """
    fig = style.base_figure(theme=theme, height=260)
    power = coefficient**2
    share = power / power.sum() * fraction if power.sum() else power
    k = np.arange(1, len(share) + 1)
    inks = [colour("atp-qk" if i in keys else "random", theme) for i in k]
    fig.add_trace(
        go.Bar(
            x=k,
            y=share,
            marker={"color": inks},
            text=[number(float(s)) for s in share],
            textposition="none",
            hovertemplate="frequency %{x}: %{text}<extra></extra>",
        )
    )
    fig.update_xaxes(style.value_axis("Frequency k", theme) | {"showgrid": False, "dtick": max(1, len(k) // 13)})
    fig.update_yaxes(style.value_axis("Share of squared length", theme) | {"rangemode": "tozero"})
    text = (
        f"{title}. Shares of the logits' squared length along cos(2πk(x + y − c)/p); their sum, the trig fraction, is "
        f"{number(fraction)}. Blue: the run's key frequencies."
    )
    return captions.set_caption(fig, text)
