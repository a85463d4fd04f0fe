"""Figures of the knowledge laboratory that look inside: components, steering, planted features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.figures.numbers import number
from core.figures.tokens import escaped
from core.labs.knowledge.figures.accuracies import CONDITION, METHOD, RANGE, caption
from core.labs.knowledge.probes.names import METHOD_NAMES
from core.labs.knowledge.statements.wording import NAMES
from core.labs.knowledge.summary import StudyFiles

HUES = {"light": ("#d98200", "#2b7bba"), "dark": ("#f2a93b", "#62bbee")}  # false, true
SYMBOLS = ("circle", "diamond")
DOSE_UNIT = "Length added, as a share of the residual stream's"


def component_panels(files: StudyFiles, condition: str, *, theme: style.Theme = "light", title: str = "") -> go.Figure:
    """First against second component of the differences: default and one condition side by side, coloured by the
    truth above, by the distractor below."""
    shown = [name for name in dict.fromkeys(("none", condition)) if name in files.conditions]
    titles = [f"{NAMES[name]}, by {feature}" for feature in ("truth", "distractor") for name in shown]
    fig = make_subplots(2, len(shown), subplot_titles=titles, horizontal_spacing=0.09, vertical_spacing=0.16)
    fig.update_layout(style.base_figure(theme=theme, height=660, title=title).layout)
    answers = files.report["wording"]["answers"]
    for row, feature in enumerate(("label", "distractor"), start=1):
        for column, name in enumerate(shown, start=1):
            _points(fig, files, name, feature, answers, row, column, theme)
    fig.update_xaxes(showgrid=False, zeroline=True, zerolinecolor=style.ZERO[theme], tickfont={"size": 10})
    fig.update_yaxes(showgrid=False, zeroline=True, zerolinecolor=style.ZERO[theme], tickfont={"size": 10})
    for column, name in enumerate(shown, start=1):
        shares = [entry["share"] for entry in files.report["variance"][name]]
        for row in (1, 2):
            fig.update_xaxes(title={"text": f"PC1 ({shares[0]:.0%} of the variance)"}, row=row, col=column)
            fig.update_yaxes(title={"text": f"PC2 ({shares[1]:.0%})"}, row=row, col=column)
    fig.update_annotations(font={"size": 12, "color": style.INK[theme]})
    title_font = {"font": {"size": 11, "color": style.MUTED[theme]}, "standoff": 4}
    fig.update_xaxes(title=title_font, color=style.INK[theme])
    fig.update_yaxes(title=title_font, color=style.INK[theme])
    fig.update_layout(hovermode="closest", margin={"t": 72, "l": 60})
    style.legend(fig)
    what = "Differences x₊ − x₋ along the first two components of those fitted on, one point an item."
    return captions.set_caption(fig, caption(files, what, layer=files.settings["focus"]))


def _points(
    fig: go.Figure,
    files: StudyFiles,
    condition: str,
    feature: str,
    answers: list[str],
    row: int,
    column: int,
    theme: style.Theme,
) -> None:
    scores = files.scores[files.scores.condition == condition].merge(files.items, on="item")
    names = [f"Truth: {answer}" for answer in answers] if feature == "label" else ["Distractor: one", "the other"]
    for value in (0, 1):
        chosen = scores[scores[feature] == value]
        fig.add_trace(
            go.Scatter(
                x=chosen.pc1,
                y=chosen.pc2,
                mode="markers",
                name=escaped(names[value]) if feature == "label" else names[value],
                text=[escaped(text if len(text) < 90 else text[:88] + "…") for text in chosen.text],
                marker={
                    "size": 6,
                    "symbol": SYMBOLS[value],
                    "color": HUES[theme][value] if feature == "label" else ("#008a63", "#c43c6c")[value],
                    "opacity": 0.75,
                },
                hovertemplate="%{text}<br>PC1 %{x:.2f}, PC2 %{y:.2f}<extra></extra>",
                showlegend=column == 1,
            ),
            row=row,
            col=column,
        )


def steering_curves(files: StudyFiles, *, theme: style.Theme = "light", title: str = "") -> go.Figure:
    """Mean change of the logit difference against what is added, a line a method, the random ones in grey."""
    fig = style.base_figure(theme=theme, height=360, title=title)
    table = files.steering.groupby(["direction", "dose"])["change"].agg(["mean", "sem"]).reset_index()
    random = table[table.direction.str.startswith("random ")]
    for i, (_, rows) in enumerate(random.groupby("direction")):
        line = {"color": style.ZERO[theme], "width": 1.2}
        fig.add_trace(
            go.Scatter(x=rows.dose, y=rows["mean"], mode="lines", line=line, name="Random directions", showlegend=not i)
        )
    for name, rows in table[~table.direction.isin(random.direction)].groupby("direction", sort=False):
        colour = METHOD[theme].get(str(name), CONDITION[theme]["changed"])
        fig.add_trace(
            go.Scatter(
                x=rows.dose,
                y=rows["mean"],
                error_y={"array": rows["sem"], "thickness": 1, "width": 3},
                mode="lines+markers",
                line={"color": colour, "width": 2},
                name=escaped(METHOD_NAMES.get(str(name), str(name))),
            )
        )
    fig.update_traces(hovertemplate="%{fullData.name}: %{x} added, change %{y:.3f}<extra></extra>")
    fig.update_xaxes(**style.value_axis(DOSE_UNIT, theme))
    answers = [escaped(answer) for answer in files.report["wording"]["answers"]]
    fig.update_yaxes(**style.value_axis(f"Change of logit {answers[1]} − {answers[0]}", theme))
    style.legend(fig)
    n = files.steering["item"].nunique()
    what = (
        f"Direction added to the residual stream at the last token before the answer, on {n} items; whiskers are "
        "standard errors. Grey: five random directions."
    )
    return captions.set_caption(fig, caption(files, what, layer=files.settings["focus"]))


def planted_curve(
    table: pd.DataFrame, *, ratio: float, seeds: int, theme: style.Theme = "light", title: str = ""
) -> go.Figure:
    """Accuracy of the first component on a planted truth and a planted distractor, against the ratio of variances.

    Args:
        table: rows ratio, truth, distractor (means over seeds). ratio: the one that is marked.
    """
    fig = style.base_figure(theme=theme, height=320, title=title)
    for feature, colour, dash in (("truth", HUES[theme][1], "solid"), ("distractor", HUES[theme][0], "dash")):
        fig.add_trace(
            go.Scatter(
                x=np.log2(table.ratio),
                y=table[feature],
                mode="lines+markers",
                name=feature.capitalize(),
                line={"color": colour, "dash": dash, "width": 2},
                hovertemplate=f"{feature}: %{{y:.2f}}<extra></extra>",
            )
        )
    style.reference_line(fig, 0.0, "equal", theme)
    fig.add_vline(x=float(np.log2(ratio)), line={"color": style.ACCENT[theme], "width": 2})
    ticks = [-2, -1, 0, 1, 2]
    labels = ["1/4", "1/2", "1", "2", "4"]
    fig.update_xaxes(**style.value_axis("Variance of the truth / variance of the distractor", theme))
    fig.update_xaxes(tickvals=ticks, ticktext=labels, zeroline=False)
    fig.update_yaxes(**style.value_axis("Accuracy of PC1", theme), range=RANGE)
    style.legend(fig)
    text = (
        f"Synthetic pairs: N = 240, 64 dimensions, {seeds} seeds, centred. PC1 reads whichever feature varies more; "
        f"marked: {number(ratio)}."
    )
    return captions.set_caption(fig, text)
