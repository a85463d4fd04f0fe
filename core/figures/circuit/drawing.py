"""A circuit as a node-link figure: layers upwards, tokens across, lines as wide and as coloured as their scores."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from core.circuits.circuit import Circuit
from core.circuits.drawing import MLP_ROOM, Drawing, DrawnEdge, DrawnNode, drawing
from core.circuits.settings import METHOD_NAMES, SPAN_NAMES
from core.figures import captions, style
from core.figures.axes import number_columns
from core.figures.numbers import count, number
from core.figures.tokens import escaped, label

BINS = 6  # widths and colours of each sign: few traces, so that a change redraws at once
WIDEST, THINNEST = 5.0, 0.5  # CSS pixels
READ_AS = {"q": "as a query", "k": "as a key", "v": "as a value", "mlp": "by the MLP", "logits": "by the logits"}
DASH = {"q": "dot", "k": "dash", "v": "solid", "mlp": "solid", "logits": "solid"}
SYMBOLS = {
    "embed": "square",
    "head": "circle",
    "mlp": "hexagon",
    "kv": "diamond",
    "logits": "square",
    "group": "octagon",
}
GROUP_COLOURS = ("#d98200", "#2b95cf", "#008a63", "#c43c6c", "#7a5195", "#8a93a3")
ROW, BESIDE, TALLEST = 46, 170, 1100  # CSS pixels a layer, beside the drawing, at most
GAP = 1.5  # lines that a run of layers without nodes takes


def circuit_figure(
    circuit: Circuit, *, theme: style.Theme = "light", selected: str | None = None, notes: tuple[str, ...] = ()
) -> go.Figure:
    """The drawing; ``customdata`` of a node is its key.

    Args:
        selected: key of the node to outline.
        notes: sentences that the caption ends with, such as what the circuit explains.
    """
    drawn = drawing(circuit)
    lines = _lines(circuit, drawn)
    nodes = [replace(node, y=float(np.interp(node.y, *lines))) for node in drawn.nodes]
    drawn = replace(drawn, nodes=tuple(nodes))
    places = {node.key: node for node in drawn.nodes}
    reach = max((abs(edge.score) for edge in drawn.edges), default=1.0) or 1.0
    height = min(TALLEST, BESIDE + int(ROW * (lines[1][-1] + 1)))
    fig = style.base_figure(theme=theme, height=max(420, height))
    _layer_lines(fig, lines, theme)
    fig.add_trace(_link_lines(drawn, places, theme))
    for trace in _edge_lines(drawn, places, reach, theme):
        fig.add_trace(trace)
    fig.add_trace(_edge_hovers(drawn, places, circuit))
    fig.add_trace(_nodes(drawn, circuit, theme, selected))
    _key(fig, drawn, theme)
    _axes(fig, circuit, drawn, lines)
    return captions.set_caption(fig, _caption(circuit, drawn, reach, notes))


def _lines(circuit: Circuit, drawn: Drawing) -> tuple[list[float], list[float]]:
    """Layers with nodes, from the embedding (−1) to the logits (the layer count), and how high each stands: layers
    without nodes take no room of their own."""
    layers = circuit.graph.n_layers
    ceiled = {int(np.ceil(node.y)) for node in drawn.nodes} | {round(node.y) for node in drawn.nodes}
    used = sorted({-1, layers} | {layer for layer in ceiled if 0 <= layer < layers})
    heights = [0.0]
    for below, above in pairwise(used):
        heights.append(heights[-1] + (1.0 if above == below + 1 else GAP))
    return [float(layer) for layer in used], heights


def _layer_lines(fig: go.Figure, lines: tuple[list[float], list[float]], theme: style.Theme) -> None:
    for height in lines[1][1:-1]:
        line = {"color": style.GRID[theme], "width": 1}
        fig.add_shape(type="line", xref="paper", x0=0, x1=1, y0=height, y1=height, line=line, layer="below")


def _curve(a: DrawnNode, b: DrawnNode, bend: float) -> tuple[np.ndarray, np.ndarray]:
    """A line that leaves upwards and bends a little, so that lines through the same column can be told apart."""
    t = np.linspace(0, 1, 9)
    middle_x = (a.x + b.x) / 2 + bend * min(1.0, abs(b.y - a.y) / 6)
    middle_y = (a.y + b.y) / 2
    x = (1 - t) ** 2 * a.x + 2 * t * (1 - t) * middle_x + t**2 * b.x
    y = (1 - t) ** 2 * a.y + 2 * t * (1 - t) * middle_y + t**2 * b.y
    return x, y


def _bend(edge: DrawnEdge, wide: bool) -> float:
    side = {"q": -1.0, "k": 0.6, "v": 1.0, "mlp": 0.8, "logits": -0.6}[edge.reader]
    return side * (0.9 if wide else 0.22)


def _edge_lines(drawn: Drawing, places: dict[str, DrawnNode], reach: float, theme: style.Theme) -> list[go.Scatter]:
    """One trace for all lines of like width, sign and dash, the faint ones below."""
    classes: dict[tuple[int, bool, str], list[DrawnEdge]] = {}
    for edge in drawn.edges:
        size = min(BINS - 1, int(BINS * abs(edge.score) / reach))
        classes.setdefault((size, edge.score < 0, DASH[edge.reader]), []).append(edge)
    traces = []
    for (size, negative, dash), edges in sorted(classes.items()):
        x: list[float | None] = []
        y: list[float | None] = []
        for edge in edges:
            xs, ys = _curve(places[edge.source], places[edge.target], _bend(edge, not drawn.columns))
            x += [*xs.tolist(), None]
            y += [*ys.tolist(), None]
        share = (size + 1) / BINS
        line = {
            "width": THINNEST + (WIDEST - THINNEST) * share**1.5,
            "dash": dash,
            "color": _colour(share, negative, theme),
        }
        traces.append(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    return traces


def _colour(share: float, negative: bool, theme: style.Theme) -> str:
    """From the diverging scale; the faintest still stands off the page."""
    colours = style.DIVERGING[theme]
    middle = len(colours) // 2
    step = 2 + round(share * (middle - 2))
    return colours[middle - step if negative else middle + step]


def _link_lines(drawn: Drawing, places: dict[str, DrawnNode], theme: style.Theme) -> go.Scatter:
    x: list[float | None] = []
    y: list[float | None] = []
    for source, target in drawn.links:
        x += [places[source].x, places[target].x, None]
        y += [places[source].y, places[target].y, None]
    line = {"color": style.ZERO[theme], "width": 1}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _edge_hovers(drawn: Drawing, places: dict[str, DrawnNode], circuit: Circuit) -> go.Scatter:
    """An unseen mark in the middle of every line, which says what it is."""
    x, y, text = [], [], []
    metric = captions.METRIC_WORDS[circuit.about.get("metric", "logit_diff")]
    for edge in drawn.edges:
        xs, ys = _curve(places[edge.source], places[edge.target], _bend(edge, not drawn.columns))
        x.append(xs[4])
        y.append(ys[4])
        text.append(f"<b>{escaped(edge.name)}</b><br>read {READ_AS[edge.reader]}<br>{number(edge.score)}, {metric}")
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        text=text,
        meta=style.CLICK_TARGETS,
        hovertemplate="%{text}<extra></extra>",
        marker={"size": 9, "color": "rgba(0,0,0,0)"},
        showlegend=False,
    )


def _nodes(drawn: Drawing, circuit: Circuit, theme: style.Theme, selected: str | None) -> go.Scatter:
    strongest = max((node.strength for node in drawn.nodes), default=1.0) or 1.0
    groups = list(dict.fromkeys(node.group for node in drawn.nodes if node.group))
    colours = {group: GROUP_COLOURS[i % len(GROUP_COLOURS)] for i, group in enumerate(groups)}
    small = [node.kind == "kv" for node in drawn.nodes]
    sizes = [7 if kv else 17 + 14 * (node.strength / strongest) ** 0.5 for kv, node in zip(small, drawn.nodes)]
    rims = [
        style.ACCENT[theme] if node.key == selected else colours.get(node.group, style.MUTED[theme])
        for node in drawn.nodes
    ]
    return go.Scatter(
        x=[node.x for node in drawn.nodes],
        y=[node.y for node in drawn.nodes],
        mode="markers+text",
        text=["" if kv else label(node.label) for kv, node in zip(small, drawn.nodes)],
        textfont={"size": 10, "color": style.INK[theme]},
        textposition="middle center",
        customdata=[[node.key] for node in drawn.nodes],
        hovertext=[_node_words(node, circuit) for node in drawn.nodes],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "size": sizes,
            "symbol": [SYMBOLS[node.kind] for node in drawn.nodes],
            "color": style.PAPER[theme],
            "opacity": 1,
            "line": {
                "color": rims,
                "width": [3 if node.key == selected or node.group else 1.2 for node in drawn.nodes],
            },
        },
        unselected={"marker": {"opacity": 1}},
        showlegend=False,
    )


def _node_words(node: DrawnNode, circuit: Circuit) -> str:
    own = circuit.names.get(node.name)
    lines = [f"<b>{escaped(node.name)}</b>" + (f" ({escaped(own)})" if own else "")]
    if node.position is not None and circuit.tokens:
        lines.append(f"at {label(circuit.tokens[node.position])} (position {node.position})")
    if node.group:
        lines.append(f"group {escaped(node.group)}")
    return "<br>".join([*lines, f"its lines' magnitudes sum to {number(node.strength)}"])


def _key(fig: go.Figure, drawn: Drawing, theme: style.Theme) -> None:
    """What the dashes and colours mean, those that occur."""
    kinds = {edge.reader for edge in drawn.edges}
    entries = [
        ("into a query", "dot", style.INK[theme], "q" in kinds),
        ("into a key", "dash", style.INK[theme], "k" in kinds),
        ("into a value, MLP or the logits", "solid", style.INK[theme], True),
        ("raises", "solid", style.DIVERGING[theme][-2], True),
        ("lowers", "solid", style.DIVERGING[theme][1], True),
    ]
    for name, dash, colour, there in entries:
        if there:
            line = {"dash": dash, "color": colour, "width": 2}
            fig.add_trace(go.Scatter(x=[None], y=[None], mode="lines", name=name, line=line, hoverinfo="skip"))
    place = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    fig.update_layout(showlegend=True, legend={**place, "font": {"size": 11}, "bgcolor": "rgba(0,0,0,0)"}, margin_t=44)


def _axes(fig: go.Figure, circuit: Circuit, drawn: Drawing, lines: tuple[list[float], list[float]]) -> None:
    used, heights = lines
    gaps = [(a + b) / 2 for a, b, low, high in zip(heights, heights[1:], used, used[1:]) if high > low + 1]
    names = ["embed", *(f"{layer:g}" for layer in used[1:-1]), "logits"]
    fig.update_yaxes(
        range=[-0.6, heights[-1] + 0.6],
        tickvals=[*heights, *gaps],
        ticktext=[*names, *["⋮"] * len(gaps)],
        title_text="Layer",
    )
    if drawn.columns:
        names = [label(circuit.tokens[i]) if circuit.tokens else str(i) for i in drawn.columns]
        ends = drawn.edges_at
        fig.update_xaxes(
            range=[ends[0] - 0.1, ends[-1] + 0.1],
            tickvals=[(a + b - MLP_ROOM) / 2 for a, b in pairwise(ends)],
            ticktext=names,
            tickangle=-60,
            title_text="Token",
        )
        fig.update_layout(margin_b=96)
    else:
        heads = circuit.graph.n_heads
        ticks = number_columns(heads, most_ticks=24)
        fig.update_layout(
            xaxis={
                "range": [-0.8, heads + 1.3],
                "tickvals": [*ticks.tickvals, heads + 0.5],
                "ticktext": [*ticks.ticktext, "MLP"],
                "title": {"text": "Head"},
            }
        )
    fig.update_layout(dragmode="pan", hovermode="closest", clickmode="event+select")


def _caption(circuit: Circuit, drawn: Drawing, reach: float, notes: tuple[str, ...]) -> str:
    about = circuit.about
    parts = [f"Showing {count(drawn.shown)} of {count(drawn.total)} edges, {SPAN_NAMES[circuit.span]}."]
    if about:
        n = int(about.get("pairs", 0))
        parts.append(
            f"{METHOD_NAMES[about['method']]}: estimated change of the {captions.METRIC_WORDS[about['metric']]} when "
            f"the edge is patched, {captions.DIRECTION_WORDS[about['direction']]}, mean over N = {n} "
            f"{'pair' if n == 1 else 'pairs'}. Width and colour by the estimate, widest {number(reach)}."
        )
    parts.append(
        "Circles are heads (layer.head), hexagons MLPs" + (", diamonds keys and values." if drawn.links else ".")
    )
    if (left := circuit.asked - len(circuit.edges)) > 0:
        parts.append(f"{count(left)} of the first {count(circuit.asked)} edges lie on no path and are left out.")
    return " ".join([*parts, *notes])
