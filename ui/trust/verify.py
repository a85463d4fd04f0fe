"""Live verification: an estimate's nodes patched exactly in its order, and how sure the ranking is by now.

What was verified is kept below the results directory while it is found, so that a restart of the server loses seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import UserError
from core.figures.captions import way
from core.figures.numbers import count, number
from core.figures.style import NAMES
from core.patching.results.result import AttributionResult
from core.runs.worker import Job, OnStep
from ui.shell.messages import counted, duration, show_error
from ui.shell.models import ModelChoice, ModelFacts, slot
from ui.shell.progress import ended_badly, follow
from ui.shell.state import model_choice
from ui.shell.store import results_dir
from ui.shell.worker import session, worker

if TYPE_CHECKING:
    from core.patching.trust.verification import Goal, Verified

SAMPLES = 1024
LISTED = 100
SAVE_SECONDS = 10.0
FAMILIES = {"attention": "Attention nodes (q, k, v, z)", "neurons": "Neurons", "writes": "Whole writes"}
GOALS = {"first": "The first nodes", "sure": "Until sure of the top K"}
CONFIDENCES = (0.9, 0.99, 0.999)


def estimates(results: list[AttributionResult], facts: ModelFacts) -> list[AttributionResult]:
    """Those of the results that are estimates of this very model."""
    own = (facts.model_id, facts.revision, facts.card.precision)
    return [
        r.estimate for r in results if r.spec.method != "exact" and (r.spec.model, r.spec.revision, r.spec.dtype) == own
    ]


@st.cache_resource(max_entries=32, show_spinner=False)
def _verified(folder: str, _result: AttributionResult, _family: str) -> Verified:
    """One verification a result and family, shared by all sessions; the worker fills it."""
    from core.export.trust.verification import resume
    from core.patching.trust.verification import begin

    verified = begin(_result, _family)
    resume(verified, Path(folder))
    return verified


def verification(results: list[AttributionResult], facts: ModelFacts) -> None:
    """Choose an estimate, verify, see the ranking fill in."""
    from core.patching.nodes import by_family

    left, right = st.columns([3, 2], vertical_alignment="bottom")
    index = left.selectbox("Estimate", range(len(results)), format_func=lambda i: _title(results[i]), key="v_result")
    result = results[index]
    family = right.selectbox(
        "Nodes", list(by_family(result.spec.nodes)), format_func=FAMILIES.__getitem__, key=f"v_family_{index}"
    )
    folder = (results_dir() / "verified" / f"{result.spec.digest}-{family}").resolve()
    try:
        verified = _verified(str(folder), result, family)
    except UserError as error:
        show_error(error)
        return
    goal = _goal(verified.state.n_nodes)
    job = _button(verified, goal, folder, facts)
    running = job is not None and job.active
    (st.fragment(_ranking, run_every=1.0) if running else _ranking)(verified)


def _goal(n_nodes: int) -> Goal:
    """What to verify."""
    from core.patching.trust.verification import Goal

    left, middle, right = st.columns([4, 2, 2], vertical_alignment="bottom")
    kind = left.segmented_control(
        "Verify", list(GOALS), default="first", required=True, format_func=GOALS.__getitem__, key="v_goal"
    )
    for key in ("v_top", "v_sure"):  # chosen for a longer list of nodes
        if st.session_state.get(key, 0) > n_nodes:
            st.session_state[key] = n_nodes
    if kind == "first":
        return Goal(int(middle.number_input("Nodes", 1, n_nodes, min(100, n_nodes), step=50, key="v_top")))
    top = middle.number_input("K", 1, n_nodes, min(10, n_nodes), step=5, key="v_sure")
    confidence = right.selectbox(
        "Confidence", CONFIDENCES, index=1, format_func=lambda c: f"{100 * c:g} %", key="v_confidence"
    )
    return Goal(sure_of=int(top), confidence=float(confidence))


def _title(result: AttributionResult) -> str:
    spec = result.spec
    return f"{NAMES[spec.method]} · {', '.join(spec.nodes)} · {way(spec)} · {counted(len(result.pairs), 'pair')}"


def _button(verified: Verified, goal: Goal, folder: Path, facts: ModelFacts) -> Job | None:
    """The button, what it will cost, and how it goes."""
    followed = f"v_job_{folder.name}"  # session key: the job of this page, whatever the widgets say by now
    job = worker().find(st.session_state.get(followed, _key(folder, goal)))
    start = (model_choice(), verified, goal, folder, followed)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Verify and bound",
            type="primary",
            disabled=job is not None and job.active,
            on_click=_start,
            args=start,
        )
        st.caption(_cost(verified, goal, facts))
    if (refused := st.session_state.pop(f"{followed}_refused", None)) is not None:
        show_error(refused)
    if job is None:
        return None
    follow([job])
    if job.state == "cancelled":
        st.info("Stopped. What was verified is kept; press the button to go on.")
    elif not job.active:
        ended_badly(job, again=lambda: _start(*start))
    return job


def _key(folder: Path, goal: Goal) -> str:
    return f"verify {folder.name} {goal}"


def _cost(verified: Verified, goal: Goal, facts: ModelFacts) -> str:
    state, pairs = verified.state, counted(len(verified.pairs), "pair")
    upto = min(state.n_nodes, goal.count if goal.sure_of is None else max(goal.sure_of, state.done))
    time_ = duration(verified.block_tokens(upto, SAMPLES) / facts.speed)
    if goal.sure_of is not None:
        return (
            f"The number of verified nodes doubles, from {count(upto)} on {pairs} ({time_} the first time), and "
            f"{count(SAMPLES)} subsets bound the others each time. Cancel whenever it is enough. Several looks err "
            "more often than one."
        )
    patches = max(0, upto - state.done) * len(verified.pairs)
    return (
        f"{count(patches)} exact patches on {pairs}, then {count(SAMPLES)} subsets of the other nodes to bound what "
        f"was missed: {time_}."
    )


def _start(choice: ModelChoice, verified: Verified, goal: Goal, folder: Path, followed: str) -> None:
    models = slot()

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> None:
        from core.export.trust.verification import write_verification
        from core.patching.trust.verification import carry_on

        saved = time.monotonic()

        def keep() -> None:
            nonlocal saved
            if time.monotonic() - saved > SAVE_SECONDS:
                write_verification(verified, folder, table=False)
                saved = time.monotonic()

        try:
            carry_on(
                verified,
                models.get(choice),
                goal,
                samples=SAMPLES,
                on_step=on_step,
                cancelled=cancelled,
                on_found=keep,
            )
        finally:
            write_verification(verified, folder, table=False)

    what = counted(goal.count, "node") if goal.sure_of is None else f"until sure of the top {goal.sure_of}"
    try:
        job = worker().submit(_key(folder, goal), title=f"Verify {what}", task=task, owner=session())
        st.session_state[followed] = job.key
    except UserError as error:
        st.session_state[f"{followed}_refused"] = error


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
        "bound rests on effects of subsets being nearly sums; *A study of the methods* counts how often it holds."
    )


def _table(verified: Verified) -> Any:
    table = verified.table(max(LISTED, verified.state.done))
    if len(verified.pairs) > 1:  # the token differs from pair to pair
        return table.drop(columns="token")
    return table.assign(token=[_visible(token) for token in table["token"]])


def _visible(token: object) -> str:
    """A token as text, its spaces visible."""
    from core.prompts.show import visible

    return visible(str(token)) if token else ""
