"""One node in detail (pair by pair, position by position) and the ranking of nodes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.axes import token_columns
from core.figures.effects.scatter import row_node
from core.figures.numbers import number
from core.figures.tokens import VARIES, escaped, visible
from core.patching.place import Node, short, words
from core.patching.results.pooling import Scale
from core.patching.spec import RunSpec
from core.terms import Choice


def pair_points(
    tables: dict[Choice, pd.DataFrame],
    *,
    spec: RunSpec,
    node: Node,
    scale: Scale = "signed",
    theme: style.Theme = "light",
    title: str = "",
    notes: tuple[str, ...] = (),
) -> go.Figure:
    """A node's effect in every pair, one row a pair, and the mean of each method as a line.

    Args:
        tables: method -> ``by_pair`` of the same node and pairs; rows are ordered by the first method's values.
        spec: any of the runs, for metric and direction.
        notes: sentences that the caption adds.
    """
    first = next(iter(tables.values()))
    order = np.argsort(first.value.to_numpy(), kind="stable")
    names = [escaped(visible(first.pair.iloc[i], longest=22)) for i in order]
    fig = style.base_figure(theme=theme, height=110 + max(8, min(len(names), 40)) * 16, title=escaped(title))
    for method, table in tables.items():
        by_row = dict(zip(table.row, table.value))
        values = [by_row.get(first.row.iloc[i], np.nan) for i in order]
        ordered = table.set_index("row", drop=False).reindex(first.row.iloc[order])
        fig.add_trace(_pair_trace(method, values, names, _symbols(method, ordered), theme))
        mean_line = {"color": style.PALETTE[theme][method], "width": 1.5, "dash": style.DASHES[method]}
        fig.add_vline(x=float(np.nanmean(values)), line=mean_line)
    fig.update_xaxes(**style.value_axis(captions.unit(spec, scale), theme))
    few = len(names) <= 40
    fig.update_yaxes(
        title_text="Pair",
        range=[-0.7, len(names) - 0.3],
        tickvals=list(range(len(names))) if few else [],
        ticktext=names if few else [],
        automargin=True,
    )
    style.legend(fig)
    notes = (f"Node: {words(node)}.", "One point a pair; lines: means.", *_open(tables), *notes)
    return captions.set_caption(fig, _caption(spec, tables, len(names), scale, notes))


def position_profile(
    tables: dict[Choice, pd.DataFrame],
    *,
    spec: RunSpec,
    node: Node,
    scale: Scale = "signed",
    first_difference: int | None = None,
    theme: style.Theme = "light",
    title: str = "",
    most_positions: int = 48,
    notes: tuple[str, ...] = (),
) -> go.Figure:
    """A node's mean effect at each token, with bootstrap intervals, one line a method.

    Args:
        tables: method -> ``by_position`` of the same node and pairs.
        first_difference: where the pairs first differ (drawn as a reference line).
        notes: sentences that the caption adds.
    """
    first = next(iter(tables.values()))
    varies = tuple(token.endswith(VARIES) for token in first.token)
    tokens = tuple(token.removesuffix(VARIES) for token in first.token)
    columns = token_columns(tokens, varies, most=most_positions)
    fig = style.base_figure(theme=theme, height=320, title=escaped(title))
    for i, (method, table) in enumerate(tables.items()):
        shift = 0.12 * (i - (len(tables) - 1) / 2)  # so that intervals of several methods do not cover each other
        fig.add_trace(_profile_trace(method, table.iloc[columns.shown], columns.places, shift, node, theme))
    fig.update_yaxes(**style.value_axis(captions.unit(spec, scale), theme))
    fig.update_xaxes(title_text="Token", tickangle=-60, range=[-0.5, columns.width - 0.5])
    fig.update_xaxes(tickvals=columns.tickvals, ticktext=columns.ticktext)
    fig.update_layout(margin_b=96, hovermode="closest")
    place = columns.place(first_difference)
    if place:
        style.reference_line(fig, place - 0.5, "first differing token", theme)
    if (chosen := columns.place(node.position)) is not None:
        band = {"fillcolor": style.ACCENT[theme], "opacity": 0.15, "line_width": 0, "layer": "below"}
        fig.add_vrect(x0=chosen - 0.5, x1=chosen + 0.5, **band)
    style.legend(fig)
    where = words(Node(node.kind, node.layer, node.unit))
    told = [f"Node: {where}.", "Whiskers: 95 % bootstrap interval over pairs."]
    told += [f"{columns.hidden} tokens in the middle are not shown."] if columns.hidden else []
    told += [f"{VARIES} The token differs between pairs; the first pair's is shown."] if any(varies) else []
    told += [*_open(tables), *notes]
    return captions.set_caption(fig, _caption(spec, tables, int(first.n_pairs.max()), scale, tuple(told)))


def ranked_nodes(
    table: pd.DataFrame,
    *,
    spec: RunSpec,
    scale: Scale = "signed",
    theme: style.Theme = "light",
    title: str = "",
    notes: tuple[str, ...] = (),
) -> go.Figure:
    """The rows of a ``ranking`` as bars, largest on top, blue below 0 and red above, with bootstrap intervals.

    Of a screen, the bars that are exact have an outline. ``notes`` are sentences that the caption adds.
    """
    nodes = [row_node(row) for _, row in table.iterrows()]
    labels = [short(n) + (f"  {escaped(visible(t))}" if t else "") for n, t in zip(nodes, table.token)]
    values = table["mean"] if spec.signed and scale != "absolute" else table["mean_abs"]
    colours = [style.DIVERGING[theme][2 if x < 0 else 6] for x in values]
    bars = go.Bar(
        x=values.tolist(),
        y=list(range(len(table))),
        orientation="h",
        width=0.72,
        marker={"color": colours, "line": {"width": _outlines(table), "color": style.INK[theme]}},
        error_x=_whiskers(values, table.low, table.high, style.INK[theme]),
        customdata=[[n.kind, n.layer, n.unit, n.position] for n in nodes],
        hovertext=[_rank_hover(node, row) for node, (_, row) in zip(nodes, table.iterrows())],
        hovertemplate="%{hovertext}" + style.CLICK_HINT + "<extra></extra>",
    )
    fig = style.base_figure(bars, theme=theme, height=90 + 20 * max(len(table), 4), title=escaped(title))
    fig.update_xaxes(**style.value_axis(captions.unit(spec, scale), theme))
    fig.update_yaxes(tickvals=list(range(len(table))), ticktext=labels, range=[len(table) - 0.4, -0.6], automargin=True)
    fig.update_layout(clickmode="event+select", dragmode=False)
    n_pairs = int(table.n_pairs.max()) if len(table) else 0
    told: tuple[str, ...] = ("Whiskers: 95 % bootstrap interval over pairs.",) if n_pairs > 1 else ()
    told += ("Outlined bars are exact, the others estimated.",) if "source" in table else ()
    method = style.NAMES["screen"] if spec.screen else None
    return captions.set_caption(
        fig, captions.caption(spec, n_pairs=n_pairs, scale=scale, method=method, notes=(*told, *notes))
    )


def _outlines(table: pd.DataFrame) -> list[float]:
    """Width of each bar's outline: only exact bars of a screen have one."""
    return [1.5 if source == "exact" else 0.0 for source in table.get("source", [""] * len(table))]


