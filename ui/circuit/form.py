"""The form of the Circuit page: which scores, on which pairs, and what it costs."""

from __future__ import annotations

import streamlit as st

from core.circuits.settings import EDGE_METHODS, METHOD_NAMES, SPAN_NAMES, SPANS, CircuitSettings
from core.errors import UserError
from core.figures.captions import METRIC_WORDS
from core.prompts.pairs import PairSet, TokenPair, largest_group
from core.terms import DIRECTIONS, METRICS, WHOLE_ANSWER
from ui.circuit.page import compute_of, show, spec_of
from ui.shell.laboratory import start_lab
from ui.shell.messages import counted, duration, show_error
from ui.shell.models import ModelFacts
from ui.shell.start import keep_choice
from ui.shell.state import model_choice, pairs_title
from ui.shell.store import save_pairs


def circuit_form(facts: ModelFacts, pairs: PairSet, tokens: tuple[TokenPair, ...]) -> None:
    """Choose, see what it costs, run."""
    left, middle, right = st.columns([3, 2, 2])
    methods = left.multiselect(
        "Scores", EDGE_METHODS, default=list(EDGE_METHODS), format_func=METHOD_NAMES.__getitem__, key="c_methods"
    )
    spans = left.multiselect(
        "Circuits in the curve", SPANS, default=["summed"], format_func=SPAN_NAMES.__getitem__, key="c_spans"
    )
    same = largest_group(tokens)
    used = middle.number_input("Pairs", 1, len(same), min(10, len(same)), key="c_pairs")
    steps = middle.number_input("Steps of EAP-IG", 1, 50, 5, key="c_steps")
    offered = [metric for metric in METRICS if metric != WHOLE_ANSWER]
    metric = right.selectbox("Metric", offered, format_func=METRIC_WORDS.__getitem__, key="c_metric")
    direction = right.selectbox(
        "Direction of the scores",
        DIRECTIONS,
        key="c_direction",
        help="noising: the corrupt write is put into the clean run; denoising: the clean write into the corrupt run. "
        "Circuits are always run with everything outside corrupted.",
    )
    if len(same) < len(tokens):
        st.caption(f"{counted(len(tokens) - len(same), 'pair')} of another length than {len(same[0])} tokens left out.")
    try:
        settings = CircuitSettings(
            methods=tuple(methods),
            spans=tuple(spans),
            metric=metric,
            direction=direction,
            most_pairs=int(used),
            steps=int(steps),
        )
    except UserError as error:
        show_error(error)
        return
    seconds = settings.forwards() * int(used) * len(same[0]) * facts.shape.n_layers / facts.speed
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Score the edges",
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=_start,
            args=(facts, pairs, same, settings, seconds),
        )
        st.caption(f"{duration(seconds).capitalize()}: scores, then circuits of ten sizes really run.")
        keep_choice()


def _start(
    facts: ModelFacts, pairs: PairSet, tokens: tuple[TokenPair, ...], settings: CircuitSettings, seconds: float
) -> None:
    title = f"{pairs_title()}, {counted(min(len(tokens), settings.most_pairs), 'pair')}"
    spec = spec_of(facts, save_pairs(pairs), title, settings)
    start_lab(spec, compute_of(spec, model_choice(), tokens), items=settings.most_pairs, expected=seconds)
    show(spec.digest)
