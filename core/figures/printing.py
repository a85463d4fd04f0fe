"""Figures at the size of a page's column, for papers."""

from __future__ import annotations

from typing import Literal

import plotly.graph_objects as go

from core.errors import SpecError

PRINT_WIDTH_IN = {1: 3.35, 2: 6.9}
PRINT_DPI = 96  # CSS pixels an inch: an exported SVG of this width measures as many inches on paper
PRINT_PT = 8


def for_print(fig: go.Figure, *, columns: Literal[1, 2] = 1, transparent: bool = False) -> go.Figure:
    """A copy at the width of one column (3.35 in) or two (6.9 in), all text 8 pt, on white or nothing.

    Colours are the figure's own: draw it in the light theme first.
    """
    if columns not in PRINT_WIDTH_IN:
        raise SpecError("A figure spans one column or two.", where="columns")
    out = go.Figure(fig)
    pixels = PRINT_PT * PRINT_DPI / 72
    out.update_layout(
        width=round(PRINT_WIDTH_IN[columns] * PRINT_DPI),
        autosize=False,
        paper_bgcolor="rgba(0,0,0,0)" if transparent else "#ffffff",
        font_size=pixels,
        font_family='Helvetica, Arial, "Liberation Sans", sans-serif',
        title_font_size=pixels,
    )
    size = {"font": {"size": pixels}}
    out.for_each_xaxis(lambda a: a.update(tickfont={"size": pixels}, title=size))
    out.for_each_yaxis(lambda a: a.update(tickfont={"size": pixels}, title=size))
    out.for_each_annotation(lambda a: a.update(font={"size": pixels}))
    out.for_each_trace(lambda t: t.update(colorbar={"tickfont": {"size": pixels}, "title": size}), {"type": "heatmap"})
    return out
