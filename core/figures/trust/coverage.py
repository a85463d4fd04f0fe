"""Nominal against actual rate of the bound: one point a case, number of verified nodes and confidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import beta

from core.figures import captions, style
from core.figures.numbers import count, number
from core.figures.tokens import escaped

_COLOURS = ("atp", "atp-qk", "atp-graddrop", "atp-star")  # one a confidence


def coverage_rates(
    table: pd.DataFrame, *, names: Mapping[str, str], theme: style.Theme = "light", title: str = ""
) -> go.Figure:
    """Share of draws in which the bound held, with its 95 % interval (Clopper and Pearson) where draws are independent;
    a short line marks what the confidence promises.

    Args:
        table: rows case, verified, samples, pool, confidence, draws, held, true_max, bound, lowest; pool: from how
            many patched subsets every draw takes its samples, 0: from none.
        names: case -> what to call it.
    """
    groups = list(dict.fromkeys(zip(table.case, table.verified)))
    levels = sorted(table.confidence.unique())
    fig = style.base_figure(theme=theme, height=110 + 44 * len(groups), title=escaped(title))
    for i, confidence in enumerate(levels):
        rows = table[table.confidence == confidence]
        y = [groups.index((r.case, r.verified)) + 0.24 * (i - (len(levels) - 1) / 2) for r in rows.itertuples()]
        colour = style.PALETTE[theme][_COLOURS[i % len(_COLOURS)]]  # type: ignore[index]
        fig.add_trace(_points(rows, y, confidence, colour, style.MARKERS[_COLOURS[i]]))  # type: ignore[index]
        for place in y:
            line = {"color": style.INK[theme], "width": 1.5}
            fig.add_shape(type="line", x0=confidence, x1=confidence, y0=place - 0.1, y1=place + 0.1, line=line)
    labels = [f"{escaped(names.get(case, case))}<br>{count(int(n))} verified" for case, n in groups]
    low = min(0.85, float((table.held / table.draws).min()) - 0.03)
    fig.update_xaxes(**style.value_axis("Share of draws in which the bound held", theme), range=[max(low, -0.02), 1.01])
    fig.update_xaxes(tickformat=".0%")
    fig.update_yaxes(
        tickvals=list(range(len(groups))), ticktext=labels, range=[len(groups) - 0.5, -0.5], automargin=True
    )
    style.legend(fig)
    first = table.iloc[0]
    text = (
        f"{count(int(first.draws))} seeded draws of {count(int(first.samples))} subsets for each point, each node in "
        "one of fifty; lines across are what the confidence promises. Whiskers are 95 % intervals of the share, where "
        "every draw patched its own subsets."
    )
    if pool := int(table.pool.max()):
        text += f" On the model a draw takes its subsets out of {count(pool)}, so that draws overlap a little."
    return captions.set_caption(fig, text)


def _points(rows: pd.DataFrame, y: list[float], confidence: float, colour: str, symbol: str) -> go.Scatter:
    share = (rows.held / rows.draws).to_numpy()
    low, high = _interval(rows.held.to_numpy(), rows.draws.to_numpy())
    low, high = (np.where(rows.pool > 0, share, end) for end in (low, high))
    name = f"{100 * confidence:g} %"
    return go.Scatter(
        x=share.tolist(),
        y=y,
        mode="markers",
        name=name,
        marker={"size": 8, "color": colour, "symbol": symbol},
        error_x={
            "type": "data",
            "array": (high - share).tolist(),
            "arrayminus": (share - low).tolist(),
            "color": colour,
            "thickness": 1,
            "width": 3,
        },
        text=[
            f"held in {r.held} of {r.draws}<br>median bound {number(r.bound)}, lowest {number(r.lowest)}"
            f"<br>largest effect not verified {number(r.true_max)}"
            for r in rows.itertuples()
        ],
        hovertemplate=f"{name} bound %{{text}}<extra></extra>",
    )


def _interval(held: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share."""
    low = beta.ppf(0.025, held, draws - held + 1)
    high = beta.ppf(0.975, held + 1, draws - held)
    return np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=1.0)
