"""The controls that cost compute: what to patch, how to measure, by which methods, at what expected cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.errors import SpecError, UserError
from core.figures.captions import DONOR_NAMES, KIND_WORDS, METRIC_WORDS
from core.figures.style import NAMES
from core.patching.spec import FIRST, RunSpec, Screen, screening
from core.prompts.align import AlignedPairs
from core.prompts.pairs import PairSet, TokenPair
from core.terms import (
    CHOICES,
    DIRECTIONS,
    DONORS,
    METRICS,
    NODE_KINDS,
    SPANS,
    WHOLE_ANSWER,
    Choice,
    Direction,
    Donor,
    MetricName,
    NodeKind,
    Spans,
)
from ui.shell.messages import counted, duration, plain
from ui.shell.models import ModelFacts, sound_pairs
from ui.shell.start import keep_choice, start
from ui.shell.state import model_choice
from ui.shell.store import has_result

VERIFY = "run_verify"  # session key of how many nodes a screen verifies
MOST_VERIFIED = 10_000
DIRECTION_HELP = (
    "Noising puts the corrupt activation into the clean run and asks what breaks; denoising puts the clean activation "
    "into the corrupt run and asks what restores the behaviour."
)
DONOR_HELP = """
What is put in place of a node.

- **Corrupt prompt**: its activation in the other prompt of the pair; asks what carries the difference between the two.
- **Zeros**: a vector of zeros; asks what the node adds at all. Zeros are often further from anything that the model
  knows than any real activation.
- **Mean over the set**: its mean over all clean prompts and their positions (not the first); keeps what the node always
  says. Queries and keys are averaged as rotated for their positions, which blurs them.
- **Mean by position**: its mean at the same position over clean prompts of the same length; keeps what these prompts
  share, such as a template. Needs at least two prompts of each length.

With zeros or means every position can have an effect, and patches go into the clean run.
"""
SPANS_NAMES: dict[Spans, str] = {"last": "Last token", "mean": "Mean of the span", "skip": "Left out"}
SPANS_HELP = (
    "Where prompts of unequal length differ, a span of tokens stands for another. Patch its last token with the other "
    "span's last token, all of its tokens with the mean over the other span, or nothing there."
)
KINDS_HELP = (
    "Queries, keys, values and head outputs are a vector a head; a neuron is one number of an MLP's hidden layer; the "
    "attention output, MLP output and residual stream are whole vectors. Every layer and token position is patched."
)
VERIFY_HELP = (
    "Of each family (attention nodes, neurons, whole writes), the first so many nodes of the estimate, each at one "
    "token position, are patched exactly in every pair of the commonest length."
)
METHODS_HELP = (
    "Exact patching runs the model again for every node; the AtP family estimates by gradients. A screen estimates all "
    "nodes, patches the first of them exactly and bounds the others. The cheapest of those ticked runs first."
)


@dataclass(frozen=True)
class Question:
    """What a run asks, short of the method."""

    pairs: PairSet
    tokens: tuple[TokenPair, ...]
    nodes: tuple[NodeKind, ...]
    metric: MetricName
    direction: Direction
    donor: Donor
    spans: Spans | None


def run_form(facts: ModelFacts, pairs: PairSet, tokens: tuple[TokenPair, ...]) -> None:
    """Draw the form. ``pairs`` and ``tokens`` are the same pairs, as text and as this model sees them."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        question = _question(pairs, tokens)
    with right:
        chosen = _methods(facts, question)
    _run_button(question, chosen)


def fitting_pairs(facts: ModelFacts, pairs: PairSet) -> tuple[PairSet, AlignedPairs, int]:
    """The pairs that the chosen metric can read, aligned, and how many are refused.

    Where it can read none, those of the other kind: answers of one token, or of several in a row.
    """
    whole = st.session_state.get("run_metric") == WHOLE_ANSWER
    chosen, other = (sound_pairs(facts, pairs, whole_answer=kind) for kind in (whole, not whole))
    return chosen if chosen[1].pairs else other


def _question(pairs: PairSet, tokens: tuple[TokenPair, ...]) -> Question:
    nodes: list[NodeKind] = st.pills(
        "What to patch",
        NODE_KINDS,
        selection_mode="multi",
        wrap=True,
        default=["z", "mlp_out"],
        format_func=KIND_WORDS.__getitem__,
        key="run_nodes",
        persist_state="session",
        help=KINDS_HELP,
    )
    direction = st.segmented_control(
        "Direction",
        DIRECTIONS,
        default="noising",
        required=True,
        format_func=str.capitalize,
        key="run_direction",
        persist_state="session",
        help=DIRECTION_HELP,
    )
    donor = st.selectbox(
        "Donor",
        DONORS,
        format_func=DONOR_NAMES.__getitem__,
        key="run_donor",
        persist_state="session",
        help=DONOR_HELP,
    )
    offered = _metrics(tokens)
    if st.session_state.get("run_metric", offered[0]) not in offered:
        st.session_state["run_metric"] = offered[0]
    metric = st.selectbox(
        "Metric",
        offered,
        format_func=lambda m: METRIC_WORDS[m].capitalize() if m != "kl" else METRIC_WORDS[m],
        key="run_metric",
        persist_state="session",
        help="What is read off the model's prediction after the last token. An answer of several tokens in a row is "
        "read by its log-probability alone: the whole answer follows the prompt, and only the prompt is patched.",
    )
    return Question(pairs, tokens, tuple(nodes), metric, direction, donor, _spans(pairs, donor))


