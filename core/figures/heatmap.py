"""Effects as a heatmap: layer by head (layer 0 at the top) or layer by token position (layer 0 at the bottom)."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.figures import style
from core.figures.numbers import number
from core.figures.tokens import VARIES, escaped, label, shown_positions, visible
from core.patching.place import WHOLE_KINDS, Node, words
from core.patching.summary import EffectTable

ROW, HEAD_ROW = 15, 17  # CSS pixels a layer


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
    columns, hidden = (list(range(n_columns)), 0) if by_head else shown_positions(n_columns, most=most_positions)
    places = _places(columns)
    grid = np.full((n_layers, places[-1] + 1), np.nan)  # one empty column stands for the hidden middle
    grid[:, places] = table.mean[:, columns]
    heat = go.Heatmap(
        z=grid.tolist(),
        zmin=-reach if table.signed else 0,
        zmax=reach,
        colorscale=style.scale_of((style.DIVERGING if table.signed else style.SEQUENTIAL)[theme]),
        showscale=show_scale,
        colorbar=style.colour_bar(_bar_title(table), theme),
        xgap=1,
        ygap=1,
        hoverinfo="skip",
        hoverongaps=False,
    )
    row = HEAD_ROW if by_head else ROW
    fig = style.base_figure(heat, theme=theme, height=row * n_layers + 120, title=escaped(title))
    fig.add_trace(_click_targets(table, columns, places, row, theme))
    _axes(fig, table, columns, places, hidden)
    fig.update_layout(plot_bgcolor=style.MISSING[theme] if np.isnan(table.mean).any() else "rgba(0,0,0,0)")
    if not by_head and table.first_difference in columns and table.first_difference:
        _first_difference(fig, places[columns.index(table.first_difference)], theme)
    if selected is not None:
        _outline(fig, table, selected, columns, places, theme)
    return style.set_caption(fig, _caption(table, reach, hidden))


def _places(columns: list[int]) -> list[int]:
    """Where each column stands on the axis: one step is left empty where columns are skipped."""
    return [i + (column != i) for i, column in enumerate(columns)]


def _click_targets(
    table: EffectTable, columns: list[int], places: list[int], row: int, theme: style.Theme
) -> go.Scatter:
    cells = [(layer, column, place) for layer in range(len(table.mean)) for column, place in zip(columns, places)]
    nodes = [cell_node(table, layer, column) for layer, column, _ in cells]
    clear = {"marker": {"color": "rgba(0,0,0,0)"}}
    return go.Scatter(
        x=[place for _, _, place in cells],
        y=[layer for layer, _, _ in cells],
        mode="markers",
        customdata=[[n.kind, n.layer, n.unit, n.position] for n in nodes],
        text=[_hover(table, node, layer, column) for node, (layer, column, _) in zip(nodes, cells)],
        hovertemplate="%{text}<extra></extra>",
        # No wider than a row is high: overlapping markers would make the nearest one ambiguous.
        marker={"symbol": "square", "size": row - 5, "color": "rgba(0,0,0,0)", "line": {"width": 0}},
        selected=clear,
        unselected={"marker": {"opacity": 0}},
    )


def cell_node(table: EffectTable, layer: int, column: int) -> Node:
    """The node that a cell stands for; a collapsed position or unit is None."""
    if table.columns == "position":
        return Node(table.kind, layer, table.unit, column)
    return Node(table.kind, layer, None if table.kind in WHOLE_KINDS else column, table.position)


def _hover(table: EffectTable, node: Node, layer: int, column: int) -> str:
    value, se = table.mean[layer, column], table.se[layer, column]
    token = visible(table.tokens[node.position]) if table.tokens and node.position is not None else None
    lines = [f"<b>{escaped(words(node, token))}</b>"]
    if token is not None:
        lines[0] += f" (position {node.position})"
    if np.isnan(value):
        return "<br>".join([*lines, "not computed"])
    spread = f" ± {number(se)} (standard error)" if np.isfinite(se) else ""
    lines.append(
        f"{number(value)}{spread}, {style.scale_words(table.spec.metric, table.scale, signed=table.spec.signed)}"
    )
    if table.collapse == "sum":
        lines.append(f"summed over {'positions' if table.columns == 'head' else 'heads'}")
    elif table.chosen is not None:
        lines.append(_chosen_words(table, int(table.chosen[layer, column])))
    lines.append("click to inspect this node")
    return "<br>".join(lines)


def _chosen_words(table: EffectTable, index: int) -> str:
    if table.columns == "position":
        return f"strongest unit: {index}"
    return f"strongest position: {index}, {escaped(visible(table.tokens[index]))}" + VARIES * table.varies[index]


def _bar_title(table: EffectTable) -> str:
    text = style.scale_words(table.spec.metric, table.scale, signed=table.spec.signed)
    return text[0].upper() + text[1:]


def _axes(fig: go.Figure, table: EffectTable, columns: list[int], places: list[int], hidden: int) -> None:
    n_layers = len(table.mean)
    step = max(1, -(-n_layers // 16))
    ends = [n_layers - 0.5, -0.5] if table.columns == "head" else [-0.5, n_layers - 0.5]
    fig.update_yaxes(title_text="Layer", range=ends, tickvals=list(range(0, n_layers, step)), fixedrange=True)
    fig.update_xaxes(range=[-0.5, places[-1] + 0.5], fixedrange=True)
    if table.columns == "head":
        step = max(1, -(-len(columns) // 32))
        title = {"k": "Key head", "v": "Value head", "neuron": "Neuron"}.get(table.kind, "Head")
        if table.kind in WHOLE_KINDS:
            fig.update_xaxes(title_text=style.KIND_WORDS[table.kind], tickvals=[])
        else:
            fig.update_xaxes(title_text=title, tickvals=places[::step], ticktext=[str(c) for c in columns[::step]])
    else:
        ticks = [label(table.tokens[c], varies=table.varies[c]) for c in columns]
        gap = [(places[i] - 1, "…") for i, c in enumerate(columns) if hidden and c and columns[i - 1] != c - 1]
        fig.update_xaxes(
            title_text="Token",
            tickvals=[*places, *(x for x, _ in gap)],
            ticktext=[*ticks, *(text for _, text in gap)],
            tickangle=-60,
        )
        fig.update_layout(margin_b=96)
    fig.update_layout(clickmode="event+select", dragmode=False, hovermode="closest", hoverdistance=-1)


def _first_difference(fig: go.Figure, place: int, theme: style.Theme) -> None:
    fig.add_vline(x=place - 0.5, line={"color": style.MUTED[theme], "width": 1, "dash": "dot"})
    fig.add_annotation(
        x=place - 0.5,
        y=1,
        yref="paper",
        yanchor="bottom",
        text="first differing token",
        showarrow=False,
        font={"size": 10, "color": style.MUTED[theme]},
    )


def _outline(
    fig: go.Figure, table: EffectTable, node: Node, columns: list[int], places: list[int], theme: style.Theme
) -> None:
    column = node.position if table.columns == "position" else (node.unit or 0)
    if node.kind != table.kind or column not in columns or not 0 <= node.layer < len(table.mean):
        return
    if table.columns == "position" and table.unit != node.unit:
        return
    x, y = places[columns.index(column)], node.layer
    line = {"color": style.ACCENT[theme], "width": 2.5}
    fig.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=line, fillcolor="rgba(0,0,0,0)")


def _caption(table: EffectTable, reach: float, hidden: int) -> str:
    notes = []
    other = "position" if table.columns == "head" else "head"
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
    return style.caption(
        table.spec,
        n_pairs=len(table.pairs),
        scale=table.scale,
        left_out=len(table.left_out),
        colour_range=(-reach if table.signed else 0.0, reach),
        notes=tuple(notes),
    )
