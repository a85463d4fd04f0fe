"""Figures at the size of a page's column, for papers."""

from __future__ import annotations

from typing import Literal

import plotly.graph_objects as go

from core.errors import SpecError
from core.figures.style import CLICK_HINT, CLICK_TARGETS

PRINT_WIDTH_IN = {1: 3.35, 2: 6.9}
PRINT_DPI = 96  # CSS pixels an inch: an exported SVG of this width measures as many inches on paper
PRINT_PX = 8 * PRINT_DPI / 72  # 8 pt
SMALLER = 0.65  # print is denser than the screen: of the drawing's height, and of markers
LOWEST, TALLEST = 0.45, 1.6  # height of the drawing and of the whole figure, times the width


def for_print(fig: go.Figure, *, columns: Literal[1, 2] = 1, transparent: bool = False) -> go.Figure:
    """A copy at the width of one column (3.35 in) or two (6.9 in), all text 8 pt, on white or nothing.

    What only serves the mouse is left out. Colours are the figure's own: draw it in the light theme first.
    """
    if columns not in PRINT_WIDTH_IN:
        raise SpecError("A figure spans one column or two.", where="columns")
    width = round(PRINT_WIDTH_IN[columns] * PRINT_DPI)
    out = go.Figure([trace for trace in fig.data if trace.meta != CLICK_TARGETS], layout=fig.layout)
    out.update_layout(
        width=width,
        height=_height(fig, width),
        autosize=False,
        paper_bgcolor="rgba(0,0,0,0)" if transparent else "#ffffff",
        font={"size": PRINT_PX, "family": 'Helvetica, Arial, "Liberation Sans", sans-serif'},
        title_font_size=PRINT_PX,
        legend_font_size=PRINT_PX,
    )
    text = {"tickfont": {"size": PRINT_PX}, "title": {"font": {"size": PRINT_PX}}}
    out.for_each_xaxis(lambda axis: axis.update(text))
    out.for_each_yaxis(lambda axis: axis.update(text))
    out.for_each_annotation(lambda note: note.update(font={"size": PRINT_PX}))
    out.for_each_trace(lambda trace: trace.update(colorbar=text), {"type": "heatmap"})
    out.for_each_trace(lambda trace: trace.update(marker_size=_smaller(trace.marker.size)), {"type": "scatter"})
    if out.layout.showlegend and out.layout.title.text:  # a column is too narrow for both in one row
        out.update_layout(legend={"x": 0, "xanchor": "left", "y": 1 - 24 / out.layout.height}, margin_t=68)
    return out


def _smaller(size: float | tuple[float, ...] | None) -> float | list[float]:
    """Marker sizes for print, one for all or one each."""
    return [SMALLER * one for one in size] if isinstance(size, (tuple, list)) else SMALLER * (size or 6)


def _height(fig: go.Figure, width: int) -> int:
    margins = fig.layout.margin.t + fig.layout.margin.b
    drawing = fig.layout.height - margins
    smaller = max(SMALLER * drawing, min(LOWEST * width, drawing))
    return round(min(margins + smaller, TALLEST * width))


def for_reading(fig: go.Figure) -> go.Figure:
    """A copy for a file on its own: hovers no longer promise that a click does something."""
    out = go.Figure(fig)
    for trace in out.data:
        if trace.hovertemplate:
            trace.hovertemplate = trace.hovertemplate.replace(CLICK_HINT, "")
    return out
