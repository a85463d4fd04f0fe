"""The words on and under a figure: what a number is, which way patching went, and the caption."""

from __future__ import annotations

import plotly.graph_objects as go

from core.figures.numbers import count, number
from core.figures.style import NAMES
from core.patching.results.pooling import Scale
from core.patching.spec import RunSpec
from core.terms import Direction, Donor, MetricName, Spans

METRIC_WORDS: dict[MetricName, str] = {
    "logit_diff": "logit difference",
    "logit_diff_lse": "logit difference (log-sum-exp)",
    "prob_diff": "probability difference",
    "log_prob": "log-probability",
    "prob": "probability",
    "answer_log_prob": "log-probability of the whole answer",
    "kl": "KL divergence",
}
DIRECTION_WORDS: dict[Direction, str] = {
    "noising": "noising (the corrupt activation is put into the clean run)",
    "denoising": "denoising (the clean activation is put into the corrupt run)",
}
DONOR_NAMES: dict[Donor, str] = {
    "corrupt": "Corrupt prompt",
    "zero": "Zeros",
    "mean": "Mean over the set",
    "mean-position": "Mean by position",
}
DONOR_WORDS: dict[Donor, str] = {
    "corrupt": "the corrupt activation",
    "zero": "zeros",
    "mean": "the node's mean over all clean prompts and their positions from the second on",
    "mean-position": "the node's mean at its position over clean prompts of the same length",
}
SPANS_WORDS: dict[Spans, str] = {
    "last": "Prompts of unequal length are linked token by token; of spans that differ, the last token is patched.",
    "mean": "Prompts of unequal length are linked token by token; a span that differs gets the mean of the other.",
    "skip": "Prompts of unequal length are linked token by token; spans that differ are left out.",
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


def scale_words(metric: MetricName, scale: Scale, *, signed: bool = True) -> str:
    """What one number is: ``change of the logit difference``, ``fraction of the clean–corrupt gap`` …"""
    if scale == "fraction":
        return "fraction of the clean–corrupt gap" if signed else "score as a fraction of the clean–corrupt gap"
    if scale == "absolute" and signed:
        return f"magnitude of the change of the {METRIC_WORDS[metric]}"
    return f"change of the {METRIC_WORDS[metric]}" if signed else f"score (magnitude) on the {METRIC_WORDS[metric]}"


def unit(spec: RunSpec, scale: Scale, *, capital: bool = True) -> str:
    """``scale_words`` of a run, ready for an axis title."""
    text = scale_words(spec.metric, scale, signed=spec.signed)
    return text[0].upper() + text[1:] if capital else text


def direction_words(spec: RunSpec) -> str:
    """Which way patching went, and what was put in: ``noising (zeros are put into the clean run)``."""
    if spec.donor == "corrupt":
        return DIRECTION_WORDS[spec.direction]
    verb = "are" if spec.donor == "zero" else "is"
    return f"{spec.direction} ({DONOR_WORDS[spec.donor]} {verb} put into the clean run)"


def way(spec: RunSpec) -> str:
    """Direction, and the donor where it is not the other prompt: ``noising``, ``noising with zeros``."""
    return spec.direction if spec.donor == "corrupt" else f"{spec.direction} with {DONOR_NAMES[spec.donor].lower()}"


def caption(
    spec: RunSpec,
    *,
    n_pairs: int,
    scale: Scale = "signed",
    left_out: int = 0,
    colour_range: tuple[float, float] | None = None,
    method: str | None = None,
    answers: str = "",
    notes: tuple[str, ...] = (),
) -> str:
    """The sentence under a figure, in plain text: metric, direction, method, N and colour range, then ``notes``.

    Args:
        left_out: pairs that could not enter because their gap is too small.
        colour_range: lowest and highest value that the colours tell apart.
        method: the method's name where the figure shows several; else the spec's own.
        answers: what the metric reads where that is not one token of each pair (``core.prompts.show.answers_words``).
    """
    parts = [
        unit(spec, scale) + (f" ({answers})" if answers else ""),
        direction_words(spec),
        method or ("exact patching" if spec.method == "exact" else f"{NAMES[spec.method]} estimate"),
        f"N = {count(n_pairs)} {'pair' if n_pairs == 1 else 'pairs'}"
        + (f" ({count(left_out)} left out: gap too small)" if left_out else ""),
    ]
    if colour_range:
        low, high = (number(x) for x in colour_range)
        parts.append(f"colours from {low} to {high}")
    linked = () if spec.spans is None else (SPANS_WORDS[spec.spans],)
    return " ".join([", ".join(parts) + ".", *linked, *notes])


def set_caption(fig: go.Figure, text: str) -> go.Figure:
    """Store the caption with the figure, where exports find it."""
    fig.layout.meta = {"caption": text}
    return fig


def caption_of(fig: go.Figure) -> str:
    """The caption stored by ``set_caption``; empty where there is none."""
    return (fig.layout.meta or {}).get("caption", "")
