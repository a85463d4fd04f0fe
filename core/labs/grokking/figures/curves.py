"""Training curves of the grokking laboratory: accuracy, loss and norm, of one row of runs or a panel a set size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.figures.numbers import count, number
from core.terms import counted

TRAIN, TEST = "Training pairs", "Unseen pairs"
COLOURS = {TRAIN: "atp", TEST: "atp-qk"}
DASH = {TRAIN: "dot", TEST: "solid"}
DECAYS = ("atp-qk", "atp", "atp-graddrop", "atp-star")  # colours of weight decays, in rising order
FAINT, FULL = 0.45, 1.0
PER_ROW = 4
# title, the column of either set (or one column for both), logarithmic
PANELS = (
    ("Accuracy", {TRAIN: "train_acc", TEST: "test_acc"}, False),
    ("Loss (nats)", {TRAIN: "train_loss", TEST: "test_loss"}, True),
    ("Norm of all weights", {"Norm": "norm"}, False),
)
SMALLEST_LOSS = 1e-9


def colour(name: str, theme: style.Theme) -> str:
    """A colour of the product's palette."""
    return style.PALETTE[theme][name]  # type: ignore[index]


def curve_panels(table: pd.DataFrame, *, title: str, theme: style.Theme = "light") -> go.Figure:
    """Accuracy, loss and norm over steps, a line a run; for runs that differ in their seed alone.

    Args:
        table: columns run, step, and those of ``PANELS``.
        title: what was trained, for the caption.
    """
    fig = make_subplots(1, len(PANELS), horizontal_spacing=0.09, subplot_titles=[name for name, _, _ in PANELS])
    dress(fig, theme, height=360)
    n = table["run"].nunique()
    for column, (_, lines, logarithmic) in enumerate(PANELS, start=1):
        for name, what in lines.items():
            ink = colour(COLOURS.get(name, "exact"), theme)
            for i, (run, part) in enumerate(_shown(table).groupby("run")):
                values = part[what].clip(lower=SMALLEST_LOSS) if logarithmic else part[what]
                trace = _line(part["step"], values, f"{name}, run {run}", ink, DASH.get(name, "solid"), n)
                trace.update(name=name, legendgroup=name, showlegend=column == 1 and i == 0)
                fig.add_trace(trace, row=1, col=column)
        _step_axis(fig, 1, column, theme)
        settings = style.value_axis("", theme) | ({"type": "log", "exponentformat": "power"} if logarithmic else {})
        fig.update_yaxes(settings, row=1, col=column)
    fig.update_yaxes(range=[-0.03, 1.03], row=1, col=1)
    style.legend(fig)
    text = (
        f"{title}. Accuracy, loss and norm at each measured step, from step 1; N = {counted(n, 'run')}, one line each."
    )
    return captions.set_caption(fig, f"{text} Losses below 10⁻⁹ are drawn there.")


