"""Missed nodes: which example or run is on show, and the form that looks for those of a pair of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import ResultError, UserError
from core.figures.captions import METRIC_WORDS
from core.patching.missed.findings import Failures
from core.paths import ASSETS
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.show import visible
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from core.runs.worker import OnStep
from core.terms import DIRECTIONS, METRICS, WHOLE_ANSWER
from ui.parts.run_choice import RunChoice
from ui.shell.laboratory import follow_lab, start_lab
from ui.shell.messages import duration, plain, show_error
from ui.shell.models import ModelChoice, ModelFacts, aligned, slot
from ui.shell.start import keep_choice
from ui.shell.state import current_pairs, model_choice
from ui.shell.store import store

LAB = "trust"
KEPT = ASSETS / "study" / "missed"
EXAMPLES = {
    "ioi": "Example: an indirect object, built-in model",
    "saturated": "Constructed model: a saturated head",
    "cancelling": "Constructed model: two paths that cancel",
}
CANDIDATES = 24  # nodes patched, each once for every block above it


def _kept() -> dict[str, str]:
    return {id: title for id, title in EXAMPLES.items() if (KEPT / id).exists()}


FINDINGS = RunChoice(
    LAB,
    _kept,
    lambda id: KEPT / id,
    "Findings",
    "findings",
    "Examples that come with the app, and every pair that was looked at here.",
)


def shown() -> tuple[Failures, dict[str, str], str] | None:
    """Findings on show, what was asked, and their name; None while they are computed, or where there are none."""
    name, folder = FINDINGS.choose()
    try:
        if folder is None:
            spec = FINDINGS.spec(name)
            follow_lab(spec, _compute(spec))
            return None
        return *_read(str(folder)), name
    except UserError as error:
        show_error(error)
        return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(folder: str) -> tuple[Failures, dict[str, str]]:
    from core.export.trust.failures import read_failures

    return read_failures(Path(folder))


def form(facts: ModelFacts) -> None:
    """Choose one of the current pairs, see what it costs, look."""
    pairs = current_pairs()
    usable = {tokens.row: tokens for tokens in aligned(facts, pairs).pairs}
    if not usable:
        st.info("None of the current pairs can be run with this model.")
        st.page_link("pages/pairs.py", label="See why, and what to do")
        return
    left, middle, right = st.columns([4, 2, 2])
    row = left.selectbox(
        "Pair",
        list(usable),
        format_func=lambda i: f"{usable[i].label}: {visible(pairs.pairs[i].clean)}"[:90],
        key=f"missed_pair_{pairs.digest}",
    )
    metric = middle.selectbox(
        "Metric",
        [m for m in METRICS if m not in ("kl", WHOLE_ANSWER)],
        format_func=METRIC_WORDS.__getitem__,
        key="missed_metric",
    )
    direction = right.selectbox("Direction", DIRECTIONS, format_func=str.capitalize, key="missed_direction")
    tokens, layers = usable[row], facts.shape.n_layers
    suffix = len(tokens) - tokens.first_difference
    passes = CANDIDATES * layers / 4 * suffix + 2 * len(tokens) + suffix * (layers + 3) / 2
    with st.container(horizontal=True, vertical_alignment="center"):
        spec = _spec(facts, pairs.pairs[row], tokens.label, str(metric), str(direction))
        st.button(
            "Look for missed nodes",
            type="primary",
            on_click=_start,
            args=(spec, passes * layers / facts.speed),
        )
        stored = store().has(spec.digest)
        st.caption(
            "stored, opens at once"
            if stored
            else f"{duration(passes * layers / facts.speed)}: all four estimates, then exact patching of up to "
            f"{CANDIDATES} nodes, once whole and once for every later block."
        )
        keep_choice()


def _spec(facts: ModelFacts, pair: PromptPair, label: str, metric: str, direction: str) -> LabSpec:
    texts = {name: value for name, value in pair.to_json().items() if name != "name"}
    settings: dict[str, Any] = {
        "what": "missed nodes",
        "revision": facts.revision,
        "dtype": facts.card.precision,
        "pair": texts,
        "metric": metric,
        "direction": direction,
    }
    return LabSpec(LAB, f"Missed nodes of {label}"[:100], model=facts.model_id, settings=settings)


def _start(spec: LabSpec, seconds: float) -> None:
    start_lab(spec, _compute(spec), expected=seconds)
    FINDINGS.show(spec.digest)


def _compute(spec: LabSpec) -> LabCompute:
    """What the worker does; everything it needs is in the spec, so that a link or a restart can go on with it."""
    models, settings = slot(), spec.settings
    choice = model_choice() if model_choice().model_id == spec.model else ModelChoice(spec.model)

    def compute(on_step: OnStep, cancelled: Callable[[], bool], scratch: Path, out: Path) -> None:
        from core.export.trust.failures import write_failures
        from core.patching.missed.failures import find_failures
        from core.patching.question import ask
        from core.prompts.align import align
        from core.terms import HEAD_KINDS

        model = models.get(choice)
        if (model.revision, model.card.precision) != (settings["revision"], settings["dtype"]):
            raise ResultError("The model's weights are not those of the run.", next_step="Start a new one.")
        pairs = align(PairSet("", (PromptPair(**settings["pair"]),)), model.tokenizer).or_raise()
        question = ask(model, pairs, kinds=HEAD_KINDS, metric=settings["metric"], direction=settings["direction"])
        found = find_failures(question, on_step=on_step, cancelled=cancelled)
        about = {"model": model.card.name, "metric": settings["metric"], "direction": settings["direction"]}
        write_failures(found, about, out)

    return compute


def asked(about: dict[str, str], found: Failures) -> str:
    """What was asked, in one line of markdown."""
    base, donor = (plain(visible("".join(tokens))) for tokens in (found.tokens, found.donor))
    return f"**{plain(about['model'])}** · {base} (patched) · {donor} (donor)"
