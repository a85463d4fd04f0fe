"""What an agent would do, and how well it thinks of it, from every place of a board."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.figures import captions, style

ARROWS = {"up": "↑", "right": "→", "down": "↓", "left": "←", "stay": "•"}


def place_map(
    q: np.ndarray,
    actions: tuple[str, ...],
    *,
    title: str,
    marks: dict[tuple[int, int], str] | None = None,
    span: tuple[float, float] | None = None,
    theme: style.Theme = "light",
) -> go.Figure:
    """A cell a place, row 0 at the top: colour is the best action's Q, the arrow that action.

    Args:
        q: [row, column, action]; NaN in all actions where nobody can stand.
        marks: words for some cells, such as where the cheese lies, drawn in place of the arrow.
        span: the ends of the colours, for maps that are compared; by default those of this one.
        title: of what board and agent, for the caption.
    """
    open_cells = ~np.isnan(q).any(2)
    value = np.where(open_cells, np.where(open_cells[..., None], q, 0).max(2), np.nan)
    best = np.where(open_cells[..., None], q, 0).argmax(2)
    words = np.where(open_cells, np.array(actions)[best], "")
    low, high = span or (None, None)
    signs = np.where(open_cells, np.array([ARROWS.get(name, name) for name in actions])[best], "")
    for place, mark in (marks or {}).items():
        signs = signs.astype(object)
        signs[place] = mark
    cells = go.Heatmap(
        z=value, zmin=low, zmax=high, text=signs, texttemplate="%{text}", customdata=words,
        textfont={"size": max(10, min(18, 230 // len(q)))},
        colorscale=style.scale_of(style.SEQUENTIAL[theme][:5]), xgap=2, ygap=2,
        colorbar=style.colour_bar("Q of the best action", theme), hoverongaps=False,
        hovertemplate="row %{y}, column %{x}: %{customdata}, Q %{z:.3f}<extra></extra>",
    )  # fmt: skip
    fig = style.base_figure(cells, theme=theme, height=420)
    fig.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain", dtick=1, title_text="Row")
    fig.update_xaxes(constrain="domain", constraintoward="right", dtick=1, title_text="Column")
    n = int(open_cells.sum())
    text = (
        f"{title}. Arrow: the action with the highest Q from that place; colour: that Q. N = {n} places, one network."
    )
    return captions.set_caption(fig, text)
