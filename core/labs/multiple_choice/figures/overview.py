"""Multiple choice: label shares, output nodes, direct against total effects, sufficiency, and the toy's training.

Tables are those of ``core.labs.multiple_choice.tables``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import captions, style
from core.figures.numbers import count, number
from core.figures.tokens import escaped

PLACE_NAMES = ("1st option", "2nd option", "3rd option", "4th option")
_PLACES: tuple[style.Series, ...] = ("atp-qk", "atp", "atp-graddrop", "atp-star")
CATEGORY_SYMBOLS = {
    "correct letter": "star",
    "single letter": "diamond",
    "uniform": "square",
    "content gatherer": "triangle-up",
    "amplification": "hexagon",
    "other": "circle",
    "MLP": "x",
}
CATEGORY_COLOURS: dict[str, style.Series] = {
    "correct letter": "atp-star",
    "single letter": "atp",
    "uniform": "atp-graddrop",
    "content gatherer": "atp-qk",
    "amplification": "exact",
    "other": "random",
    "MLP": "random",
}
METRIC_WORDS = {"loss": "loss in nats", "centred logit": "centred logit of the right label"}
ABLATION_WORDS = {
    "resample": "resampled from a prompt with another right place",
    "mean": "mean over prompts",
    "zero": "zero",
}


def place_colours(theme: style.Theme) -> list[str]:
    """One colour an option's place."""
    return [style.PALETTE[theme][name] for name in _PLACES]


def label_shares(labels: pd.DataFrame, prompts: dict[str, int], *, theme: style.Theme = "light") -> go.Figure:
    """How often each place is chosen, a bar a mutation; without a bias each is a quarter.

    Args:
        prompts: number of prompts by mutation.
    """
    names = list(dict.fromkeys(labels.mutation))[::-1]
    fig = style.base_figure(theme=theme, height=120 + 34 * len(names))
    for place, (name, colour) in enumerate(zip(PLACE_NAMES, place_colours(theme)), start=1):
        rows = labels[labels.place == place].set_index("mutation").loc[names]
        texts = [
            f"{label or place} {share:.0%}" if share >= 0.08 else "" for label, share in zip(rows.label, rows.share)
        ]
        fig.add_trace(
            go.Bar(
                x=rows.share.tolist(),
                y=names,
                orientation="h",
                name=name,
                marker={"color": colour, "line": {"width": 1, "color": style.PAPER[theme]}},
                text=[escaped(text) for text in texts],
                textposition="inside",
                insidetextanchor="start",
                textangle=0,
                textfont={"color": style.PAPER[theme], "size": 11},
                hovertemplate="%{y}<br>" + name + ": chosen in %{x:.1%}<extra></extra>",
            )
        )
    for x in (0.25, 0.5, 0.75):
        fig.add_vline(x=x, line={"color": style.INK[theme], "width": 1, "dash": "dot"})
    fig.update_layout(barmode="stack", bargap=0.3)
    fig.update_xaxes(title_text="Share of prompts in which a label is chosen", range=[0, 1], tickformat=".0%")
    fig.update_yaxes(automargin=True)
    style.legend(fig)
    fig.update_layout(legend_traceorder="normal")
    most, rest = prompts["standard"], [n for name, n in prompts.items() if name != "standard"]
    return captions.set_caption(
        fig,
        "Share of prompts in which each option's label has the highest of the four logits, by how the questions are "
        f"labelled. Every place is right in a quarter of the prompts (dotted). N = {count(most)} prompts for standard"
        + (f", {count(rest[0])} (second half of the questions) for the others." if rest else "."),
    )


def node_bars(nodes: pd.DataFrame, *, n: int, most: int = 30, theme: style.Theme = "light") -> go.Figure:
    """Net direct effects, largest first, with the cut."""
    shown = nodes.head(most)
    fig = style.base_figure(theme=theme, height=100 + 20 * max(len(shown), 5))
    for output, name, series in ((True, "output nodes", "atp-star"), (False, "others", "random")):
        rows = shown[shown.output == output]
        if len(rows):
            fig.add_trace(
                go.Bar(
                    x=rows.net_direct.tolist(),
                    y=rows.node.tolist(),
                    orientation="h",
                    name=name,
                    width=0.72,
                    marker={"color": style.PALETTE[theme][series]},  # type: ignore[index]
                    error_x={"array": (1.96 * rows.se).tolist(), "color": style.INK[theme], "thickness": 1, "width": 3},
                    text=[f"{category or 'MLP'}" for category in rows.category],
                    customdata=rows.share.tolist(),
                    textposition="none",
                    hovertemplate="%{y} (%{text})<br>%{x:.3g}<br>%{customdata:.0%} with all before it<extra></extra>",
                )
            )
    fig.update_xaxes(**style.value_axis("Net direct effect (logits)", theme))
    fig.update_yaxes(categoryorder="array", categoryarray=shown.node.tolist()[::-1], automargin=True)
    style.legend(fig)
    cut, more = int(nodes.output.sum()), len(nodes) - len(shown)
    text = (
        "Net direct effect: a node's part in the right label's logit minus the mean of its parts in the four (final "
        f"norm held at its scale). Mean over N = {count(n)} prompts answered correctly, whiskers 95 % intervals. "
        f"{count(cut)} of {count(len(nodes))} nodes hold 80 % of the sum of the positive effects."
    )
    return captions.set_caption(fig, text + (f" The other {count(more)} nodes are not shown." if more else ""))


