"""The controls that only change how stored results are looked at; each is part of the link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.figures.captions import KIND_WORDS
from core.patching.results.pooling import Collapse, Scale, base_tokens
from core.patching.results.result import AttributionResult
from core.prompts.show import visible
from core.terms import AVERAGES, NODE_KINDS, WHOLE_KINDS, Average, NodeKind
from ui.shell.state import AVERAGE, average, mirror

HEADS, WHOLE, NEURONS, TRUST = "Heads", "MLPs and residual", "Neurons", "Estimate against exact"
HEAD_KINDS: tuple[NodeKind, ...] = ("z", "q", "k", "v")
SCALES: dict[str, Scale] = {"Signed": "signed", "Normalised": "fraction", "Absolute": "absolute"}
SCALE_HELP = (
    "Signed: the change of the metric, in its own units. Normalised: as a fraction of the gap between the clean and "
    "the corrupt run, each pair by its own. Absolute: the magnitude in each pair, averaged afterwards."
)
# Ranked apart: a residual stream holds all that came before it, so it would crowd the heads out of any top ten.
FAMILIES: dict[str, tuple[NodeKind, ...]] = {
    "Heads": HEAD_KINDS,
    "Layer outputs": ("attn_out", "mlp_out"),
    "Residual stream": ("resid_pre",),
    "Neurons": ("neuron",),
}
FAMILY_HELP = "Nodes of one family are ranked together: queries, keys, values and outputs of heads, for example."
AVERAGE_NAMES: dict[Average, str] = {"signed": "Signed mean", "magnitude": "Mean magnitude"}
AVERAGE_HELP = (
    "What ranks estimates over pairs. Signed mean: the magnitude of the mean, as for exact effects; it agreed better "
    "with them in the kept study. Mean magnitude: the AtP* paper's rule, in which opposite signs in two pairs do not "
    "cancel. GradDrop and AtP* scores have no sign, so there is no choice."
)
COLLAPSES: dict[str, Collapse] = {"Strongest position": "strongest", "Sum over positions": "sum"}


@dataclass(frozen=True)
class View:
    """How results are looked at.

    Attributes:
        n_tokens: pairs of this length only; None: all lengths together.
        position: the one token position shown; None: collapsed as ``collapse`` says.
        average: what ranks signed estimates over pairs.
    """

    what: str
    scale: Scale
    kinds: tuple[NodeKind, ...]
    n_tokens: int | None
    position: int | None
    collapse: Collapse
    average: Average = "signed"

    @property
    def collapses(self) -> bool:
        """Whether the figure has heads for columns, so that positions must be collapsed or chosen."""
        return self.what == HEADS


def choose_view(results: list[AttributionResult]) -> tuple[View, DeltaGenerator]:
    """Draw the view controls for what these results hold; also the row that has room for one more."""
    held = [kind for kind in NODE_KINDS if any(kind in result.effects for result in results)]
    with st.container(horizontal=True, gap="medium"):
        what = _segments("Show", _whats(held, results), key="view")
        scale = SCALES[_segments("Scale", list(SCALES), key="scale", help=SCALE_HELP)]
        rule = _average(results)
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        kinds = _kinds(what, held)
        n_tokens = _length(results, needed=what == WHOLE)
        position, collapse = _position(what, results, n_tokens)
    return View(what, scale, kinds, n_tokens, position, collapse, rule), row


def _average(results: list[AttributionResult]) -> Average:
    """The rule, where it makes a difference: signed estimates of several pairs. ``state`` has it in the address bar."""
    if any(r.spec.signed and r.spec.method != "exact" and len(r.pairs) > 1 for r in results):
        st.session_state[AVERAGE] = average()
        st.segmented_control(
            "Ranked by",
            AVERAGES,
            required=True,
            format_func=AVERAGE_NAMES.__getitem__,
            key=AVERAGE,
            persist_state="session",
            on_change=mirror,
            help=AVERAGE_HELP,
        )
    return average()


def _whats(held: list[NodeKind], results: list[AttributionResult]) -> list[str]:
    kinds = {HEADS: HEAD_KINDS, WHOLE: WHOLE_KINDS, NEURONS: ("neuron",)}
    whats = [name for name, members in kinds.items() if any(kind in held for kind in members)]
    choices = {result.spec.choice for result in results}
    return [*whats, TRUST] if "exact" in choices and len(choices) > 1 else whats


def _segments(label: str, options: list[str], *, key: str, **more: Any) -> str:
    return st.segmented_control(label, options, default=options[0], required=True, key=key, bind="query-params", **more)


def _kinds(what: str, held: list[NodeKind]) -> tuple[NodeKind, ...]:
    if what == TRUST:
        families = {name: tuple(k for k in kinds if k in held) for name, kinds in FAMILIES.items()}
        named = [name for name, kinds in families.items() if kinds]
        return families[st.selectbox("Nodes", named, key="family", bind="query-params", width=190, help=FAMILY_HELP)]
    if what == NEURONS:
        return ("neuron",)
    options = [kind for kind in (HEAD_KINDS if what == HEADS else WHOLE_KINDS) if kind in held]
    if len(options) == 1:
        return (options[0],)
    label = "Part of the head" if what == HEADS else "Part of the layer"
    return (
        st.selectbox(
            label, options, format_func=KIND_WORDS.__getitem__, key=_key("kind", what), bind="query-params", width=190
        ),
    )


def _key(name: str, what: str) -> str:
    return f"{name}_{'heads' if what == HEADS else 'layers'}"


def _length(results: list[AttributionResult], *, needed: bool) -> int | None:
    """One length group, where pairs have several and the view needs (or a person wants) one."""
    groups = results[0].groups()
    if len(groups) == 1:
        return next(iter(groups))
    options = [*([] if needed else [None]), *groups]

    def words(n: int | None) -> str:
        return "all lengths" if n is None else f"{n} tokens ({len(groups[n])})"

    return st.selectbox(
        "Pairs of", options, format_func=words, key="length" if needed else "length_any", bind="query-params", width=190
    )


def _position(what: str, results: list[AttributionResult], n_tokens: int | None) -> tuple[int | None, Collapse]:
    if what == WHOLE:
        return None, "strongest"
    options: list[str] = list(COLLAPSES)
    if n_tokens is not None and what == HEADS:
        first = results[0].groups()[n_tokens][0]
        tokens = base_tokens(results[0], first)
        options += [f"{i}: {visible(token)}" for i, token in enumerate(tokens)]
    chosen = st.selectbox(
        "Positions",
        options,
        key="positions",
        bind="query-params",
        width=200,
        help="Of the tokens, those of the first pair are named.",
    )
    if chosen in COLLAPSES:
        return None, COLLAPSES[chosen]
    return int(chosen.split(":")[0]), "strongest"
