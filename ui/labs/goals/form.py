"""The form of the Goals page: which world, which trainings of it, how many seeds, what that costs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import streamlit as st

from core.errors import UserError
from core.labs.goals.settings import Settings, Variant, preset, variant_name
from core.worlds.tasks.catalogue import TASKS, Task, find_task
from ui.labs.goals.about import about_goals
from ui.shell.messages import counted, duration, plain, show_error
from ui.shell.start import keep_choice

SIZES = {"small": "Small: minutes on one core", "paper": "Long: more trainings, seeds and steps"}
TITLES = {task.name: task.title for task in TASKS}


def training_form(start: Callable[[Settings], None]) -> None:
    """Choose, see what it costs, train."""
    left, right = st.columns(2)
    world = left.selectbox("World", list(TITLES), format_func=TITLES.__getitem__, key="g_form_world")
    size = right.selectbox("Preset", list(SIZES), format_func=SIZES.__getitem__, key="g_size")
    task, base = find_task(world), preset(world, size)
    st.caption(f"Meant: {plain(task.intended)}. What training rewards just as well: {plain(task.proxy)}.")
    first, second, third = st.columns(3)
    seed = first.number_input("First seed", 0, 100_000, 0, key="g_seed")
    seeds = second.number_input("Seeds", 1, 20, base.seeds, key=f"g_seeds_{world}_{size}")
    steps = third.number_input(
        "Steps of the world, each agent", 1000, 20_000_000, base.steps, 100_000, key=f"g_steps_{world}_{size}"
    )
    variants = _variants(task, base)
    settings = None
    try:
        settings = preset(world, size, seed=int(seed), seeds=int(seeds), steps=int(steps), variants=variants)
    except UserError as error:
        show_error(error)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Train",
            type="primary",
            key="g_train",
            shortcut="Ctrl+Enter",
            disabled=settings is None,
            on_click=start,
            args=(settings,),
        )
        if settings is not None:
            st.caption(f"{counted(settings.agents, 'agent')}, {duration(settings.seconds)} on one idle core")
        keep_choice()
        about_goals("training")
    if settings is not None:
        names = " · ".join(variant_name(variant) for variant in settings.variants)
        st.caption(f"Trainings: {plain(names)}. Each with every seed, then tested under every shift.")


def _variants(task: Task, base: Settings) -> tuple[Variant, ...]:
    """The preset's trainings, or every combination of values that the reader picks."""
    if not st.toggle("Choose the trainings", key=f"g_choose_{task.name}"):
        return tuple(base.variants)
    columns = st.columns(len(task.knobs))
    picked: dict[str, list[Any]] = {}
    for column, knob in zip(columns, task.knobs, strict=True):
        key = f"g_knob_{task.name}_{knob.field}"
        values = column.multiselect(knob.title, list(knob.values), default=[knob.values[0]], key=key)
        if values:
            picked[knob.field] = sorted(values, key=knob.values.index)
    return tuple(dict(zip(picked, values, strict=True)) for values in product(*picked.values()))