def direct_total(
    effects: pd.DataFrame, nodes: pd.DataFrame, *, ablation: str, metric: str, theme: style.Theme = "light"
) -> go.Figure:
    """Direct against total effect, one point a node; off the diagonal, later nodes carry what it does."""
    mine = effects[(effects.ablation == ablation) & (effects.metric == metric)]
    both = mine.pivot(index="node", columns="path", values=["effect", "se"])
    kinds = nodes.set_index("node")
    fig = style.base_figure(theme=theme, height=460)
    names = {node: kinds.category[node] or "MLP" for node in both.index}
    for category, symbol in CATEGORY_SYMBOLS.items():
        rows = both[[names[node] == category for node in both.index]]
        if len(rows):
            fig.add_trace(_nodes(rows, kinds, category, symbol, theme))
    values = both["effect"].to_numpy()
    ends = [min(0.0, values.min()), max(0.0, values.max())]
    line = {"color": style.MUTED[theme], "width": 1, "dash": "dot"}
    fig.add_shape(type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1], line=line, layer="below")
    for i, node in enumerate(both["effect"].abs().max(axis=1).nlargest(6).index):
        x, y = both["effect"].direct[node], both["effect"].total[node]
        if max(abs(x), abs(y)) > 0.02 * max(map(abs, ends)):
            _label(fig, x, y, node, theme, below=i % 2 == 1)
    unit = METRIC_WORDS[metric]
    fig.update_xaxes(**style.value_axis(f"Direct effect (change of the {unit})", theme))
    fig.update_yaxes(**style.value_axis(f"Total effect (change of the {unit})", theme))
    style.legend(fig)
    fig.update_layout(hovermode="closest")
    return captions.set_caption(
        fig,
        f"Change of the {unit}, patched minus unpatched, when one node's output at the last token is replaced "
        f"({ABLATION_WORDS[ablation]}); direct: only its write into the final stream; total: all later layers run "
        f"again. Mean over N = {count(int(mine.n.iloc[0]))} prompts answered correctly; whiskers 95 % intervals. "
        f"Filled: output nodes. Dotted: direct = total.",
    )


def _nodes(rows: pd.DataFrame, kinds: pd.DataFrame, category: str, symbol: str, theme: style.Theme) -> go.Scatter:
    output = [bool(kinds.output[node]) for node in rows.index]
    effect, se = rows["effect"], rows["se"]
    whisker: dict[str, Any] = {"color": style.MUTED[theme], "thickness": 1, "width": 0}
    return go.Scatter(
        x=effect.direct.tolist(),
        y=effect.total.tolist(),
        error_x=whisker | {"array": (1.96 * se.direct).tolist()},
        error_y=whisker | {"array": (1.96 * se.total).tolist()},
        mode="markers",
        name=category,
        text=list(rows.index),
        marker={
            "symbol": [symbol if chosen or symbol == "x" else f"{symbol}-open" for chosen in output],
            "size": 10,
            "color": style.PALETTE[theme][CATEGORY_COLOURS[category]],
            "line": {"width": 1.5},
        },
        hovertemplate="%{text} (" + category + ")<br>direct %{x:.3g}<br>total %{y:.3g}<extra></extra>",
    )


def _label(fig: go.Figure, x: float, y: float, text: str, theme: style.Theme, *, below: bool) -> None:
    font = {"size": 11, "color": style.INK[theme]}
    fig.add_annotation(
        x=x, y=y, text=text, showarrow=False, xshift=8, yshift=-12 if below else 12, xanchor="left", font=font
    )


