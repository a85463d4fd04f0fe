"""Figures of readouts: parts of the logit difference by head and MLP, by token, and the logit lens."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.axes import Columns, number_columns, token_columns
from core.figures.numbers import number
from core.figures.tokens import escaped, label

ROW = 20  # CSS pixels


def direct_heads(
    heads: np.ndarray,
    mlps: np.ndarray,
    *,
    run: str,
    where: str,
    n_pairs: int,
    rest: dict[str, float],
    total: float,
    theme: style.Theme = "light",
    selected: tuple[int, int] | None = None,
) -> go.Figure:
    """Mean parts ``[layer, head]`` and ``[layer]`` of the logit difference, layers downwards, MLPs in their own column.

    ``customdata`` is ``[layer, head]``; head −1 is the MLP.

    Args:
        where: the position in words.
        rest: parts of the embedding and the biases, for the caption.
    """
    layers, n_heads = heads.shape
    grid = np.full((layers, n_heads + 2), np.nan)
    grid[:, :n_heads], grid[:, -1] = heads, mlps
    reach = float(np.nanmax(np.abs(grid))) or 1.0
    heat = _heat(grid, reach, "Part of the logit difference", theme)
    fig = style.base_figure(heat, theme=theme, height=ROW * layers + 130)
    cells = [(layer, place) for layer in range(layers) for place in (*range(n_heads), n_heads + 1)]
    units = [[layer, place if place < n_heads else -1] for layer, place in cells]
    names = [f"L{layer} MLP" if unit < 0 else f"L{layer} H{unit}" for layer, unit in units]
    words = [f"<b>{name}</b><br>{number(grid[cell], sign=True)} logits" for name, cell in zip(names, cells)]
    fig.add_trace(_targets([p for _, p in cells], [la for la, _ in cells], words, units, ROW - 4, style.CLICK_HINT))
    ticks, rows = number_columns(n_heads), number_columns(layers, most_ticks=16)
    fig.update_xaxes(tickvals=[*ticks.tickvals, n_heads + 1], ticktext=[*ticks.ticktext, "MLP"], title_text="Head")
    fig.update_yaxes(range=[layers - 0.5, -0.5], tickvals=rows.tickvals, ticktext=rows.ticktext, title_text="Layer")
    _outline(fig, selected, n_heads, theme)
    others = ", ".join(f"{name} {number(value, sign=True)}" for name, value in rest.items())
    text = f"Direct part of each head and MLP in the logit difference (answer minus distractor), {run} run, {where}, "
    text += f"final norm held fixed, mean over N = {n_pairs} {'pair' if n_pairs == 1 else 'pairs'}, "
    text += f"colours from {number(-reach)} to {number(reach)}. Not drawn: {others}. All parts sum to {number(total)}."
    return captions.set_caption(_still(fig), text)


def token_grid(
    grid: np.ndarray,
    tokens: tuple[str, ...],
    *,
    rows: tuple[str, ...],
    row_title: str,
    unit: str,
    caption: str,
    texts: np.ndarray | None = None,
    hovers: np.ndarray | None = None,
    differs: tuple[bool, ...] = (),
    upwards: bool = True,
    reach: float | None = None,
    theme: style.Theme = "light",
) -> go.Figure:
    """Signed numbers ``[row, position]`` over tokens, with words in the cells where there is room.

    Args:
        rows: names of the rows, the first at the bottom where they go ``upwards``.
        reach: largest magnitude that the colours tell apart; default: the largest there is.
        texts: what stands in the cells; hovers: lines that a hover adds.
    """
    columns = token_columns(tokens, differs, most=48)
    shown = np.full((len(grid), columns.width), np.nan)
    shown[:, columns.places] = grid[:, columns.shown]
    largest = float(np.nanmax(np.abs(shown)))
    reach = reach or largest or 1.0
    heat = _heat(shown, reach, unit, theme)
    if texts is not None:
        cells = np.full(shown.shape, "", dtype=object)
        cells[:, columns.places] = [[label(t, longest=9) for t in row] for row in texts[:, columns.shown]]
        heat.update(text=cells.tolist(), texttemplate="%{text}", textfont={"size": 9})
    fig = style.base_figure(heat, theme=theme, height=(ROW + 2) * len(grid) + 150)
    fig.add_trace(_grid_targets(grid, tokens, rows, columns, unit, hovers))
    ends = [-0.5, len(grid) - 0.5] if upwards else [len(grid) - 0.5, -0.5]
    step = max(1, -(-len(rows) // 20))
    ticks = list(range(0, len(rows), step))
    fig.update_yaxes(
        range=ends, tickvals=ticks, ticktext=[rows[i] for i in ticks], title_text=row_title, automargin=True
    )
    fig.update_xaxes(tickvals=columns.tickvals, ticktext=columns.ticktext, tickangle=-60, title_text="Token")
    fig.update_layout(margin_b=100)
    caption += f" Colours from {number(-reach)} to {number(reach)}" + (
        ", larger ones alike." if largest > reach else "."
    )
    caption += f" {columns.hidden} tokens in the middle are not shown." if columns.hidden else ""
    return captions.set_caption(_still(fig), caption)


def unit_bars(
    values: np.ndarray, names: list[str], *, unit: str, caption: str, theme: style.Theme = "light"
) -> go.Figure:
    """Largest parts as bars, strongest on top."""
    order = np.argsort(-np.abs(values), kind="stable")[:20][::-1]
    colours = [style.DIVERGING[theme][-2 if values[i] > 0 else 1] for i in order]
    bars = go.Bar(
        x=values[order],
        y=[names[i] for i in order],
        orientation="h",
        marker={"color": colours},
        hovertemplate="%{y}: %{x:.3g}<extra></extra>",
    )
    fig = style.base_figure(bars, theme=theme, height=ROW * len(order) + 90)
    fig.update_xaxes(**style.value_axis(unit, theme))
    fig.update_yaxes(automargin=True)
    return captions.set_caption(fig, caption)


def _heat(grid: np.ndarray, reach: float, unit: str, theme: style.Theme) -> go.Heatmap:
    return go.Heatmap(
        z=grid.tolist(),
        zmin=-reach,
        zmax=reach,
        colorscale=style.scale_of(style.DIVERGING[theme]),
        colorbar=style.colour_bar(unit, theme),
        xgap=1,
        ygap=1,
        hoverinfo="skip",
        hoverongaps=False,
    )


def _targets(x: list, y: list, words: list[str], data: list, size: int, hint: str = "") -> go.Scatter:
    clear = {"marker": {"color": "rgba(0,0,0,0)"}}
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        meta=style.CLICK_TARGETS,
        customdata=data,
        text=words,
        hovertemplate="%{text}" + hint + "<extra></extra>",
        marker={"symbol": "square", "size": size, "color": "rgba(0,0,0,0)", "line": {"width": 0}},
        selected=clear,
        unselected={"marker": {"opacity": 0}},
    )


def _grid_targets(
    grid: np.ndarray,
    tokens: tuple[str, ...],
    rows: tuple[str, ...],
    columns: Columns,
    unit: str,
    hovers: np.ndarray | None,
) -> go.Scatter:
    cells = [(row, i, place) for row in range(len(grid)) for i, place in zip(columns.shown, columns.places)]
    words = []
    for row, i, _ in cells:
        head = f"<b>{escaped(rows[row])}</b>, {escaped(repr(tokens[i]))} (position {i})"
        more = f"<br>{escaped(str(hovers[row, i]))}" if hovers is not None else ""
        words.append(f"{head}<br>{number(float(grid[row, i]))}, {unit.lower()}{more}")
    places = [place for *_, place in cells]
    return _targets(places, [row for row, *_ in cells], words, [[row, i] for row, i, _ in cells], ROW - 4)


def _outline(fig: go.Figure, selected: tuple[int, int] | None, n_heads: int, theme: style.Theme) -> None:
    if selected is None:
        return
    layer, unit = selected
    x = n_heads + 1 if unit < 0 else unit
    line = {"color": style.ACCENT[theme], "width": 2.5}
    fig.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=layer - 0.5, y1=layer + 0.5, line=line)


def _still(fig: go.Figure) -> go.Figure:
    fig.update_xaxes(fixedrange=True)
    fig.update_yaxes(fixedrange=True)
    return fig.update_layout(clickmode="event+select", dragmode=False, hovermode="closest", hoverdistance=-1)