def size_panels(
    table: pd.DataFrame, *, title: str, theme: style.Theme = "light", kinds: dict[int, str] | None = None
) -> go.Figure:
    """Test accuracy over steps, one panel a number of training pairs; colours are weight decays.

    Args:
        kinds: how each run went, for the hover.
    """
    sizes, decays = sorted(table["n_train"].unique()), sorted(table["weight_decay"].unique())
    rows = -(-len(sizes) // PER_ROW)
    names = [f"{count(int(size))} pairs" for size in sizes]
    fig = make_subplots(rows, min(PER_ROW, len(sizes)), shared_yaxes=True, shared_xaxes="all", subplot_titles=names)
    dress(fig, theme, height=90 + 190 * rows)
    seen: set[float] = set()
    for (size, decay, run), part in _shown(table).groupby(["n_train", "weight_decay", "run"]):
        row, column = divmod(sizes.index(size), PER_ROW)
        ink = colour(DECAYS[decays.index(decay) % len(DECAYS)], theme)
        kind = f" ({kinds[run]})" if kinds and run in kinds else ""
        trace = _line(part["step"], part["test_acc"], f"seed {part['seed'].iloc[0]}{kind}", ink, "solid", 2)
        group = f"weight decay {decay:g}"
        trace.update(legendgroup=group, showlegend=decay not in seen, name=group)
        seen.add(decay)
        fig.add_trace(trace, row=row + 1, col=column + 1)
    for i in range(len(sizes)):
        row, column = divmod(i, PER_ROW)
        _step_axis(fig, row + 1, column + 1, theme, titled=row == rows - 1 or i + PER_ROW >= len(sizes))
        ticks = {"range": [-0.03, 1.03], "showticklabels": column == 0}
        fig.update_yaxes(
            style.value_axis("Accuracy" if column == 0 else "", theme) | ticks, row=row + 1, col=column + 1
        )
    style.legend(fig)
    seeds = table["seed"].nunique()
    text = f"{title}. Accuracy on unseen pairs, one panel a training set size, one line a run; {seeds} seeds a setting."
    return captions.set_caption(fig, text)


def measure_panels(measures: pd.DataFrame, *, title: str, theme: style.Theme = "light") -> go.Figure:
    """Progress measures of one run's checkpoints: share of the solution, its losses, and concentration."""
    panels = (
        ("Share of squared length", {"Trig fraction": "trig_fraction"}, False),
        ("Loss (nats)", {"Restricted loss": "restricted_loss", "Excluded loss": "excluded_loss"}, True),
        ("Gini coefficient", {"Embedding": "gini_embedding", "Neurons to logits": "gini_neurons"}, False),
    )
    inks = iter(("exact", "atp-qk", "atp", "atp-graddrop", "atp-star"))
    dashes = iter(("solid", "solid", "dash", "dot", "dashdot"))
    fig = make_subplots(1, 3, horizontal_spacing=0.09, subplot_titles=[name for name, _, _ in panels])
    dress(fig, theme, height=330)
    for column, (_, lines, logarithmic) in enumerate(panels, start=1):
        for name, what in lines.items():
            part = _shown(measures)
            values = part[what].clip(lower=SMALLEST_LOSS) if logarithmic else part[what]
            trace = _line(part["step"], values, name, colour(next(inks), theme), next(dashes), 1)
            fig.add_trace(trace, row=1, col=column)
        _step_axis(fig, 1, column, theme)
        settings = style.value_axis("", theme) | ({"type": "log", "exponentformat": "power"} if logarithmic else {})
        fig.update_yaxes(settings, row=1, col=column)
    for column in (1, 3):
        fig.update_yaxes(range=[-0.03, 1.03], row=1, col=column)
    style.legend(fig)
    text = (
        f"{title}. Logits of the whole table, centred over answers; key frequencies {measures['keys'].iloc[0]} are "
        "those of the last checkpoint. Restricted: only they are left, all pairs. Excluded: they are taken away, "
        "training pairs."
    )
    return captions.set_caption(fig, text)


def dress(fig: go.Figure, theme: style.Theme, *, height: int, top: int = 64) -> None:
    """Our style on every panel of a figure that was just made."""
    base = style.base_figure(theme=theme, height=height).layout
    fig.update_layout(base)
    fig.update_layout(margin={"t": top, "l": 56}, hovermode="closest")
    looks = ("showgrid", "zeroline", "showline", "ticks", "color", "tickfont", "title")
    axis = base.xaxis.to_plotly_json()
    same = {name: axis[name] for name in looks}
    fig.update_xaxes(same)
    fig.update_yaxes(same)
    fig.update_annotations(font={"size": 12, "color": style.INK[theme]})


def _step_axis(fig: go.Figure, row: int, column: int, theme: style.Theme, *, titled: bool = True) -> None:
    settings = style.value_axis("Step" if titled else "", theme)
    log = {"type": "log", "dtick": 1, "exponentformat": "power", "showticklabels": titled}
    fig.update_xaxes(settings | log, row=row, col=column)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """A logarithmic axis has no 0."""
    return table[table["step"] > 0]


def _line(x: pd.Series, y: pd.Series, name: str, ink: str, dash: str, n: int) -> go.Scatter:
    return go.Scatter(
        x=x.to_numpy(),
        y=y.to_numpy(dtype=np.float64),
        mode="lines",
        name=name,
        opacity=FULL if n == 1 else FAINT + 0.3,
        line={"color": ink, "dash": dash, "width": 1.6},
        text=[number(float(value)) for value in y],
        hovertemplate=f"{name}<br>step %{{x}}: %{{text}}<extra></extra>",
    )