def sufficiency(kept: pd.DataFrame, *, measure: str, theme: style.Theme = "light") -> go.Figure:
    """Loss or accuracy against the number of nodes that keep what they write."""
    sizes = sorted(kept.nodes.unique())
    at = {size: i for i, size in enumerate(sizes)}
    mine = kept[kept.order != "random"].sort_values("nodes")
    random = kept[kept.order == "random"].groupby("nodes")[measure].agg(["mean", "min", "max"]).loc[sizes]
    fig = style.base_figure(theme=theme, height=380)
    grey, colour = style.PALETTE[theme]["random"], style.PALETTE[theme]["atp-star"]
    x = list(range(len(sizes)))
    fig.add_trace(band(x, random["min"], random["max"], grey))
    fig.add_trace(curve_line(x, random["mean"], "random nodes", grey, "dash"))
    fig.add_trace(curve_line(x, mine[measure], "by net direct effect", colour, "solid"))
    cut = mine[mine.output]
    if len(cut):
        style.reference_line(fig, at[cut.nodes.iloc[0]], "output nodes", theme)
    fig.update_xaxes(**style.value_axis("Nodes that keep what they write", theme))
    fig.update_xaxes(tickvals=x, ticktext=[count(size) for size in sizes], showgrid=False)
    y_title = "Loss (nats)" if measure == "loss" else "Right answers"
    fig.update_yaxes(**style.value_axis(y_title, theme))
    if measure == "accuracy":
        fig.update_yaxes(range=[0, 1.03], tickformat=".0%")
    style.legend(fig)
    draws = kept[kept.order == "random"].draw.nunique()
    text = (
        f"{y_title} when only so many nodes write what they write in the prompt, and all others what they write in a "
        f"prompt with another right place (direct paths). N = {count(int(kept.n.iloc[0]))} prompts answered correctly. "
        f"Random: mean and range of {draws} orders."
    )
    if len(cut):
        row = cut.iloc[0]
        text += f" With the {row.nodes} output nodes: loss {number(row.loss)}, {row.accuracy:.0%} right."
    return captions.set_caption(fig, text)


def training(curve: pd.DataFrame, marks: dict[str, int], *, theme: style.Theme = "light") -> go.Figure:
    """Accuracy of the toy by training step; a line a mutation and seed.

    Args:
        marks: names of the kept models and their steps.
    """
    chosen: dict[str, tuple[style.Series, str]] = {
        "standard": ("exact", "solid"),
        "shuffled": ("atp-star", "longdash"),
        "random letters": ("atp-qk", "dash"),
        "digits": ("atp", "dot"),
    }
    fig = style.base_figure(theme=theme, height=360)
    first = int(curve.seed.min())
    for name, (series, dash) in chosen.items():
        colour = style.PALETTE[theme][series]
        for seed, rows in curve[curve.mutation == name].groupby("seed"):
            line = curve_line(rows.step.tolist(), rows.accuracy, name, colour, dash)
            if seed != first:
                line.update(showlegend=False, opacity=0.35, line_width=1)
            fig.add_trace(line)
    for name, step in marks.items():
        style.reference_line(fig, step, name, theme)
    fig.add_hline(y=0.25, line={"color": style.MUTED[theme], "width": 1, "dash": "dot"})
    fig.update_xaxes(**style.value_axis("Training step", theme), range=[0, int(curve.step.max()) * 1.02])
    fig.update_yaxes(**style.value_axis("Right answers (of four)", theme), range=[0, 1.03], tickformat=".0%")
    style.legend(fig)
    seeds = curve.seed.nunique()
    return captions.set_caption(
        fig,
        f"Share of right answers on fresh questions by training step; bold: seed {first}, whose models are kept; thin: "
        f"{seeds - 1} other seeds. Half of the training prompts have the labels A to D in order, half random letters; "
        "digits never occur as labels. Dotted: chance, and the steps of the kept models.",
    )


def curve_line(x: list[int], y: pd.Series, name: str, colour: str, dash: str) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y.tolist(),
        mode="lines+markers" if len(x) < 40 else "lines",
        name=name,
        line={"color": colour, "dash": dash, "width": 2},
        marker={"size": 6},
        hovertemplate=f"{name}<br>%{{y:.3g}}<extra></extra>",
    )


def band(x: list[int], low: pd.Series, high: pd.Series, colour: str) -> go.Scatter:
    rgb = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=np.concatenate([low.to_numpy(), high.to_numpy()[::-1]]).tolist(),
        mode="lines",
        fill="toself",
        fillcolor=f"rgba({rgb},0.15)",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )
