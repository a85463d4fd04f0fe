"""Looks inside the model behind a result: attention patterns and vocabulary, one short job each."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from core.patching.place import Node
from core.patching.spec import RunSpec
from core.prompts.pairs import TokenPair
from core.runs.worker import Job, OnStep
from core.terms import Direction
from ui.shell.messages import plain
from ui.shell.models import ModelChoice, slot
from ui.shell.progress import ask_for, ended_badly, follow
from ui.shell.state import model_choice
from ui.shell.worker import session, worker

PATIENCE = 1.5  # seconds a page waits for a readout before it shows progress instead


def model_behind(spec: RunSpec) -> ModelChoice | None:
    """The loaded model a result was made with; without it the page says how to get it, and this is None."""
    choice = model_choice()
    facts = slot().facts(choice)
    if facts is None and choice.model_id == spec.model:
        st.caption("The model itself is needed for this; the stored result is not.")
        st.button("Load the model", key="load_to_look", on_click=ask_for, args=(choice,))
        return None
    if facts is None or (facts.model_id, facts.revision) != (spec.model, spec.revision):
        st.caption(f"This result was made with {plain(spec.model)}; choose that model in the sidebar to look inside.")
        return None
    return choice


def attention(choice: ModelChoice, pair: TokenPair, layers: tuple[int, ...]) -> Any | None:
    """``AttentionPatterns`` whose arrays hold these layers only, or None while they are being read."""

    def read(model: Any) -> Any:
        from core.readouts.attention import attention_patterns

        whole = attention_patterns(model, pair)
        names = ("clean", "corrupt", "clean_value_norm", "corrupt_value_norm")
        # A few layers only: all those of a long prompt would be too much to remember for many pairs.
        return dataclasses.replace(whole, **{name: getattr(whole, name)[list(layers)] for name in names})

    return ask_model(choice, f"attention {_digest(pair)} {layers}", "Attention patterns", read)


def vocabulary(choice: ModelChoice, pair: TokenPair, node: Node, position: int, direction: Direction) -> Any | None:
    """``VocabularyReadout`` of a node at a position, or None while it is being read."""

    def read(model: Any) -> Any:
        from core.readouts.vocabulary import node_vocabulary

        return node_vocabulary(
            model, pair, kind=node.kind, layer=node.layer, unit=node.unit or 0, position=position, direction=direction
        )

    key = f"vocabulary {direction} {_digest(pair)} {dataclasses.replace(node, position=position).key}"
    return ask_model(choice, key, "What the node writes", read)


def ask_model(choice: ModelChoice, key: str, title: str, read: Callable[[Any], Any]) -> Any | None:
    """What ``read(model)`` returns in the worker's thread, or None while it is computed; one job a key and model."""
    models = slot()

    def task(on_step: OnStep, cancelled: Callable[[], bool]) -> Any:
        return read(models.get(choice))

    def submit() -> Job:
        return worker().submit(f"{key} {choice}", title=title, task=task, owner=session())

    def again() -> None:
        submit()

    job = worker().find(f"{key} {choice}") or submit()
    worker().wait(job, PATIENCE)
    if job.active:
        follow([job])
    elif job.state != "done":
        ended_badly(job, again=again)
    return job.result


def _digest(pair: TokenPair) -> str:
    return hashlib.sha256(repr((pair.clean_ids, pair.corrupt_ids)).encode()).hexdigest()[:16]
