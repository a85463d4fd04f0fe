"""Live verification: an estimate's nodes patched exactly in its order, and how sure the ranking is by now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.figures.numbers import count, number
from core.figures.style import NAMES
from core.patching.results import AttributionResult
from core.runs.worker import Job, OnStep
from ui.messages import counted
from ui.progress import ended_badly, follow
from ui.resources import ModelChoice, ModelFacts, session, slot, worker
from ui.state import model_choice

if TYPE_CHECKING:
    from core.runs.verification import Verified

SAMPLES = 1024
LISTED = 100
FAMILIES = {"attention": "Attention nodes (q, k, v, z)", "neurons": "Neurons", "writes": "Whole writes"}


def estimates(results: list[AttributionResult], facts: ModelFacts) -> list[AttributionResult]:
    """Those of the results that are estimates of this very model."""
    own = (facts.model_id, facts.revision, facts.card.precision)
    return [r for r in results if r.spec.method != "exact" and (r.spec.model, r.spec.revision, r.spec.dtype) == own]


@st.cache_resource(max_entries=32, show_spinner=False)
def _verified(digest: str, family: str, _result: AttributionResult) -> Verified:
    """One verification a result and family, shared by all sessions; the worker fills it."""
    from core.runs.verification import begin

    return begin(_result, family)


def verification(results: list[AttributionResult]) -> None:
    """Choose an estimate, verify, see the ranking fill in."""
    from core.patching.nodes import by_family

    left, middle, right = st.columns([3, 3, 2], vertical_alignment="bottom")
    index = left.selectbox("Estimate", range(len(results)), format_func=lambda i: _title(results[i]), key="v_result")
    result = results[index]
    family = middle.selectbox(
        "Nodes", list(by_family(result.spec.nodes)), format_func=FAMILIES.__getitem__, key=f"v_family_{index}"
    )
    verified = _verified(result.spec.digest, family, result)
    state = verified.state
    top = right.number_input("Verify the first", 1, state.n_nodes, min(100, state.n_nodes), step=50, key="v_top")
    key = f"verify {result.spec.digest} {family} {top}"
    job = worker().find(key)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Verify and bound",
            type="primary",
            disabled=job is not None and job.active,
            on_click=_start,
            args=(key, model_choice(), verified, int(top)),
        )
        patches = max(0, int(top) - state.done) * len(verified.pairs)
        st.caption(
            f"{count(patches)} exact patches on {counted(len(verified.pairs), 'pair')}, then {count(SAMPLES)} subsets "
            "of the other nodes to bound what was missed."
        )
    _progress(job, key, verified, int(top))
    running = job is not None and job.active
    (st.fragment(_ranking, run_every=1.0) if running else _ranking)(verified)


def _title(result: AttributionResult) -> str:
    spec = result.spec
    return f"{NAMES[spec.method]} · {', '.join(spec.nodes)} · {spec.direction} · {counted(len(result.pairs), 'pair')}"


def _start(key: str, choice: ModelChoice, verified: Verified, top: int) -> None:
    models = slot()

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> None:
        from core.runs.verification import carry_on

        carry_on(verified, models.get(choice), top, samples=SAMPLES, on_step=on_step, cancelled=cancelled)

    worker().submit(key, title=f"Verify {top} nodes", task=task, owner=session())


def _progress(job: Job | None, key: str, verified: Verified, top: int) -> None:
    if job is None:
        return
    follow([job])
    if job.state == "cancelled":
        st.info("Stopped. What was verified is kept; press the button to go on.")
    elif not job.active:
        ended_badly(job, again=lambda: _start(key, model_choice(), verified, top))


def _ranking(verified: Verified) -> None:
    """What is known by now: the verified nodes, and how sure their order is."""
    _words(verified)
    st.dataframe(_table(verified), hide_index=True, height=420, alt="Nodes, the verified ones first.")


def _words(verified: Verified) -> None:
    """What can be said of the true top K, always."""
    state = verified.state
    if not verified.bounds:
        st.info(
            f"{count(state.done)} of {count(state.n_nodes)} nodes are verified. Of the true top K we are sure of none "
            "yet: nothing bounds the nodes that were not verified."
        )
        return
    for bound in verified.bounds:
        level = f"{100 * bound.confidence:g} %"
        sure = state.sure_of(bound.bound)
        known = f"of the true top K we are sure of the first **{count(sure)}**" if sure else "we are sure of none"
        st.markdown(f"At {level} confidence no other node exceeds {number(bound.bound)}: {known}.")
    st.caption(
        f"{count(state.done)} of {count(state.n_nodes)} nodes verified, {count(state.forwards)} forward passes. The "
        "bound rests on effects of subsets being nearly sums."
    )


def _table(verified: Verified) -> Any:
    table = verified.table().head(max(LISTED, verified.state.done))
    if len(verified.pairs) > 1:  # the token differs from pair to pair
        return table.drop(columns="token")
    return table.assign(token=[_visible(token) for token in table["token"]])


def _visible(token: object) -> str:
    """A token as text, its spaces visible."""
    from core.prompts.show import visible

    return visible(str(token)) if token else ""
