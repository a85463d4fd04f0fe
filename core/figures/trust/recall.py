"""Cost curves of verified recall, and the bound on what was missed against the number of verified nodes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.numbers import count, number

# AtP and its repairs keep their colours; patching alone shares the grey of random order, told apart by dashes.
NAMES: dict[str, str] = {
    **{method: style.NAMES[method] for method in ("atp", "atp-qk", "atp-graddrop", "atp-star")},
    "iterative": "Random order",
    "subsampling": "Subsampling",
    "blocks": "Blocks",
    "hierarchical": "Hierarchical",
}
_DASH = {"iterative": "solid", "subsampling": "dash", "blocks": "dot", "hierarchical": "dashdot"}
_WIDTH = 2


def cost_curves(recall: pd.DataFrame, *, n_pairs: int, theme: style.Theme = "light", title: str = "") -> go.Figure:
    """Forward passes against K, both logarithmic; one line a method, a band where seeds differ.

    Args:
        recall: rows method, seed, k, cost of one family, as ``core.export.trust.recall`` writes them.
    """
    fig = style.base_figure(theme=theme, height=460, title=title)
    oracle = recall[recall.method == "oracle"]
    fig.add_trace(_line(oracle.k, oracle.cost, "Oracle", style.MUTED[theme], "dot", width=1))
    for method in [m for m in NAMES if m in set(recall.method)]:
        by_k = recall[recall.method == method].pivot(index="k", columns="seed", values="cost")
        colour = style.PALETTE[theme]["random" if method in _DASH else method]  # type: ignore[index]
        middle, spread = np.exp(np.log(by_k).mean(axis=1)), np.exp(np.log(by_k).std(axis=1).fillna(0))
        if (spread > 1.001).any():
            fig.add_trace(_band(by_k.index, middle / spread, middle * spread, colour))
        dash = _DASH.get(method) or style.DASHES[method]  # type: ignore[index]
        fig.add_trace(_line(by_k.index, middle, NAMES[method], colour, dash))
    log = {"type": "log", "dtick": 1, "exponentformat": "power"}
    fig.update_xaxes(**style.value_axis("K: the true top K nodes", theme) | log)
    fig.update_yaxes(**style.value_axis("Forward passes until all K are verified", theme) | log)
    style.legend(fig)
    fig.update_layout(hovermode="closest")
    seeds = recall.seed.nunique()
    text = (
        f"Cost of verified recall over {count(int(recall.k.max()))} nodes, N = {count(n_pairs)} "
        f"{'pair' if n_pairs == 1 else 'pairs'}. Lines are geometric means over {seeds} seeds, bands their geometric "
        "standard deviation. Dotted: an oracle that knows the order."
    )
    return captions.set_caption(fig, text)


def bound_curves(bound: pd.DataFrame, *, unit: str, theme: style.Theme = "light", title: str = "") -> go.Figure:
    """The bound at each confidence, and the true largest effect missed, against the number of verified nodes.

    Args:
        bound: rows verified, confidence, bound, true_max of one family; infinite bounds are left out.
        unit: of the effects, for the axis.
    """
    fig = style.base_figure(theme=theme, height=380, title=title)
    shown = bound[np.isfinite(bound.bound)]
    places = {k: i for i, k in enumerate(sorted(bound.verified.unique()))}
    for confidence, dash in zip(sorted(shown.confidence.unique()), ("dot", "dash", "solid")):
        rows = shown[shown.confidence == confidence]
        name = f"Bound, {100 * confidence:g} %"
        x = rows.verified.map(places)
        fig.add_trace(_line(x, rows.bound, name, style.PALETTE[theme]["atp-star"], dash, mode="lines+markers"))
    truth = bound.drop_duplicates("verified")
    ink = style.PALETTE[theme]["exact"]
    fig.add_trace(_line(truth.verified.map(places), truth.true_max, "Truly missed", ink, "solid", mode="lines+markers"))
    ticks = {"tickvals": list(places.values()), "ticktext": [count(int(k)) for k in places]}
    fig.update_xaxes(**style.value_axis("Nodes verified", theme) | ticks)
    fig.update_yaxes(**style.value_axis(f"Largest effect not verified ({unit})", theme), type="log", dtick=1)
    style.legend(fig)
    failed = int((shown.bound < shown.true_max).sum())
    text = (
        f"Upper bound on the largest effect among nodes not verified, in one draw of subsets for each point. {failed} "
    )
    text += f"of {len(shown)} bounds lie below the largest effect that was truly missed."
    return captions.set_caption(fig, text)


def _line(
    x: pd.Series, y: pd.Series, name: str, colour: str, dash: str, *, width: float = _WIDTH, mode: str = "lines"
) -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=list(y),
        mode=mode,
        name=name,
        line={"color": colour, "dash": dash, "width": width},
        marker={"size": 6},
        text=[number(value) for value in y],
        hovertemplate=f"{name}<br>%{{x}}: %{{text}}<extra></extra>",
    )


def _band(x: pd.Index, low: pd.Series, high: pd.Series, colour: str) -> go.Scatter:
    rgb = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=[*low, *high[::-1]],
        fill="toself",
        fillcolor=f"rgba({rgb},0.15)",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )
