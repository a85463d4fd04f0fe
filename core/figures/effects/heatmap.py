"""Effects as a heatmap: layer by head (layer 0 at the top) or layer by token position (layer 0 at the bottom)."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.axes import Columns, number_columns, token_columns
from core.figures.numbers import number
from core.figures.style import reference_line
from core.figures.tokens import VARIES, escaped, visible
from core.patching.place import Node, words
from core.patching.results.summary import EffectTable
from core.terms import WHOLE_KINDS

ROW, HEAD_ROW = 15, 17  # CSS pixels a layer
MARK = "•"  # on a cell that was verified
HEAD_TITLES = {"k": "Key head", "v": "Value head", "q": "Query head", "neuron": "Neuron"}


def shared_range(*tables: EffectTable) -> float:
    """Half-width of the symmetric colour range that holds every table: for figures that are compared."""
    return max((table.largest for table in tables), default=0.0) or 1.0


def effect_heatmap(
    table: EffectTable,
    *,
    zmax: float | None = None,
    theme: style.Theme = "light",
    selected: Node | None = None,
    title: str = "",
    show_scale: bool = True,
    most_positions: int = 48,
) -> go.Figure:
    """One table as a heatmap whose cells can be clicked.

    Signed tables use the diverging scale over ``[-zmax, zmax]``; scores and magnitudes the sequential one over
    ``[0, zmax]``. Each cell carries an invisible marker (a plain heatmap yields no click) whose ``customdata`` is
    ``[kind, layer, unit, position]``, so that ``Node(*customdata)`` is the node clicked.

    Args:
        zmax: shared colour range; None takes this table's own.
        selected: the node outlined, where this table shows it.
        title: plain text; the method or node kind.
        show_scale: draw the colour bar (one is enough in a row of figures on one range).
        most_positions: longer prompts are shortened in the middle, and the caption says so.
    """
    reach = zmax or shared_range(table)
    by_head = table.columns == "head"
    n_layers, n_columns = table.mean.shape
    columns = number_columns(n_columns) if by_head else token_columns(table.tokens, table.varies, most=most_positions)
    grid = np.full((n_layers, columns.width), np.nan)  # an empty column stands for a hidden middle
    grid[:, columns.places] = table.mean[:, columns.shown]
    heat = go.Heatmap(
        z=grid.tolist(),
        zmin=-reach if table.signed else 0,
        zmax=reach,
        colorscale=style.scale_of((style.DIVERGING if table.signed else style.SEQUENTIAL)[theme]),
        showscale=show_scale,
        colorbar=style.colour_bar(captions.unit(table.spec, table.scale), theme),
        xgap=1,
        ygap=1,
        hoverinfo="skip",
        hoverongaps=False,
    )
    row = HEAD_ROW if by_head else ROW
    fig = style.base_figure(heat, theme=theme, height=row * n_layers + 120, title=escaped(title))
    if table.exact is not None:
        fig.add_trace(_exact_marks(table.exact, columns, theme))
    fig.add_trace(_click_targets(table, columns, row))
    _axes(fig, table, columns)
    fig.update_layout(plot_bgcolor=style.MISSING[theme] if np.isnan(table.mean).any() else "rgba(0,0,0,0)")
    if not by_head and table.first_difference and (place := columns.place(table.first_difference)):
        reference_line(fig, place - 0.5, "first differing token", theme)
    if selected is not None:
        _outline(fig, table, selected, columns, theme)
    return captions.set_caption(fig, _caption(table, reach, columns.hidden))


def _exact_marks(exact: np.ndarray, columns: Columns, theme: style.Theme) -> go.Scatter:
    """A dot on every cell that was verified: ink with a rim of paper, so that it reads on any colour and in grey."""
    layers, places = np.nonzero(exact[:, columns.shown])
    return go.Scatter(
        x=[columns.places[place] for place in places],
        y=layers.tolist(),
        mode="markers",
        hoverinfo="skip",
        marker={"size": 5, "color": style.INK[theme], "line": {"width": 1, "color": style.PAPER[theme]}},
    )


def _click_targets(table: EffectTable, columns: Columns, row: int) -> go.Scatter:
    steps = list(zip(columns.shown, columns.places))
    cells = [(layer, column, place) for layer in range(len(table.mean)) for column, place in steps]
    nodes = [table.node(layer, column) for layer, column, _ in cells]
    clear = {"marker": {"color": "rgba(0,0,0,0)"}}
    return go.Scatter(
        x=[place for _, _, place in cells],
        y=[layer for layer, _, _ in cells],
        mode="markers",
        meta=style.CLICK_TARGETS,
        customdata=[[n.kind, n.layer, n.unit, n.position] for n in nodes],
        text=[_hover(table, node, layer, column) for node, (layer, column, _) in zip(nodes, cells)],
        hovertemplate="%{text}" + style.CLICK_HINT + "<extra></extra>",
        # No wider than a row is high: overlapping markers would make the nearest one ambiguous.
        marker={"symbol": "square", "size": row - 5, "color": "rgba(0,0,0,0)", "line": {"width": 0}},
        selected=clear,
        unselected={"marker": {"opacity": 0}},
    )


def _hover(table: EffectTable, node: Node, layer: int, column: int) -> str:
    value, se = table.mean[layer, column], table.se[layer, column]
    token = table.tokens[node.position] if table.tokens and node.position is not None else None
    lines = [f"<b>{escaped(words(node, token))}</b>"]
    if token is not None and node.position is not None:
        lines[0] += VARIES * table.varies[node.position] + f" (position {node.position})"
    if np.isnan(value):
        return "<br>".join([*lines, "not computed"])
    spread = f" ± {number(se)} (standard error)" if np.isfinite(se) else ""
    lines.append(f"{number(value)}{spread}, {captions.unit(table.spec, table.scale, capital=False)}")
    if table.exact is not None:
        lines.append("exact" if table.exact[layer, column] else f"estimated by {style.NAMES[table.spec.method]}")
    if table.collapse == "sum":
        lines.append(f"summed over {'positions' if table.columns == 'head' else 'heads'}")
    elif table.chosen is not None:
        lines.append(_chosen_words(table, int(table.chosen[layer, column])))
    return "<br>".join(lines)


def _chosen_words(table: EffectTable, index: int) -> str:
    if table.columns == "position":
        return f"strongest unit: {index}"
    return f"strongest position: {index}, {escaped(visible(table.tokens[index]))}" + VARIES * table.varies[index]


def _axes(fig: go.Figure, table: EffectTable, columns: Columns) -> None:
    by_head, n_layers = table.columns == "head", len(table.mean)
    ticks = number_columns(n_layers, most_ticks=16)
    ends = [n_layers - 0.5, -0.5] if by_head else [-0.5, n_layers - 0.5]
    fig.update_yaxes(title_text="Layer", range=ends, tickvals=ticks.tickvals, ticktext=ticks.ticktext, fixedrange=True)
    fig.update_xaxes(tickvals=columns.tickvals, ticktext=columns.ticktext)
    fig.update_xaxes(range=[-0.5, columns.width - 0.5], fixedrange=True)
    if not by_head:
        fig.update_xaxes(title_text="Token", tickangle=-60)
        fig.update_layout(margin_b=96)
    elif table.kind in WHOLE_KINDS:
        fig.update_xaxes(title_text=captions.KIND_WORDS[table.kind], tickvals=[])
    else:
        fig.update_xaxes(title_text=HEAD_TITLES.get(table.kind, "Head"))
    fig.update_layout(clickmode="event+select", dragmode=False, hovermode="closest", hoverdistance=-1)


def _outline(fig: go.Figure, table: EffectTable, node: Node, columns: Columns, theme: style.Theme) -> None:
    by_head = table.columns == "head"
    x = columns.place((node.unit or 0) if by_head else node.position)
    same_unit = by_head or table.unit is None or table.unit == node.unit
    if node.kind != table.kind or x is None or not same_unit or not 0 <= node.layer < len(table.mean):
        return
    line = {"color": style.ACCENT[theme], "width": 2.5}
    box = {"x0": x - 0.5, "x1": x + 0.5, "y0": node.layer - 0.5, "y1": node.layer + 0.5}
    fig.add_shape(type="rect", **box, line=line, fillcolor="rgba(0,0,0,0)")


def _caption(table: EffectTable, reach: float, hidden: int) -> str:
    notes = screen_notes(table)
    other = "position" if table.columns == "head" else "neuron" if table.kind == "neuron" else "head"
    if table.collapse == "sum":
        notes.append(f"Each cell sums over {other}s within a pair.")
    elif table.collapse == "strongest":
        notes.append(f"Each cell shows its strongest {other}.")
    if table.columns == "head" and table.position is not None:
        notes.append(f"Token position {table.position} only.")
    if hidden:
        notes.append(f"{hidden} tokens in the middle are not shown.")
    if table.columns == "position" and any(table.varies):
        notes.append(f"{VARIES} The token differs between pairs; the first pair's is shown.")
    return captions.caption(
        table.spec,
        n_pairs=len(table.pairs),
        scale=table.scale,
        left_out=len(table.left_out),
        colour_range=(-reach if table.signed else 0.0, reach),
        answers=table.answers,
        method=style.NAMES["screen"] if table.exact is not None else None,
        notes=tuple(notes),
    )


def screen_notes(table: EffectTable) -> list[str]:
    """What a caption adds for an unfinished run, and for a screen."""
    notes = [f"Not finished: {table.partial}."] if table.partial else []
    if table.exact is not None:
        every = "" if len(table.pairs) == 1 else " in every pair"
        notes.append(
            f"{MARK} Patched exactly{every}, each node at one token position; the others are "
            f"{style.NAMES[table.spec.method]} estimates."
        )
    return notes
