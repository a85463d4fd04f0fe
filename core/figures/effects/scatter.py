"""Estimate against exact effect, one point a node, with the diagonal and the nodes that the estimate misses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.numbers import count, number
from core.figures.tokens import escaped, visible
from core.patching.place import Node, short, words
from core.patching.results.compare import Comparison
from core.patching.results.told import AVERAGE_WORDS
from core.terms import NodeKind

MOST_POINTS = 4000
SYMBOLS: dict[NodeKind, str] = {
    "q": "triangle-up",
    "k": "triangle-down",
    "v": "diamond",
    "z": "circle",
    "neuron": "circle",
    "attn_out": "square",
    "mlp_out": "cross",
    "resid_pre": "x",
}


def effect_scatter(
    comparison: Comparison,
    *,
    theme: style.Theme = "light",
    selected: Node | None = None,
    title: str = "",
    labelled: int = 6,
) -> go.Figure:
    """Points on the diagonal are estimated right; a labelled one matters and is ranked low by the estimate.

    Signed methods show the means themselves, scores without a sign show magnitudes. With more than 4 000 nodes the
    largest by either score are drawn, and the caption says so. ``customdata`` is ``[kind, layer, unit, position]``.

    Args:
        labelled: how many false negatives are named, the worst first; those under a tenth of the largest exact effect
            are not.
    """
    nodes, missed = comparison.nodes, _worth_naming(comparison).head(labelled)
    drawn = _largest(nodes)
    drawn = pd.concat([drawn, missed]).drop_duplicates(["node", "layer", "head", "position"])
    fig = style.base_figure(theme=theme, height=460, title=escaped(title))
    for kind in dict.fromkeys(drawn.node):
        fig.add_trace(_points(drawn[drawn.node == kind], kind, comparison, theme))
    _square_axes(fig, drawn, comparison, theme)
    for i, row in enumerate(missed.itertuples()):
        _name(fig, row, comparison.signed, i, theme)
    if selected is not None:
        _mark(fig, drawn, selected, comparison.signed, theme)
    style.legend(fig)
    if sum(trace.showlegend is not False for trace in fig.data) > 2:  # too wide for the title's row
        below = {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.16, "yanchor": "top"}
        fig.update_layout(legend=below, margin={"b": 96})
    fig.update_layout(clickmode="event+select", dragmode=False, hovermode="closest")
    return captions.set_caption(fig, _caption(comparison, len(drawn)))


def _columns(signed: bool) -> tuple[str, str]:
    return ("exact", "estimate") if signed else ("exact_score", "estimate_score")


def _worth_naming(comparison: Comparison) -> pd.DataFrame:
    missed = comparison.false_negatives
    return missed[missed.exact_score >= 0.1 * comparison.nodes.exact_score.max()]


def _largest(nodes: pd.DataFrame) -> pd.DataFrame:
    if len(nodes) <= MOST_POINTS:
        return nodes
    best_rank = np.minimum(nodes.exact_rank, nodes.estimate_rank)
    return nodes.loc[best_rank.sort_values(kind="stable").index[:MOST_POINTS]]


def row_node(row: pd.Series) -> Node:
    """The node that a row of a ranking or comparison names."""
    unit, position = (None if pd.isna(row[name]) else int(row[name]) for name in ("head", "position"))
    return Node(row["node"], int(row["layer"]), unit, position)


def _points(rows: pd.DataFrame, kind: NodeKind, comparison: Comparison, theme: style.Theme) -> go.Scatter:
    x, y = _columns(comparison.signed)
    nodes = [row_node(row) for _, row in rows.iterrows()]
    return go.Scatter(
        x=rows[x].tolist(),
        y=rows[y].tolist(),
        mode="markers",
        name=captions.KIND_WORDS[kind],
        customdata=[[n.kind, n.layer, n.unit, n.position] for n in nodes],
        text=[_hover(node, row, comparison) for node, (_, row) in zip(nodes, rows.iterrows())],
        hovertemplate="%{text}" + style.CLICK_HINT + "<extra></extra>",
        marker={
            "size": 7,
            "symbol": SYMBOLS[kind],
            "color": style.PALETTE[theme][comparison.estimate.method],
            "opacity": 0.65,
            "line": {"width": 0},
        },
        unselected={"marker": {"opacity": 0.65}},
    )


def _hover(node: Node, row: pd.Series, comparison: Comparison) -> str:
    x, y = _columns(comparison.signed)
    token = None if node.position is None else str(row["token"])
    place = f" (position {node.position})" if node.position is not None else ""
    return "<br>".join(
        [
            f"<b>{escaped(words(node, token))}</b>{place}",
            f"exact {number(row[x])}, rank {count(int(row['exact_rank']))}",
            f"{style.NAMES[comparison.estimate.method]} {number(row[y])}, rank {count(int(row['estimate_rank']))}",
        ]
    )


def _square_axes(fig: go.Figure, drawn: pd.DataFrame, comparison: Comparison, theme: style.Theme) -> None:
    values = drawn[list(_columns(comparison.signed))].to_numpy()
    low, high = min(0.0, values.min()), max(0.0, values.max())
    pad = 0.06 * ((high - low) or 1.0)
    ends = [low - pad, high + pad]
    line = {"color": style.MUTED[theme], "width": 1, "dash": "dot"}
    fig.add_shape(type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1], line=line, layer="below")
    unit = captions.scale_words(comparison.exact.metric, comparison.scale, signed=comparison.signed)
    fig.update_xaxes(range=ends, constrain="domain", **style.value_axis(f"Exact: {unit}", theme))
    name = style.NAMES[comparison.estimate.method]
    y_axis = style.value_axis(f"{name}: estimate", theme)
    fig.update_yaxes(range=ends, scaleanchor="x", constrain="domain", **y_axis)


def _name(fig: go.Figure, row: Any, signed: bool, index: int, theme: style.Theme) -> None:
    x, y = (getattr(row, name) for name in _columns(signed))
    node = row_node(pd.Series(row._asdict()))
    text = short(node) + (f" {escaped(visible(row.token))}" if row.token else "")
    fig.add_annotation(
        x=x,
        y=y,
        text=text,
        ax=-34 if x > 0 else 34,
        ay=(24 if y < x else -24) * (1 + 0.7 * (index % 2)),  # away from the diagonal
        arrowwidth=1,
        arrowhead=0,
        arrowcolor=style.MUTED[theme],
        standoff=4,
        font={"size": 11, "color": style.INK[theme]},
    )


def _mark(fig: go.Figure, drawn: pd.DataFrame, node: Node, signed: bool, theme: style.Theme) -> None:
    x, y = _columns(signed)
    rows = [row for _, row in drawn.iterrows() if row_node(row) == node]
    ring = {"size": 14, "color": "rgba(0,0,0,0)", "line": {"color": style.ACCENT[theme], "width": 2.5}}
    for row in rows:
        fig.add_trace(
            go.Scatter(x=[row[x]], y=[row[y]], mode="markers", marker=ring, hoverinfo="skip", showlegend=False)
        )


def _caption(comparison: Comparison, drawn: int) -> str:
    k = max(comparison.overlap, default=None)
    notes = [f"Spearman {number(comparison.spearman)} over {count(len(comparison.nodes))} nodes."]
    notes += [f"Of the true top {k}, {comparison.overlap[k]:.0%} are in the estimate's top {k}."] if k else []
    if k and comparison.signed:
        notes.append(f"Same sign in {comparison.sign_agreement[k]:.0%} of them.")
    if len(comparison.false_negatives):
        notes.append(f"{len(comparison.false_negatives)} of them missed; the largest of these are named.")
    if drawn < len(comparison.nodes):
        notes.append(f"The {count(drawn)} largest nodes are drawn.")
    notes.append("Dotted: estimate = exact.")
    if comparison.estimate.signed and comparison.n_pairs > 1:
        notes.append(f"Estimates are ranked by {AVERAGE_WORDS[comparison.average]}.")
    return captions.caption(
        comparison.exact,
        n_pairs=comparison.n_pairs,
        scale=comparison.scale if comparison.signed or comparison.scale != "signed" else "absolute",
        method=f"{style.NAMES[comparison.estimate.method]} against exact",
        answers=comparison.answers,
        notes=tuple(notes),
    )
