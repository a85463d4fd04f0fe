"""Figures of the knowledge laboratory: accuracies on the truth and on a distractor.

One colour a condition (blue: default, red: with something that distracts), filled for the truth, hollow for the
distractor; one colour and dash a method where lines show methods.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.figures.numbers import count
from core.labs.knowledge.probes.names import METHOD_NAMES, OUTPUTS
from core.labs.knowledge.probes.normalise import NORM_WORDS
from core.labs.knowledge.statements.wording import NAMES
from core.labs.knowledge.summary import StudyFiles

CONDITION = {
    "light": {"default": "#2b7bba", "changed": "#c43c6c"},
    "dark": {"default": "#62bbee", "changed": "#f17fa5"},
}
METHOD = {
    "light": {"ccs": "#2b7bba", "pca": "#d98200", "logistic": "#1d2433", "mass-mean": "#7a5cc0"}
    | {"kmeans": "#008a63", "random": "#8a93a3", "ccs-original": "#c43c6c"},
    "dark": {"ccs": "#62bbee", "pca": "#f2a93b", "logistic": "#f2f4f7", "mass-mean": "#b39df0"}
    | {"kmeans": "#35c79a", "random": "#8a93a3", "ccs-original": "#f17fa5"},
}
DASH = {"ccs": "solid", "pca": "dash", "logistic": "longdash", "random": "dot", "kmeans": "dashdot"}
SHORT = METHOD_NAMES | {
    "ccs-original": "CCS,<br>original loss",
    "random": "Random<br>direction",
    "logistic": "Logistic<br>regression",
    "zero-shot": "Model's<br>answer",
    "zero-shot-calibrated": "Model's answer,<br>calibrated",
}
ACCURACY = "Accuracy, max(a, 1 − a)"
RANGE = [0.44, 1.03]
SPLIT_WORDS = {
    "test": "items held out by group; supervised methods over five grouped folds",
    "train": "items fitted on",
}


def caption(files: StudyFiles, what: str, *, layer: int | None, split: str | None = None) -> str:
    """``what``, then N, seeds, layer and normalisation."""
    report, settings = files.report, files.settings
    n = {"test": report["split"]["test"], "train": report["split"]["train"]}.get(split or "", report["data"]["items"])
    parts = [f"N = {count(n)} contrast pairs" + (f" ({SPLIT_WORDS[split]})" if split else "")]
    parts.append(f"{count(settings['seeds'])} seeds of CCS and random directions")
    if layer is not None:
        parts.append(f"layer {layer} of {report['n_layers']}")
    parts.append(f"activations {NORM_WORDS[settings['norm']]}")
    return f"{what} {', '.join(parts)}. {report['model']['name']}, {report['data']['name']}."


def violins(
    files: StudyFiles, condition: str, *, layer: int, split: str = "test", theme: style.Theme = "light", title: str = ""
) -> go.Figure:
    """One violin a method, condition and feature, every seed a point: default against one other condition."""
    fig = style.base_figure(theme=theme, height=430, title=title)
    shown = [("none", "default")] * ("none" in files.conditions) + [(condition, "changed")] * (condition != "none")
    places = [(name, side, feature) for name, side in shown for feature in ("truth", "distractor")]
    width = 0.84 / len(places)
    methods = files.settings["methods"]
    for k, (name, side, feature) in enumerate(places):
        rows = files.rows(name, layer=layer, split=split)
        offset = (k - (len(places) - 1) / 2) * width
        colour = CONDITION[theme][side]
        label = f"{NAMES[name]}: {feature}"
        for i, method in enumerate(methods):
            values = rows[rows.method == method]
            fig.add_trace(_violin(values, feature, i + offset, width, colour, label, method))
        fig.add_trace(_key(label, colour, hollow=feature == "distractor"))
    _floor(fig, files.report["split"][f"floor_{split}"], theme)
    fig.update_xaxes(tickvals=list(range(len(methods))), ticktext=[SHORT[m] for m in methods], tickangle=0)
    fig.update_xaxes(range=[-0.55, len(methods) - 0.45])
    fig.update_yaxes(**style.value_axis(ACCURACY, theme), range=RANGE)
    style.legend(fig)
    what = (
        "Accuracy of each probe against the truth (filled) and against the distractor (hollow); every seed is a point. "
        "A dotted line marks what coin flips reach."
    )
    return captions.set_caption(fig, caption(files, what, layer=layer, split=split))


def _violin(
    values: pd.DataFrame, feature: str, place: float, width: float, colour: str, label: str, method: str
) -> go.Violin | go.Scatter:
    hover = f"{METHOD_NAMES[method]}, {label}: %{{y:.3f}}<extra></extra>"
    hollow = feature == "distractor"
    marker = {"size": 5, "color": "rgba(0,0,0,0)" if hollow else colour, "line": {"color": colour, "width": 1.2}}
    y = values[feature]
    if len(y) < 5 or y.std() < 1e-3:  # no spread to draw: the points alone
        marker = marker | {"size": 9}
        x = [place] * len(y)
        return go.Scatter(x=x, y=y, mode="markers", marker=marker, hovertemplate=hover, showlegend=False)
    return go.Violin(
        x=[place] * len(y),
        y=y,
        width=width * 0.95,
        points="all",
        pointpos=0,
        jitter=0.5,
        spanmode="hard",
        marker=marker | {"size": 3.5},
        line={"color": colour, "width": 1.2},
        fillcolor="rgba(0,0,0,0)" if hollow else _faded(colour, 0.25),
        hoveron="points",
        hovertemplate=hover,
        showlegend=False,
    )


def sweep(
    files: StudyFiles, condition: str, *, split: str = "test", theme: style.Theme = "light", title: str = ""
) -> go.Figure:
    """Accuracy by layer, truth left and distractor right; a line a method, a band from the 10th to the 90th
    percentile of its seeds."""
    fig = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=("Truth", "Distractor"))
    fig.update_layout(style.base_figure(theme=theme, height=400, title=title).layout)
    table = pd.concat([files.rows(condition, layer=layer, split=split) for layer in files.settings["layers"]])
    table = table[~table.method.isin(OUTPUTS)]
    for method in [m for m in METHOD[theme] if m in set(table.method)]:
        for column, feature in enumerate(("truth", "distractor"), start=1):
            by_layer = table[table.method == method].groupby("layer")[feature]
            colour = METHOD[theme][method]
            if (by_layer.count() > 1).all():
                fig.add_trace(_band(by_layer.quantile(0.1), by_layer.quantile(0.9), colour), row=1, col=column)
            line = _line(by_layer.mean(), METHOD_NAMES[method], colour, DASH.get(method, "solid"))
            fig.add_trace(line.update(showlegend=column == 1), row=1, col=column)
    _floor(fig, files.report["split"][f"floor_{split}"], theme)
    _panel_axes(fig, theme, "Layer")
    style.legend(fig)
    fig.update_layout(margin={"t": 78})
    what = f"{NAMES[condition]}: mean accuracy by layer, bands from the 10th to the 90th percentile of seeds."
    return captions.set_caption(fig, caption(files, what, layer=None, split=split))


def repetitions(files: StudyFiles, *, theme: style.Theme = "light", title: str = "") -> go.Figure:
    """Accuracy against how often the explicit opinion is given, truth left and distractor right."""
    fig = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=("Truth", "Distractor"))
    fig.update_layout(style.base_figure(theme=theme, height=380, title=title).layout)
    table = repetition_table(files)
    for method in [m for m in METHOD[theme] if m in set(table.method)]:
        for column, feature in enumerate(("truth", "distractor"), start=1):
            means = table[table.method == method].groupby("times")[feature].mean()
            line = _line(means, METHOD_NAMES[method], METHOD[theme][method], DASH.get(method, "solid"))
            fig.add_trace(line.update(showlegend=column == 1), row=1, col=column)
    _floor(fig, files.report["split"]["floor_test"], theme)
    _panel_axes(fig, theme, "Times that the opinion is given")
    style.legend(fig)
    fig.update_layout(margin={"t": 78})
    what = "Explicit opinion, given so many times (0: the default prompt); means over seeds."
    return captions.set_caption(fig, caption(files, what, layer=files.settings["focus"], split="test"))


def repetition_table(files: StudyFiles) -> pd.DataFrame:
    """Rows times, method, seed, truth, distractor; empty where the study holds no repeated opinions."""
    times = {"none": 0, "opinion": 1} | {c: int(c[8:]) for c in files.conditions if c.startswith("opinion:")}
    if len(times) < 3:
        return pd.DataFrame(columns=["times", "method", "seed", "truth", "distractor"])
    found = [
        files.rows(condition, layer=files.settings["focus"]).assign(times=n)
        for condition, n in times.items()
        if condition in files.conditions
    ]
    table = pd.concat(found)
    return table[~table.method.isin(OUTPUTS)][["times", "method", "seed", "truth", "distractor"]]


def loss_scatter(
    files: StudyFiles,
    condition: str,
    *,
    layer: int,
    method: str = "ccs",
    split: str = "test",
    theme: style.Theme = "light",
) -> go.Figure:
    """Each CCS seed: its loss across, its accuracies up."""
    fig = style.base_figure(theme=theme, height=360)
    for name, side in [("none", "default"), (condition, "changed")][condition == "none" :]:
        if name not in files.conditions:
            continue
        rows = files.rows(name, layer=layer, split=split)
        rows = rows[rows.method == method]
        for feature, symbol in (("truth", "circle"), ("distractor", "diamond-open")):
            hover = f"{NAMES[name]}, seed %{{customdata}}: loss %{{x:.4f}}, {feature} %{{y:.3f}}<extra></extra>"
            marker = {"size": 7, "symbol": symbol, "color": CONDITION[theme][side], "opacity": 0.75}
            fig.add_trace(
                go.Scatter(
                    x=rows.loss,
                    y=rows[feature],
                    customdata=rows.seed,
                    mode="markers",
                    marker=marker,
                    name=f"{NAMES[name]}: {feature}",
                    hovertemplate=hover,
                )
            )
    _floor(fig, files.report["split"][f"floor_{split}"], theme)
    fig.update_xaxes(**style.value_axis("CCS loss", theme) | {"zeroline": False, "rangemode": "tozero"})
    fig.update_yaxes(**style.value_axis(ACCURACY, theme), range=RANGE)
    style.legend(fig)
    what = f"{METHOD_NAMES[method]}: loss and accuracies of every seed."
    return captions.set_caption(fig, caption(files, what, layer=layer, split=split))


def _panel_axes(fig: go.Figure, theme: style.Theme, across: str) -> None:
    axis = {"tickfont": {"size": 11}, "ticks": ""}
    fig.update_xaxes(**style.value_axis(across, theme) | axis | {"zeroline": False, "showgrid": False})
    fig.update_yaxes(**style.value_axis("", theme) | axis, range=RANGE)
    fig.update_yaxes(title={"text": ACCURACY}, col=1)
    title_font = {"font": {"size": 12, "color": style.MUTED[theme]}, "standoff": 8}
    fig.update_xaxes(title=title_font, color=style.INK[theme])
    fig.update_yaxes(title=title_font, color=style.INK[theme])
    fig.update_annotations(font={"size": 12, "color": style.INK[theme]})
    fig.update_layout(hovermode="closest")


def _line(values: Any, name: str, colour: str, dash: str) -> go.Scatter:
    return go.Scatter(
        x=values.index,
        y=values,
        mode="lines+markers",
        name=name,
        legendgroup=name,
        line={"color": colour, "dash": dash, "width": 2},
        marker={"size": 5},
        hovertemplate=f"{name}, %{{x}}: %{{y:.3f}}<extra></extra>",
    )


def _band(low: Any, high: Any, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[*low.index, *low.index[::-1]],
        y=[*low, *high[::-1]],
        mode="lines",
        fill="toself",
        fillcolor=_faded(colour, 0.13),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def _key(label: str, colour: str, *, hollow: bool) -> go.Scatter:
    """A legend entry."""
    marker = {"size": 9, "color": "rgba(0,0,0,0)" if hollow else colour, "line": {"color": colour, "width": 1.5}}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=label)


def _floor(fig: go.Figure, floor: float, theme: style.Theme) -> None:
    fig.add_hline(y=floor, line={"color": style.MUTED[theme], "width": 1, "dash": "dot"})


def _faded(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
