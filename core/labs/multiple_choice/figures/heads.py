"""Multiple choice: where heads look, the subspaces of their queries, keys and values, and what mutations leave.

Tables are those of ``core.labs.multiple_choice.tables``.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.numbers import count, number
from core.figures.tokens import escaped
from core.labs.multiple_choice.figures.overview import PLACE_NAMES, band, curve_line, place_colours

PART_WORDS = {"q": "queries", "k": "keys", "q+k": "queries and keys", "v": "values"}
FIT_WORDS = {
    "svd": "first SVD directions",
    "means": "means of the places",
    "shuffled": "means of shuffled places",
    "random": "random directions",
}
_FITS: dict[str, tuple[style.Series, str]] = {
    "svd": ("atp-star", "solid"),
    "means": ("atp-qk", "dash"),
    "shuffled": ("atp", "dot"),
    "random": ("random", "longdashdot"),
}
MEASURES = {"recovered": "Recovered loss", "accuracy": "Right answers", "loss": "Loss (nats)"}
VERSIONS: dict[str, tuple[str, style.Series]] = {
    "full": ("unpatched", "exact"),
    "low rank": ("low rank", "atp-star"),
    "random": ("random subspace", "random"),
    "ablated": ("resampled", "atp"),
}
_GROUPS = ("label", "option", "end", "bracket")
_GROUP_WORDS = {"label": "label", "option": "text", "end": "line end", "bracket": "brackets"}
_REST = {"preamble": "preamble", "question": "question", "cue": "last tokens", "start": "start"}


def looks(table: pd.DataFrame, heads: list[tuple[int, int, str]], *, n: int, theme: style.Theme = "light") -> go.Figure:
    """Value-weighted attention from the last token: four rows a head (which option is right), a column a kind of token.

    Args:
        heads: layer, head, category; in the order shown.
    """
    columns = [(kind, place) for kind in _GROUPS for place in range(1, 5)] + [(kind, 0) for kind in _REST]
    used = table.groupby(["source", "option"]).weight.max()
    columns = [column for column in columns if used.get(column, 0) > 0]
    grid, ticks = [], []
    for layer, head, _ in heads:
        mine = table[(table.layer == layer) & (table["head"] == head)]
        wide = mine.pivot_table(index="right", columns=["source", "option"], values="weight")
        for right in range(1, 5):
            grid.append([float(wide[column].get(right, float("nan"))) for column in columns])
            ticks.append(f"{right}")
    names = [f"{_GROUP_WORDS[kind]} {place}" if place else _REST[kind] for kind, place in columns]
    heat = go.Heatmap(
        z=grid,
        zmin=0,
        zmax=1,
        colorscale=style.scale_of(style.SEQUENTIAL[theme]),
        colorbar=style.colour_bar("Share of value-weighted attention", theme),
        xgap=1,
        ygap=1,
        customdata=[[f"L{a}H{b}, {c}"] * len(columns) for a, b, c in heads for _ in range(4)],
        text=[names] * len(grid),
        hovertemplate="%{customdata}<br>option %{y} right<br>%{text}: %{z:.2f}<extra></extra>",
        hoverongaps=False,
    )
    fig = style.base_figure(heat, theme=theme, height=140 + 17 * len(grid) + 6 * len(heads))
    fig.update_yaxes(
        tickvals=list(range(len(grid))),
        ticktext=ticks,
        range=[len(grid) - 0.5, -0.5],
        title_text="Right option",
        fixedrange=True,
    )
    fig.update_xaxes(tickvals=list(range(len(columns))), ticktext=names, tickangle=-60, fixedrange=True)
    for i, (layer, head, category) in enumerate(heads):
        if i:
            fig.add_hline(y=4 * i - 0.5, line={"color": style.INK[theme], "width": 1.5})
        fig.add_annotation(
            x=-0.05,
            xref="paper",
            y=4 * i + 1.5,
            xanchor="right",
            align="right",
            text=f"<b>L{layer}H{head}</b><br>{escaped(category)}",
            showarrow=False,
            font={"size": 11, "color": style.INK[theme]},
        )
    fig.update_yaxes(title_standoff=96)
    fig.update_layout(margin={"l": 150, "b": 96})
    return captions.set_caption(
        fig,
        "Where heads look from the last token: attention times the length of what the head would write from there, "
        "as shares of each prompt's sum, summed over tokens of a kind. Four rows a head: which option is right. Mean "
        f"over N = {count(n)} prompts answered correctly.",
    )


def rank_curves(
    ranks: pd.DataFrame, *, heads: str, parts: str, on: str, measure: str, theme: style.Theme = "light"
) -> go.Figure:
    """What is left with a head's queries, keys or values in a subspace, by its rank and by how it was found."""
    mine = ranks[(ranks.heads == heads) & (ranks.parts == parts) & (ranks["on"] == on)]
    sizes = sorted(mine["rank"].unique())
    at = {size: i for i, size in enumerate(sizes)}
    fig = style.base_figure(theme=theme, height=400)
    for how, (series, dash) in _FITS.items():
        by_rank = mine[mine.fit == how].groupby("rank")[measure].agg(["mean", "min", "max"]).dropna()
        if by_rank.empty:
            continue
        x, colour = [at[size] for size in by_rank.index], style.PALETTE[theme][series]
        if (by_rank["max"] > by_rank["min"]).any():
            fig.add_trace(band(x, by_rank["min"], by_rank["max"], colour))
        fig.add_trace(curve_line(x, by_rank["mean"], FIT_WORDS[how], colour, dash))
    first = mine.iloc[0]
    if measure == "loss":
        fig.add_hline(y=first.full_loss, line={"color": style.MUTED[theme], "width": 1, "dash": "dot"})
    fig.update_xaxes(**style.value_axis("Rank of the subspace", theme), tickvals=list(at.values()))
    fig.update_xaxes(ticktext=[str(size) for size in sizes], showgrid=False)
    fig.update_yaxes(**style.value_axis(MEASURES[measure], theme))
    if measure == "accuracy":
        fig.update_yaxes(range=[0, 1.03], tickformat=".0%")
    style.legend(fig)
    draws = mine[mine.fit == "random"].draw.nunique()
    who = "All studied heads" if heads == "together" else heads
    text = (
        f"{MEASURES[measure]} with the {PART_WORDS[parts]} of {who} kept only in a subspace fitted on the first half "
        f"of the questions; measured on N = {count(int(first.n))} prompts ({on}). Unpatched loss "
        f"{number(first.full_loss)}, resampled {number(first.resampled_loss)}. Recovered loss: 1 nothing lost, 0 as "
        f"bad as resampling, which promotes a wrong label. Random and shuffled: mean and range of {draws} draws. Four "
        "places have means that span at most 3 directions, whatever the head does."
    )
    return captions.set_caption(fig, text)


def scatter(
    points: pd.DataFrame, separation: pd.DataFrame, *, head: str, fit: str, theme: style.Theme = "light"
) -> go.Figure:
    """Queries and keys of the held-out prompts in three directions, coloured by place: two scenes side by side."""
    mine = points[(points["head"] == head) & (points.fit == fit) & (points["on"] == "held out")]
    fig = style.base_figure(theme=theme, height=480)
    for column, part in enumerate(("q", "k")):
        for place, (name, colour) in enumerate(zip(PLACE_NAMES, place_colours(theme)), start=1):
            rows = mine[(mine.part == part) & (mine.place == place)]
            fig.add_trace(
                go.Scatter3d(
                    x=rows.x.tolist(),
                    y=rows.y.tolist(),
                    z=rows.z.tolist(),
                    mode="markers",
                    name=name,
                    scene="scene" if column == 0 else "scene2",
                    legendgroup=name,
                    showlegend=column == 0,
                    marker={
                        "size": 4,
                        "color": colour,
                        "opacity": 0.85,
                        "symbol": ("circle", "square", "diamond", "cross")[place - 1],
                    },
                    text=rows.label.tolist(),
                    hovertemplate=f"{PART_WORDS[part]}, {name}<br>label %{{text}}<extra></extra>",
                )
            )
    half = {"xaxis": _axis("1", theme), "yaxis": _axis("2", theme), "zaxis": _axis("3", theme)}
    camera = {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}}
    fig.update_layout(
        scene={**half, "domain": {"x": [0, 0.49], "y": [0, 1]}, "camera": camera},
        scene2={**half, "domain": {"x": [0.51, 1], "y": [0, 1]}, "camera": camera},
        margin={"l": 0, "r": 0, "b": 8},
    )
    shares = separation[(separation["head"] == head) & (separation.fit == fit)].set_index("part").held_out
    for x, part in ((0.245, "q"), (0.755, "k")):
        text = f"{PART_WORDS[part].capitalize()}: {shares[part]:.0%} nearest to their own place's mean"
        font = {"size": 12, "color": style.INK[theme]}
        fig.add_annotation(
            x=x, y=1, xref="paper", yref="paper", text=text, showarrow=False, yanchor="bottom", font=font
        )
    style.legend(fig)
    fig.update_layout(margin_t=76, legend_itemsizing="constant")
    n = int((mine.part == "q").sum())
    return captions.set_caption(
        fig,
        f"{head}: queries at the last token by the place of the right option, and keys at one token of each option by "
        f"that option's place, in three directions ({FIT_WORDS[fit]}) fitted on the first half of the questions. "
        f"N = {count(n)} held-out prompts. Chance for the nearest mean is 25 %; four means span at most 3 directions.",
    )


