"""Where AtP misses: magnitudes before and after a repair, one row of attention, and the parts of one effect."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.axes import token_columns
from core.figures.numbers import number
from core.figures.tokens import escaped, visible
from core.patching.missed.findings import Candidate, Failures, Repair
from core.patching.place import short
from core.terms import Direction, MetricName

ROW = 26  # CSS pixels a candidate


def rescues(
    found: Failures,
    repair: Repair,
    *,
    metric: MetricName,
    direction: Direction,
    theme: style.Theme = "light",
    title: str = "",
) -> go.Figure:
    """One line a candidate: the magnitude by AtP, by the repair, and exactly. Those not rescued are named so."""
    chosen = found.of(repair)[::-1]  # the first at the top
    fig = style.base_figure(theme=theme, height=130 + ROW * len(chosen), title=escaped(title))
    y = list(range(len(chosen)))
    for i, c in enumerate(chosen):
        ends = sorted((c.score["atp"], c.score[repair], abs(c.exact)))
        line = {"color": style.ZERO[theme], "width": 1}
        fig.add_shape(type="line", x0=ends[0], x1=ends[-1], y0=i, y1=i, line=line, layer="below")
    for method, values in (
        ("atp", [c.score["atp"] for c in chosen]),
        (repair, [c.score[repair] for c in chosen]),
        ("exact", [abs(c.exact) for c in chosen]),
    ):
        fig.add_trace(_points(values, y, chosen, method, found, theme))
    labels = [_label(c, found.tokens) + ("" if c.rescued else " (false alarm)") for c in chosen]
    unit = captions.scale_words(metric, "absolute")
    fig.update_xaxes(**style.value_axis(unit[0].upper() + unit[1:], theme), rangemode="tozero")
    fig.update_yaxes(tickvals=y, ticktext=labels, range=[-0.7, len(chosen) - 0.3], automargin=True)
    fig.update_yaxes(ticks="outside", ticklen=8, tickcolor="rgba(0,0,0,0)")  # keeps the names off the points at 0
    style.legend(fig)
    rescued = sum(c.rescued for c in chosen)
    text = (
        f"Magnitude of the {captions.METRIC_WORDS[metric]}'s change, {captions.DIRECTION_WORDS[direction]}, "
        f"N = 1 pair. The {len(chosen)} of {found.n_nodes} attention nodes that {style.NAMES[repair]} raises most "
        f"above plain AtP and ranks at least twice as high; {rescued} of them are nearer to the repair when patched "
        "exactly."
    )
    return captions.set_caption(fig, text)


def attention_change(
    candidate: Candidate, found: Failures, *, theme: style.Theme = "light", title: str = ""
) -> go.Figure:
    """The row of attention before and after the node is patched, and as the gradient has it; one group a key."""
    row = candidate.row
    if row is None:
        raise ValueError("the node is neither a query nor a key")
    columns = token_columns(found.tokens[: row.query + 1], most=24)
    fig = style.base_figure(theme=theme, height=340, title=escaped(title))
    series = (
        ("Unpatched", row.before, style.MUTED[theme], ""),
        ("Patched", row.after, style.PALETTE[theme]["exact"], "/"),
        ("Patched, by the gradient", row.tangent, style.PALETTE[theme]["atp"], "."),
    )
    for name, values, colour, pattern in series:
        fig.add_trace(_bars(columns.places, [values[i] for i in columns.shown], name, colour, pattern))
    fig.update_layout(barmode="group", bargap=0.25, hovermode="x unified")
    fig.update_xaxes(tickvals=columns.tickvals, ticktext=columns.ticktext, tickangle=-45, title_text="Key token")
    fig.update_yaxes(**style.value_axis("Attention weight", theme))
    style.legend(fig)
    query = visible(found.tokens[row.query])
    text = (
        f"Attention of layer {candidate.node.layer}, head {row.head}, from {query} (position {row.query}), in the run "
        f"that is patched; {short(candidate.node)} at position {candidate.node.position} takes the other run's value. "
        f"What the change of this row is worth, linear after the softmax: {number(row.effect_after)}; by the gradient: "
        f"{number(row.effect_tangent)}."
    )
    text += f" {columns.hidden} tokens in the middle are not shown." if columns.hidden else ""
    return captions.set_caption(fig, text)


def parts_by_block(
    candidate: Candidate,
    *,
    metric: MetricName,
    direction: Direction,
    theme: style.Theme = "light",
    title: str = "",
) -> go.Figure:
    """Direct part and the part through each later block, exactly and by the gradient; dotted, the whole effect."""
    parts, node = candidate.parts, candidate.node
    fig = style.base_figure(theme=theme, height=360, title=escaped(title))
    ink, tint = style.PALETTE[theme]["exact"], style.PALETTE[theme]["atp-qk" if node.kind in ("q", "k") else "atp"]
    x = [node.layer, *parts.layers]
    fig.add_trace(_bars(x, [parts.direct, *parts.through], "Exact", ink, ""))
    name = "By the gradient" + (" (QK fix)" if node.kind in ("q", "k") else "")
    fig.add_trace(_bars(list(parts.layers), list(candidate.estimated), name, tint, "/"))
    style_ = {"color": style.ACCENT[theme], "width": 1.5, "dash": "dot"}
    ends = [node.layer - 0.5, (parts.layers[-1] if parts.layers else node.layer) + 0.5]
    whole = go.Scatter(x=ends, y=[parts.total] * 2, mode="lines", name="Whole effect", line=style_, hoverinfo="skip")
    fig.add_trace(whole)
    step = max(1, len(x) // 16)
    ticks = {"tickvals": x[::step], "ticktext": ["direct", *map(str, parts.layers)][::step]}
    fig.update_layout(barmode="group", bargap=0.2, hovermode="x unified")
    fig.update_xaxes(title_text="Through the block of layer", range=ends, **ticks)
    unit = captions.scale_words(metric, "signed")
    fig.update_yaxes(**style.value_axis(unit[0].upper() + unit[1:], theme))
    style.legend(fig)
    text = (
        f"Effect of {short(node)} at position {node.position}, {captions.DIRECTION_WORDS[direction]}, N = 1 pair: "
        f"{number(parts.total)} in all, {number(parts.direct)} directly (all later blocks held). A bar is the "
        "effect less the effect while that block's write is held; paths through two blocks are in both bars."
    )
    return captions.set_caption(fig, text)


def _label(candidate: Candidate, tokens: Sequence[str]) -> str:
    return escaped(f"{short(candidate.node)} at {visible(tokens[candidate.node.position or 0])}")


def _points(
    values: list[float], y: list[int], chosen: Sequence[Candidate], method: str, found: Failures, theme: style.Theme
) -> go.Scatter:
    colour = style.PALETTE[theme][method]  # type: ignore[index]
    ranks = [f"rank {c.rank[method]} of {found.n_nodes}" if method in c.rank else "" for c in chosen]
    return go.Scatter(
        x=values,
        y=y,
        mode="markers",
        name=style.NAMES[method],  # type: ignore[index]
        marker={"symbol": style.MARKERS[method], "size": 10, "color": colour},  # type: ignore[index]
        text=[f"{number(v)} {r}" for v, r in zip(values, ranks)],
        hovertemplate=f"{style.NAMES[method]}: %{{text}}<extra></extra>",  # type: ignore[index]
    )


def _bars(x: list[int], y: list[float], name: str, colour: str, pattern: str) -> go.Bar:
    return go.Bar(
        x=x,
        y=y,
        name=name,
        marker={"color": colour, "pattern": {"shape": pattern, "fgcolor": colour, "fillmode": "replace"}},
        text=[number(value) for value in y],
        textposition="none",
        hovertemplate=f"{name}: %{{text}}<extra></extra>",
    )
