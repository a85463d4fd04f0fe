"""The look of every figure: colours, fonts, margins, and the caption's words.

Colours follow two themes, ``light`` and ``dark``; backgrounds are transparent, so a figure sits on any page. The
diverging scale runs from blue (negative) over a neutral centre to red (positive) with lightness falling evenly on
both sides; the sequential scale runs one way from the same neutral.
"""

from __future__ import annotations

from typing import Literal

import plotly.graph_objects as go

from core.errors import SpecError
from core.figures.numbers import count, number
from core.patching.pooling import Scale
from core.runs.spec import Direction, Method, MetricName, RunSpec

Theme = Literal["light", "dark"]

FONT = '"Source Sans 3", "Source Sans", "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif'
INK = {"light": "#1d2433", "dark": "#e6e9ef"}
MUTED = {"light": "#667085", "dark": "#98a2b3"}
GRID = {"light": "#e4e7ec", "dark": "#2b3240"}
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
Series = Method | Literal["random"]
NAMES: dict[Series, str] = {
    "exact": "Exact",
    "atp": "AtP",
    "atp-qk": "AtP + QK fix",
    "atp-graddrop": "AtP + GradDrop",
    "atp-star": "AtP*",
    "random": "Random",
}
PALETTE: dict[str, dict[Series, str]] = {
    "light": {
        "exact": "#1d2433",
        "atp": "#d98200",
        "atp-qk": "#2b95cf",
        "atp-graddrop": "#008a63",
        "atp-star": "#c43c6c",
        "random": "#8a93a3",
    },
    "dark": {
        "exact": "#f2f4f7",
        "atp": "#f2a93b",
        "atp-qk": "#62bbee",
        "atp-graddrop": "#35c79a",
        "atp-star": "#f17fa5",
        "random": "#8a93a3",
    },
}
DASHES: dict[Series, str] = {
    "exact": "solid",
    "atp": "dash",
    "atp-qk": "dot",
    "atp-graddrop": "dashdot",
    "atp-star": "longdash",
    "random": "longdashdot",
}

METRIC_WORDS: dict[MetricName, str] = {
    "logit_diff": "logit difference",
    "log_prob": "log-probability",
    "prob": "probability",
    "kl": "KL divergence",
}
DIRECTION_WORDS: dict[Direction, str] = {
    "noising": "noising (the corrupt activation is put into the clean run)",
    "denoising": "denoising (the clean activation is put into the corrupt run)",
}
KIND_WORDS = {
    "q": "Queries",
    "k": "Keys",
    "v": "Values",
    "z": "Head outputs",
    "neuron": "Neurons",
    "attn_out": "Attention outputs",
    "mlp_out": "MLP outputs",
    "resid_pre": "Residual stream",
}


def base_figure(*traces: go.Figure, theme: Theme, height: int, title: str = "") -> go.Figure:
    """An empty figure in our style, holding the traces.

    Args:
        height: in CSS pixels; the width is the page's.
        title: already escaped (see ``core.figures.tokens.escaped``).
    """
    fig = go.Figure(list(traces))
    axis = {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "color": INK[theme],
        "tickfont": {"size": 11, "color": INK[theme]},
        "title": {"font": {"size": 12, "color": MUTED[theme]}, "standoff": 8},
    }
    fig.update_layout(
        template="none",
        height=height,
        margin={"l": 52, "r": 16, "t": 44 if title else 16, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 12, "color": INK[theme]},
        title={"text": title, "x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container"}
        | {"yanchor": "top", "pad": {"t": 12}, "font": {"size": 14, "color": INK[theme]}, "automargin": False},
        xaxis=axis,
        yaxis=axis,
        showlegend=False,
        hoverlabel={"bgcolor": PAPER[theme], "bordercolor": MUTED[theme], "align": "left"}
        | {"font": {"family": FONT, "size": 12, "color": INK[theme]}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MUTED[theme], "activecolor": INK[theme], "orientation": "v"},
    )
    return fig


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


def scale_words(metric: MetricName, scale: Scale, *, signed: bool = True) -> str:
    """What one number is: ``change of the logit difference``, ``fraction of the clean–corrupt gap`` …"""
    if scale == "fraction":
        return "fraction of the clean–corrupt gap" if signed else "score as a fraction of the clean–corrupt gap"
    if scale == "absolute" and signed:
        return f"magnitude of the change of the {METRIC_WORDS[metric]}"
    return f"change of the {METRIC_WORDS[metric]}" if signed else f"score (magnitude) on the {METRIC_WORDS[metric]}"


def caption(
    spec: RunSpec,
    *,
    n_pairs: int,
    scale: Scale = "signed",
    left_out: int = 0,
    colour_range: tuple[float, float] | None = None,
    method: str | None = None,
    notes: tuple[str, ...] = (),
) -> str:
    """The sentence under a figure, in plain text: metric, direction, method, N and colour range, then ``notes``.

    Args:
        left_out: pairs that could not enter because their gap is too small.
        colour_range: lowest and highest value that the colours tell apart.
        method: the method's name where the figure shows several; else the spec's own.
    """
    unit = scale_words(spec.metric, scale, signed=spec.signed)
    parts = [
        f"{unit[0].upper()}{unit[1:]}",
        DIRECTION_WORDS[spec.direction],
        method or NAMES[spec.method],
        f"N = {count(n_pairs)} {'pair' if n_pairs == 1 else 'pairs'}"
        + (f" ({count(left_out)} left out: gap too small)" if left_out else ""),
    ]
    if colour_range:
        low, high = (number(x) for x in colour_range)
        parts.append(f"colours from {low} to {high}")
    return " ".join([", ".join(parts) + ".", *notes])


def set_caption(fig: go.Figure, text: str) -> go.Figure:
    """Store the caption with the figure, where exports find it."""
    fig.layout.meta = {"caption": text}
    return fig


def caption_of(fig: go.Figure) -> str:
    """The caption stored by ``set_caption``; empty where there is none."""
    return (fig.layout.meta or {}).get("caption", "")


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
