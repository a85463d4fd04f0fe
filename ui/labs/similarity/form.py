"""The form of the Similarity page: which representations, how many answers, how much noise, which seeds."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import SpecError, UserError
from core.labs.similarity.settings import NAMES, REPRESENTATIONS, Settings
from core.worlds.listed.catalogue import TITLES
from ui.shell.messages import counted, duration, show_error
from ui.shell.start import keep_choice


def study_form(start: Callable[[Settings], None]) -> None:
    """Choose, see what it costs, run."""
    first, second, third = st.columns([1, 1, 1])
    world = first.selectbox("World", list(TITLES), format_func=TITLES.__getitem__, key="s_world")
    answers = second.text_input(
        "Answers", "25, 100, 500", key="s_answers", help="Numbers of answers, parted by commas."
    )
    noise = third.text_input(
        "Random answers (share)", "0", key="s_noise", help="0.2: every fifth answer is random. Several make rows each."
    )
    names = st.multiselect(
        "Representations",
        REPRESENTATIONS,
        default=list(REPRESENTATIONS),
        format_func=NAMES.__getitem__,
        key="s_names",
    )
    first, second, third = st.columns([1, 1, 1], vertical_alignment="bottom")
    seed = first.number_input("First seed", 0, 100_000, 0, key="s_seed")
    seeds = second.number_input("Seeds", 1, 20, 3, key="s_seeds")
    tuned = third.toggle(
        "Fine-tune for each reward",
        key="s_tuned",
        help="Off: a reward is linear in the finished representation. On: the network is trained along with it.",
    )
    settings = None
    try:
        settings = Settings(
            world=world,
            representations=tuple(names),
            answers=_numbers(answers, "Answers", int),
            noise=_numbers(noise, "Random answers", float),
            seed=int(seed),
            seeds=int(seeds),
            fine_tune=tuned,
        )
    except UserError as error:
        show_error(error)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Train and compare",
            type="primary",
            key="s_start",
            shortcut="Ctrl+Enter",
            disabled=settings is None,
            on_click=start,
            args=(settings,),
        )
        if settings is not None:
            st.caption(f"{counted(settings.runs, 'network')}, {duration(settings.seconds)} on one idle core")
        keep_choice()


def _numbers(text: str, where: str, kind: type) -> tuple:
    try:
        return tuple(dict.fromkeys(kind(part) for part in text.replace(",", " ").split()))
    except ValueError:
        raise SpecError("These are not numbers.", where=where, next_step="Part them by commas.") from None
