"""The form of the Knowledge page: statements, what distracts, where to look; and a probe of one's own to audit."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.errors import UserError
from core.labs.knowledge.order import Order, expected_seconds
from core.labs.knowledge.probes.names import DEFAULT_METHODS, METHOD_NAMES, METHODS
from core.labs.knowledge.probes.normalise import NORM_WORDS, NORMS
from core.labs.knowledge.settings import Settings, audit_conditions, default_layer, sweep_layers
from core.labs.knowledge.statements.bundled import BUNDLED, load_bundled
from core.labs.knowledge.statements.parse import read_statements
from core.labs.knowledge.statements.statements import Statements, check
from core.labs.knowledge.statements.wording import NAMES, REPETITIONS, Wording
from ui.labs.knowledge.data import keep_statements
from ui.labs.knowledge.page import compute_of, show
from ui.parts.uploads import KINDS, read_upload
from ui.shell.laboratory import refuse, start_lab
from ui.shell.messages import counted, duration, show_error
from ui.shell.models import ModelFacts
from ui.shell.start import keep_choice

OWN = "own"
FILE_HELP = (
    "A file with the columns text, label and, if you like, group and topic; other names can be matched once it is "
    "there. Labels: true/false, yes/no, 1/0, 1/-1, +/- or positive/negative. Items of one group are never split "
    "between fitting and testing; the implicit opinion needs two topics in equal numbers."
)
PROBE_HELP = (
    "safetensors or npz: direction [d_model] (or [2, d_model]), layer (0 the embedding, l what block l leaves), and, "
    "if you like, bias, threshold, mean and scale [2, d_model]."
)


@dataclass(frozen=True)
class Data:
    """Statements and wording as chosen, or why they cannot be used."""

    statements: Statements | None
    wording: Wording | None
    error: UserError | None = None


def study_form(facts: ModelFacts) -> None:
    """Choose, see what it costs, run."""
    left, right = st.columns([1, 1], gap="large")
    with left:
        data = _data()
    with right:
        settings = _settings(facts, data)
    if data.error is not None:
        show_error(data.error)
    if isinstance(settings, UserError):
        show_error(settings)
    probe = _probe()
    with st.container(horizontal=True, vertical_alignment="center"):
        order = None
        if data.statements is not None and data.wording is not None and isinstance(settings, Settings):
            order = Order(data.statements, data.wording, settings, *probe)
        st.button(
            "Run and audit",
            type="primary",
            shortcut="Ctrl+Enter",
            disabled=order is None,
            on_click=_start,
            args=(facts, order),
        )
        if order is not None:
            _cost(facts, order)
        keep_choice()


def _data() -> Data:
    names = {entry.id: entry.title for entry in BUNDLED} | {OWN: "A file of my own"}
    chosen = st.selectbox("Statements", list(names), format_func=names.__getitem__, key="k_data")
    file = (
        st.file_uploader("CSV, JSON or Excel", type=KINDS, max_upload_size=5, key="k_file") if chosen == OWN else None
    )
    if chosen == OWN:
        st.caption(FILE_HELP)
        if file is None:
            return Data(None, None)
    try:
        if file is not None:
            parsed = read_upload(file, read_statements, key="k_file")
            if parsed is None:
                return Data(None, None)
            statements, wording = parsed.statements, parsed.wording
        else:
            statements, wording = load_bundled(chosen)
        check(statements)
        template = st.text_area(
            "Prompt",
            wording.template,
            key=f"k_template_{chosen}_{wording.answers[1]}",
            help="Two slots: {text}, and at the very end {answer}. The pair is this prompt with either answer.",
            height=90,
        )
        first, second = st.columns(2)
        false = first.text_input("Answer for label false", wording.answers[0], key=f"k_false_{wording.answers[0]}")
        true = second.text_input("Answer for label true", wording.answers[1], key=f"k_true_{wording.answers[1]}")
        groups = len(set(statements.groups.tolist()))
        st.caption(f"{counted(len(statements), 'item')} in {counted(groups, 'group')}.")
        return Data(statements, Wording(template, wording.reworded, (false, true)))
    except UserError as error:
        return Data(None, None, error)


def _settings(facts: ModelFacts, data: Data) -> Settings | UserError:
    n = facts.shape.n_layers
    allowed = audit_conditions(data.statements) if data.statements else ("none",)
    conditions = st.multiselect(
        "Prompts",
        [*allowed, *REPETITIONS],
        default=list(allowed),
        format_func=NAMES.__getitem__,
        key=f"k_conditions_{len(allowed)}",
        help="The default prompts, the same in other words, and with something added that has nothing to do with the "
        "answer. Repeated opinions are fitted at one layer.",
    )
    focus = st.slider("Layer looked at closely", 0, n, default_layer(n), key="k_focus")
    sweep = st.toggle("Other layers too", value=False, key="k_sweep", help="About a dozen layers, for the sweep.")
    with st.popover("Methods, seeds, normalisation"):
        methods = st.multiselect(
            "Methods",
            METHODS,
            default=list(DEFAULT_METHODS),
            format_func=METHOD_NAMES.__getitem__,
            key="k_methods",
        )
        seeds = st.number_input("Seeds of CCS and random directions", 1, 200, 50, key="k_seeds")
        seed = st.number_input("First seed; also of the split and the distractor", 0, 10_000, 0, key="k_seed")
        norm = st.selectbox("Activations are", NORMS, format_func=NORM_WORDS.__getitem__, key="k_norm")
        rate = st.select_slider("Learning rate of CCS", [0.001, 0.003, 0.01], key="k_rate")
    if "implicit" not in allowed and data.statements is not None:
        st.caption("The implicit opinion is left out: it needs two topics in equal numbers within each label.")
    layers = {focus, *(sweep_layers(n) if sweep else ())}
    try:
        return Settings(
            conditions=tuple(conditions),
            layers=tuple(sorted(layers)),
            focus=focus,
            methods=tuple(methods),
            seeds=int(seeds),
            seed=int(seed),
            norm=norm,
            learning_rate=float(rate),
        )
    except UserError as error:
        return error


def _probe() -> tuple[bytes, str]:
    """An uploaded probe's file, checked when it is read."""
    file = st.file_uploader(
        "Audit a probe of your own beside them", type=["safetensors", "npz"], max_upload_size=64, key="k_probe",
        help=PROBE_HELP,
    )  # fmt: skip
    return (file.getvalue(), file.name) if file is not None else (b"", "")


def _cost(facts: ModelFacts, order: Order) -> None:
    seconds = _seconds(facts, order)
    pairs = len(order.statements) * len(order.settings.conditions)
    st.caption(f"{duration(seconds)} for {pairs} pairs; what was extracted or fitted before is free.")


def _seconds(facts: ModelFacts, order: Order) -> float:
    return expected_seconds(len(order.statements), order.settings, n_layers=facts.shape.n_layers, speed=facts.speed)


def _start(facts: ModelFacts, order: Order) -> None:
    try:
        order = order.fitting(n_layers=facts.shape.n_layers, d_model=facts.shape.d_model)
        spec = order.spec(model=facts.model_id, revision=facts.revision, dtype=facts.card.precision)
    except UserError as error:
        refuse(error)
        return
    keep_statements(order.statements)
    start_lab(spec, compute_of(order, spec), items=len(order.statements), expected=_seconds(facts, order))
    show(spec.digest)
