"""Several methods as one figure on one colour range, a panel each; for exports of the whole comparison."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.errors import SpecError
from core.figures import captions, style
from core.figures.effects.heatmap import effect_heatmap, screen_notes, shared_range
from core.patching.place import Node
from core.patching.results.summary import EffectTable
from core.terms import Choice


def method_panels(
    tables: dict[Choice, EffectTable], *, theme: style.Theme = "light", selected: Node | None = None
) -> go.Figure:
    """``effect_heatmap`` of each method, side by side.

    Raises:
        SpecError: the tables show different nodes, scales, metrics, directions or donors.
    """
    questions = {
        (t.kind, t.columns, t.scale, t.spec.metric, t.spec.direction, t.spec.donor, t.spec.spans, t.mean.shape)
        for t in tables.values()
    }
    if len(questions) != 1:
        raise SpecError("Panels on one colour range must show the same nodes, scale, metric, direction and donor.")
    reach = shared_range(*tables.values())
    parts = [effect_heatmap(t, zmax=reach, theme=theme, selected=selected) for t in tables.values()]
    names = [style.NAMES[method] for method in tables]
    fig = style.base_figure(theme=theme, height=parts[0].layout.height)
    make_subplots(1, len(parts), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=names, figure=fig)
    _one_bar_a_scale(parts)
    for i, part in enumerate(parts, start=1):
        fig.add_traces(part.data, rows=1, cols=i)
        for shape in part.layout.shapes:
            fig.add_shape(shape.update(yref="y domain") if shape.yref == "paper" else shape, row=1, col=i)
        axes = ("tickvals", "ticktext", "range", "tickangle", "tickfont", "fixedrange", "showgrid", "zeroline", "title")
        fig.update_xaxes({name: part.layout.xaxis[name] for name in axes}, row=1, col=i)
        fig.update_yaxes({name: part.layout.yaxis[name] for name in axes if i == 1 or name != "title"}, row=1, col=i)
        if i > 1:
            fig.update_yaxes(ticks="", row=1, col=i)
    fig.update_layout(margin={"t": 36, "b": parts[0].layout.margin.b}, hovermode="closest", dragmode=False)
    fig.update_annotations(font={"size": 12, "color": style.INK[theme]})
    first = next(iter(tables.values()))
    text = captions.caption(
        first.spec,
        n_pairs=len(first.pairs),
        scale=first.scale,
        left_out=len(first.left_out),
        colour_range=(-reach if any(t.signed for t in tables.values()) else 0.0, reach),
        method=", ".join(names),
        answers=first.answers,
        notes=(
            "One colour range; scores without a sign use the sequential scale."
            if len({t.signed for t in tables.values()}) > 1
            else "One colour range.",
            *dict.fromkeys(note for t in tables.values() for note in screen_notes(t)),
        ),
    )
    return captions.set_caption(fig, text)


def _one_bar_a_scale(parts: list[go.Figure]) -> None:
    """Keep one colour bar for signed effects and one for scores, side by side on the right."""
    bars = {part.data[0].zmin < 0: part.data[0] for part in parts}
    for part in parts:
        part.data[0].showscale = any(part.data[0] is bar for bar in bars.values())
    for i, bar in enumerate(bars.values()):
        bar.colorbar.x = 1 + 0.17 * i