def _spans(pairs: PairSet, donor: Donor) -> Spans | None:
    """How the spans of linked pairs are patched; asked only where there are some."""
    if donor != "corrupt" or all(pair.links is None for pair in pairs):
        return None
    return st.selectbox(
        "Spans that differ",
        SPANS,
        format_func=SPANS_NAMES.__getitem__,
        key="run_spans",
        persist_state="session",
        help=SPANS_HELP,
    )


def _metrics(tokens: tuple[TokenPair, ...]) -> tuple[MetricName, ...]:
    """The metrics that some pair can be measured by."""
    if all(pair.rest_ids for pair in tokens):
        return (WHOLE_ANSWER,)
    return tuple(m for m in METRICS if m != WHOLE_ANSWER or any(len(pair.answer_ids) == 1 for pair in tokens))


def _methods(facts: ModelFacts, question: Question) -> list[tuple[RunSpec, float]]:
    """One line a method: what it would cost here, and which one is recommended. Cheapest first."""
    st.markdown("Methods", help=METHODS_HELP)
    if not question.nodes:
        st.caption("Choose something to patch.")
        return []
    from core.patching.cost import method_costs  # not above: the form is the first to need it

    count = st.session_state.get(VERIFY) or FIRST
    found = method_costs(
        facts.shape, question.tokens, question.nodes, speed=facts.speed, verify=count, donor=question.donor
    )
    costs = {cost.method: cost for cost in found}
    rows = [_method(facts, question, choice, costs[choice]) for choice in CHOICES]
    chosen = [(spec, costs[spec.choice].seconds) for spec in rows if spec is not None]
    return sorted(chosen, key=lambda run: run[1])


def _method(facts: ModelFacts, question: Question, choice: Choice, cost: Any) -> RunSpec | None:
    """A checkbox and what it would cost; the run if it is chosen."""
    spec = _spec(facts, question, choice)
    box, words = st.columns([4, 7], vertical_alignment="center")
    picked = box.checkbox(
        NAMES[choice],
        value=cost.recommended,
        key=f"run_{choice}",
        persist_state="session",
        disabled=isinstance(spec, UserError),
    )
    words.caption(_cost_words(spec, cost))
    if choice == "screen" and picked:
        st.number_input(
            "Nodes to verify", 1, MOST_VERIFIED, FIRST, step=10, key=VERIFY, persist_state="session", help=VERIFY_HELP
        )
    return spec if picked and isinstance(spec, RunSpec) else None


def _spec(facts: ModelFacts, question: Question, choice: Choice) -> RunSpec | UserError:
    """The run, or why it cannot be asked for; exact sweeps leave neurons out (they are patched where one is chosen)."""
    nodes = tuple(k for k in question.nodes if choice != "exact" or k != "neuron")
    screen = Screen(st.session_state.get(VERIFY) or FIRST) if choice == "screen" else None
    if not nodes:
        return SpecError(
            "There are too many neurons to patch every one.",
            next_step="Estimate them all, then patch those of one layer and position exactly in the Neurons view.",
        )
    try:
        return RunSpec(
            model=facts.model_id,
            revision=facts.revision,
            dtype=facts.card.precision,
            pairs_digest=question.pairs.digest,
            metric=question.metric,
            direction=question.direction,
            nodes=nodes,
            method=screening(nodes) if choice == "screen" else choice,
            screen=screen,
            donor=question.donor,
            spans=question.spans,
        )
    except UserError as error:
        return error


def _cost_words(spec: RunSpec | UserError, cost: Any) -> str:
    if isinstance(spec, UserError):
        return plain(spec.one_line())
    text = "stored, opens at once" if has_result(spec.digest) else duration(cost.seconds)
    return f"{text} · **recommended**. {plain(cost.why)}" if cost.recommended else text


def _run_button(question: Question, chosen: list[tuple[RunSpec, float]]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Run {counted(len(chosen), 'method')} on {counted(len(question.tokens), 'pair')}",
            type="primary",
            shortcut="Ctrl+Enter",
            disabled=not chosen or not question.tokens,
            on_click=start,
            args=(model_choice(), question.pairs, question.tokens, tuple(chosen)),
        )
        fresh = [spec for spec, _ in chosen if not has_result(spec.digest)]
        if not chosen:
            st.caption("Tick a method above.")
        elif not fresh:
            st.caption("All stored: nothing needs to run.")
        else:
            keep_choice()
