"""One head's attention as a large heatmap: query tokens down, key tokens across."""

from __future__ import annotations

from typing import Literal

import numpy as np
import plotly.graph_objects as go

from core.errors import SpecError
from core.figures import captions, style
from core.figures.axes import Columns, token_columns
from core.figures.numbers import number
from core.figures.tokens import escaped

Shown = Literal["clean", "corrupt", "difference"]
TALLEST = 640  # CSS pixels; cells are square, so what is taller than its column is wide is left empty
SHOWN_WORDS: dict[Shown, str] = {
    "clean": "clean run",
    "corrupt": "corrupt run",
    "difference": "clean minus corrupt run",
}


def head_attention(
    pattern: np.ndarray,
    tokens: tuple[str, ...],
    *,
    layer: int,
    head: int,
    shown: Shown = "clean",
    value_weighted: bool = False,
    differs: tuple[bool, ...] = (),
    zmax: float | None = None,
    theme: style.Theme = "light",
    title: str = "",
    most_positions: int = 48,
) -> go.Figure:
    """A pattern ``[query, key]``; keys after the query do not exist and stay empty.

    Weights run from 0 to 1 on the sequential scale, value-weighted ones (weight times the norm of the value) from 0
    to their largest; a difference uses the diverging scale, red where the clean run attends more. ``customdata`` is
    ``[query, key]``.

    Args:
        tokens: one a position, of the run shown.
        differs: marks the positions at which the two prompts differ.
        zmax: shared colour range.

    Raises:
        SpecError: the pattern is not square in the tokens.
    """
    n = len(tokens)
    if pattern.shape != (n, n):
        raise SpecError(f"A pattern of shape {pattern.shape} does not go with {n} tokens.")
    columns = token_columns(tokens, differs, most=most_positions)
    difference = shown == "difference"
    visible = np.where(np.tril(np.ones((n, n), bool)), pattern, np.nan)
    own = float(np.nanmax(np.abs(visible))) or 1.0
    reach = zmax or (own if difference or value_weighted else 1.0)
    grid = np.full((columns.width, columns.width), np.nan)
    grid[np.ix_(columns.places, columns.places)] = visible[np.ix_(columns.shown, columns.shown)]
    unit = "Attention × value norm" if value_weighted else "Attention weight"
    heat = go.Heatmap(
        z=grid.tolist(),
        zmin=-reach if difference else 0,
        zmax=reach,
        colorscale=style.scale_of((style.DIVERGING if difference else style.SEQUENTIAL)[theme]),
        colorbar=style.colour_bar(unit + (", clean − corrupt" if difference else ""), theme),
        xgap=1,
        ygap=1,
        hoverinfo="skip",
        hoverongaps=False,
    )
    fig = style.base_figure(heat, theme=theme, height=min(TALLEST, 200 + 20 * columns.width), title=escaped(title))
    fig.add_trace(_targets(visible, tokens, columns, unit))
    _axes(fig, columns)
    low, high = (number(x) for x in (-reach if difference else 0.0, reach))
    text = f"{unit} of layer {layer}, head {head}, {SHOWN_WORDS[shown]}, colours from {low} to {high}. "
    text += "Rows are queries, columns the keys they attend to."
    text += f" {columns.hidden} tokens in the middle are not shown." if columns.hidden else ""
    text += " † The prompts differ at this token." if any(differs) else ""
    return captions.set_caption(fig, text)


def _targets(visible: np.ndarray, tokens: tuple[str, ...], columns: Columns, unit: str) -> go.Scatter:
    steps = list(zip(columns.shown, columns.places))
    cells = [(q, y, k, x) for q, y in steps for k, x in steps if k <= q]
    return go.Scatter(
        x=[x for *_, x in cells],
        y=[y for _, y, *_ in cells],
        mode="markers",
        meta=style.CLICK_TARGETS,
        customdata=[[q, k] for q, _, k, _ in cells],
        text=[_hover(tokens, q, k, float(visible[q, k]), unit) for q, _, k, _ in cells],
        hovertemplate="%{text}<extra></extra>",
        marker={"symbol": "square", "size": 12, "color": "rgba(0,0,0,0)", "line": {"width": 0}},
        selected={"marker": {"color": "rgba(0,0,0,0)"}},
        unselected={"marker": {"opacity": 0}},
    )


def _hover(tokens: tuple[str, ...], query: int, key: int, value: float, unit: str) -> str:
    start = f"<b>{escaped(repr(tokens[query]))}</b> (position {query}) attends to"
    return f"{start}<br><b>{escaped(repr(tokens[key]))}</b> (position {key})<br>{unit} {number(value)}"


def _axes(fig: go.Figure, columns: Columns) -> None:
    ticks = {"tickvals": columns.tickvals, "ticktext": columns.ticktext, "fixedrange": True}
    ends = [-0.5, columns.width - 0.5]
    fig.update_xaxes(title_text="Key token", range=ends, tickangle=-60, constrain="domain", **ticks)
    fig.update_yaxes(title_text="Query token", range=ends[::-1], automargin=True, scaleanchor="x", **ticks)
    fig.update_yaxes(constrain="domain")
    fig.update_layout(margin_b=110, clickmode="event+select", dragmode=False, hovermode="closest", hoverdistance=-1)
