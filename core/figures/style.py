"""The look of every figure: colours, dashes, fonts and margins.

Colours follow two themes, ``light`` and ``dark``; backgrounds are transparent, so a figure sits on any page. The
diverging scale runs from blue (negative) over a neutral centre to red (positive) with lightness falling evenly on
both sides; the sequential scale runs one way from the same neutral.
"""

from __future__ import annotations

from typing import Literal

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from core.terms import Choice

Theme = Literal["light", "dark"]

FONT = '"Source Sans 3", "Source Sans", "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif'
INK = {"light": "#1d2433", "dark": "#e6e9ef"}
MUTED = {"light": "#667085", "dark": "#98a2b3"}
GRID = {"light": "#e4e7ec", "dark": "#2b3240"}
ZERO = {"light": "#b4bac6", "dark": "#4b5466"}
PAPER = {"light": "#ffffff", "dark": "#11151d"}
ACCENT = {"light": "#b45309", "dark": "#fbbf24"}  # the selected cell
MISSING = {"light": "#eceef2", "dark": "#232936"}  # not computed

DIVERGING = {
    "light": ["#0b3c6f", "#2166ac", "#5a9bcb", "#a9cfe5", "#f6f6f4", "#f7bfa3", "#e17a5f", "#b8303a", "#6d0b22"],
    "dark": ["#b5dcfa", "#6fb4ec", "#3683c4", "#205380", "#1a1f2a", "#7c3323", "#c2553b", "#ee8c6c", "#ffd0bb"],
}
SEQUENTIAL = {
    "light": ["#f6f6f4", "#dcdcf0", "#b8b2dc", "#917fc2", "#6c4ba3", "#48227d", "#280a50"],
    "dark": ["#1a1f2a", "#33295a", "#573c92", "#8059bb", "#a983d8", "#cfb2ee", "#f0e2fd"],
}

# One colour and one dash a method, on every page and in every export.
Series = Choice | Literal["random"]
NAMES: dict[Series, str] = {
    "screen": "Screen and verify",
    "exact": "Exact",
    "atp": "AtP",
    "atp-qk": "AtP + QK fix",
    "atp-graddrop": "AtP + GradDrop",
    "atp-star": "AtP*",
    "random": "Random",
}
PALETTE: dict[str, dict[Series, str]] = {
    "light": {
        "screen": "#6c4ba3",
        "exact": "#1d2433",
        "atp": "#d98200",
        "atp-qk": "#2b95cf",
        "atp-graddrop": "#008a63",
        "atp-star": "#c43c6c",
        "random": "#8a93a3",
    },
    "dark": {
        "screen": "#a983d8",
        "exact": "#f2f4f7",
        "atp": "#f2a93b",
        "atp-qk": "#62bbee",
        "atp-graddrop": "#35c79a",
        "atp-star": "#f17fa5",
        "random": "#8a93a3",
    },
}
DASHES: dict[Series, str] = {
    "screen": "10px,3px,2px,3px,2px,3px",
    "exact": "solid",
    "atp": "dash",
    "atp-qk": "dot",
    "atp-graddrop": "dashdot",
    "atp-star": "longdash",
    "random": "longdashdot",
}
MARKERS: dict[Series, str] = {
    "screen": "hexagon",
    "exact": "circle",
    "atp": "square",
    "atp-qk": "diamond",
    "atp-graddrop": "triangle-up",
    "atp-star": "star",
    "random": "x",
}


CLICK_TARGETS = "click targets"  # ``meta`` of traces that only serve the mouse
CLICK_HINT = "<br>click to inspect this node"


def base_figure(*traces: BaseTraceType, theme: Theme, height: int, title: str = "") -> go.Figure:
    """An empty figure in our style, holding the traces.

    Args:
        height: in CSS pixels; the width is the page's.
        title: already escaped (see ``core.figures.tokens.escaped``).
    """
    axis = {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "color": INK[theme],
        "tickfont": {"size": 11, "color": INK[theme]},
        "title": {"font": {"size": 12, "color": MUTED[theme]}, "standoff": 8},
    }
    layout = {
        "template": "none",
        "height": height,
        "margin": {"l": 52, "r": 16, "t": 44 if title else 16, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": INK[theme]},
        "title": {"text": title, "x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container"}
        | {"yanchor": "top", "pad": {"t": 12}, "font": {"size": 14, "color": INK[theme]}, "automargin": False},
        "xaxis": axis,
        "yaxis": axis,
        "showlegend": False,
        "hoverlabel": {"bgcolor": PAPER[theme], "bordercolor": MUTED[theme], "align": "left"}
        | {"font": {"family": FONT, "size": 12, "color": INK[theme]}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED[theme], "activecolor": INK[theme], "orientation": "v"},
    }
    return go.Figure(list(traces), layout=layout)  # whole: update_layout takes ten times as long


def scale_of(colours: list[str]) -> list[list[float | str]]:
    """Evenly spaced plotly colour scale stops."""
    last = len(colours) - 1
    return [[i / last, colour] for i, colour in enumerate(colours)]


def colour_bar(title: str, theme: Theme) -> dict:
    """A thin bar on the right, its title along it."""
    return {
        "title": {"text": title, "side": "right", "font": {"size": 11, "color": MUTED[theme]}},
        "thickness": 10,
        "outlinewidth": 0,
        "ticks": "",
        "nticks": 5,
        "tickfont": {"size": 11, "color": INK[theme]},
        "xpad": 8,
        "ypad": 0,
    }


def legend(fig: go.Figure) -> go.Figure:
    """A legend in the title's row, right-aligned, where there is more than one series."""
    named = sum(trace.showlegend is not False for trace in fig.data)
    place = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "top", "yref": "container"}
    fig.update_layout(showlegend=named > 1, legend={**place, "font": {"size": 11}, "bgcolor": "rgba(0,0,0,0)"})
    fig.update_layout(margin_t=56 if named > 1 else fig.layout.margin.t)
    return fig


def value_axis(title: str, theme: Theme) -> dict:
    """Settings of an axis that carries amounts: faint grid, the zero line a little stronger."""
    return {
        "title": {"text": title},
        "showgrid": True,
        "gridcolor": GRID[theme],
        "zeroline": True,
        "zerolinecolor": ZERO[theme],
        "zerolinewidth": 1,
    }


def reference_line(fig: go.Figure, x: float, text: str, theme: Theme) -> None:
    """A dotted vertical line with its name above it."""
    fig.add_vline(x=x, line={"color": MUTED[theme], "width": 1, "dash": "dot"})
    font = {"size": 10, "color": MUTED[theme]}
    fig.add_annotation(x=x, y=1, yref="paper", yanchor="bottom", text=text, showarrow=False, font=font)