def _symbols(method: Choice, table: pd.DataFrame) -> str | list[str]:
    """A series' marker; of a screen, open where a value is only estimated."""
    if "source" not in table:
        return style.MARKERS[method]
    return [style.MARKERS[method] + ("" if source == "exact" else "-open") for source in table["source"]]


def _open(tables: dict[Choice, pd.DataFrame]) -> tuple[str, ...]:
    """What an open marker means, where there can be one."""
    return ("Filled markers are exact, open ones estimated.",) if any("source" in t for t in tables.values()) else ()


def _pair_trace(
    method: Choice, values: list[float], names: list[str], symbols: str | list[str], theme: style.Theme
) -> go.Scatter:
    return go.Scatter(
        x=values,
        y=list(range(len(values))),
        mode="markers",
        name=style.NAMES[method],
        text=[f"<b>{name}</b><br>{style.NAMES[method]} {number(x)}" for name, x in zip(names, values)],
        hovertemplate="%{text}<extra></extra>",
        marker={"size": 8, "color": style.PALETTE[theme][method], "symbol": symbols},
    )


def _profile_trace(
    method: Choice, table: pd.DataFrame, places: list[int], shift: float, node: Node, theme: style.Theme
) -> go.Scatter:
    colour = style.PALETTE[theme][method]
    rows = list(table.itertuples())
    at = [words(Node(node.kind, node.layer, node.unit, int(r.position)), r.token.removesuffix(VARIES)) for r in rows]
    means = table["mean"].tolist()
    return go.Scatter(
        x=[place + shift for place in places],
        y=means,
        mode="lines+markers",
        name=style.NAMES[method],
        error_y=_whiskers(table["mean"], table.low, table.high, colour),
        text=[f"<b>{escaped(w)}</b><br>{style.NAMES[method]} {number(x)}" for w, x in zip(at, means)],
        hovertemplate="%{text}<extra></extra>",
        line={"color": colour, "width": 1.8, "dash": style.DASHES[method]},
        marker={"size": 7, "color": colour, "symbol": _symbols(method, table)},
    )


def _whiskers(mean: pd.Series, low: pd.Series, high: pd.Series, colour: str) -> dict:
    """Error bars from interval ends; none where there is a single pair."""
    up, down = (high - mean).fillna(0).clip(lower=0), (mean - low).fillna(0).clip(lower=0)
    return {"array": up.tolist(), "arrayminus": down.tolist(), "color": colour, "thickness": 1, "width": 2} | {
        "visible": bool(high.notna().any())
    }


def _rank_hover(node: Node, row: pd.Series) -> str:
    token = None if node.position is None else str(row["token"])
    lines = [
        f"<b>{escaped(words(node, token))}</b>",
        f"mean {number(row['mean'])}, mean magnitude {number(row['mean_abs'])}",
    ]
    if "source" in row:
        lines.append("exact" if row["source"] == "exact" else "estimated")
    if np.isfinite(row["low"]):
        lines.append(f"95 % interval {number(row['low'])} to {number(row['high'])}, N = {int(row['n_pairs'])}")
    return "<br>".join(lines)


def _caption(
    spec: RunSpec, tables: dict[Choice, pd.DataFrame], n_pairs: int, scale: Scale, notes: tuple[str, ...]
) -> str:
    names = " and ".join(style.NAMES[method] for method in tables)
    return captions.caption(spec, n_pairs=n_pairs, scale=scale, method=names, notes=notes)