def _axis(title: str, theme: style.Theme) -> dict:
    return {
        "title": {"text": title, "font": {"size": 11, "color": style.MUTED[theme]}},
        "showticklabels": False,
        "showbackground": False,
        "gridcolor": style.GRID[theme],
        "zerolinecolor": style.ZERO[theme],
        "showspikes": False,
    }


def mutation_bars(
    mutations: pd.DataFrame, *, measure: str, rank: int, heads: str, theme: style.Theme = "light"
) -> go.Figure:
    """Loss or accuracy under every mutation: unpatched, low rank, random subspace, resampled."""
    names = list(dict.fromkeys(mutations.mutation))
    fig = style.base_figure(theme=theme, height=420)
    for version, (name, series) in VERSIONS.items():
        rows = mutations[mutations.version == version].set_index("mutation").reindex(names)
        if rows[measure].isna().all():
            continue
        whisker = {"array": (1.96 * rows.se).tolist(), "color": style.MUTED[theme], "thickness": 1, "width": 3}
        fig.add_trace(
            go.Bar(
                x=names,
                y=rows[measure].tolist(),
                name=name,
                marker={"color": style.PALETTE[theme][series]},
                error_y=whisker if measure == "loss" else None,
                hovertemplate=f"{name}<br>%{{x}}: %{{y:.3g}}<extra></extra>",
            )
        )
    fig.update_layout(barmode="group", bargap=0.25, bargroupgap=0.05, margin_b=88)
    fig.update_xaxes(tickangle=-30, automargin=True)
    fig.update_yaxes(**style.value_axis(MEASURES[measure], theme))
    if measure == "accuracy":
        fig.update_yaxes(range=[0, 1.03], tickformat=".0%")
        fig.add_hline(y=0.25, line={"color": style.MUTED[theme], "width": 1, "dash": "dot"})
    style.legend(fig)
    n = int(mutations.n.iloc[0])
    text = f"{MEASURES[measure]} on the second half of the questions under every mutation, N = {count(n)} prompts each"
    if len(set(mutations.version)) > 1:
        text += (
            f". Low rank: queries and keys of {heads} kept in {rank} SVD directions fitted on standard prompts of the "
            "first half. Random: as many random directions, mean of 5 draws. Resampled: their outputs come from a "
            "prompt with another right place"
        )
    text += ". Whiskers: 95 % intervals over questions." if measure == "loss" else ". Dotted: chance."
    return captions.set_caption(fig, text)
