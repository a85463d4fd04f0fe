"""Attention drawn on the board that it reads."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.figures.captions import set_caption
from core.figures.numbers import number
from core.figures.style import Theme, base_figure, colour_bar, scale_of
from core.worlds.tasks.corner import Corner
from core.worlds.tasks.picture import TILE, picture

HEIGHT = 380
# The tiles are light in both themes, so the veil over them is the same violet in both.
VEIL = scale_of([f"rgba(72, 34, 125, {alpha})" for alpha in (0.0, 0.35, 0.55, 0.7)])


def board_attention(board: np.ndarray, weights: np.ndarray, *, layer: int, head: int, theme: Theme) -> go.Figure:
    """One head's attention from the last token, a violet veil over the cells that it looks at.

    Args:
        board: numbers of ``Corner.tiles`` [row, column].
        weights: of the last token on each of its prompt's tokens, [cells + 1]; the last is on itself.
    """
    cells = weights[:-1].reshape(board.shape)
    edge = 0.5 / TILE - 0.5  # the middle of the first pixel, in cells
    drawn = go.Image(z=picture(board, Corner.tiles), x0=edge, y0=edge, dx=1 / TILE, dy=1 / TILE)
    drawn.hoverinfo = "skip"
    veil = go.Heatmap(
        z=cells,
        zmin=0,
        zmax=max(float(cells.max()), 1e-6),
        colorscale=VEIL,
        colorbar=colour_bar("Attention of the last token", theme),
        customdata=np.array(Corner.tiles)[board],
        hovertemplate="row %{y}, column %{x}: %{customdata}<br>attention %{z:.3f}<extra></extra>",
    )
    fig = base_figure(drawn, veil, theme=theme, height=HEIGHT)
    for axis in (fig.layout.xaxis, fig.layout.yaxis):
        axis.update(showticklabels=False, constrain="domain")
    fig.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8}, yaxis={"scaleanchor": "x", "autorange": "reversed"})
    text = f"Attention of layer {layer}, head {head} from the last token to the cells of one board"
    return set_caption(fig, f"{text}; {number(float(weights[-1]))} of it stays on the last token itself.")
