"""Two runs and their difference: three heatmaps, the first two on one range, the difference on the diverging scale."""

from __future__ import annotations

import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.effects.heatmap import effect_heatmap, shared_range
from core.figures.numbers import count, number
from core.patching.results.difference import Difference


def compared_heatmaps(
    compared: Difference, *, names: tuple[str, str], theme: style.Theme = "light"
) -> tuple[go.Figure, go.Figure]:
    """Both runs, on one colour range."""
    reach = shared_range(compared.first, compared.second)
    first, second = (
        effect_heatmap(table, zmax=reach, theme=theme, title=name)
        for table, name in zip((compared.first, compared.second), names)
    )
    return first, second


def difference_heatmap(compared: Difference, *, names: tuple[str, str], theme: style.Theme = "light") -> go.Figure:
    """Second minus first: red where the second run's effect is the more positive one."""
    fig = effect_heatmap(compared.table, theme=theme)
    reach = shared_range(compared.table)
    fig.data[0].update(zmin=-reach, zmax=reach, colorscale=style.scale_of(style.DIVERGING[theme]))
    fig.data[0].colorbar.title.text = "Difference"
    text = (
        f"{names[1]} minus {names[0]}: {captions.unit(compared.second.spec, compared.second.scale, capital=False)}. "
        f"Spearman {number(compared.spearman)} over {count(compared.cells)} nodes, "
        f"colours from {number(-reach)} to {number(reach)}."
    )
    return captions.set_caption(fig, text)
