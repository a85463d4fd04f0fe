"""Preferences on top of what the answers taught: a reward of all behaviours, its best and its worst."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.similarity.answers.ensemble import Ensemble
from core.labs.similarity.answers.reward import learned_values, next_pair
from core.worlds.listed.behaviours import Behaviours
from ui.labs.similarity.about import about_similarity
from ui.labs.similarity.answering import Sitting
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import counted

GIVEN = "_s_preferences"  # session key: by person and world, the pairs shown and whether the first was better
LEAST = 3  # preferences before there is a reward


def preferences(who: Sitting, ensemble: Ensemble, read: int) -> None:
    """Ask which of two behaviours is better, and draw the reward that follows. Kept in this browser session alone."""
    st.subheader("Which one is better?", anchor=False)
    given = st.session_state.setdefault(GIVEN, {}).setdefault(who, [])
    world = who.behaviours
    pair = next_pair(world, len(given), who.seed)

    def figure(mode: Theme) -> Any:
        from core.labs.similarity.figures.behaviours import side_by_side

        return side_by_side(world, pair, theme=mode)

    draw(figure(theme()), key="s_two", alt="Two behaviours, A and B.")
    with st.container(horizontal=True, vertical_alignment="center"):
        for shortcut, words, first in (("8", "A is better", True), ("9", "B is better", False)):
            args = (who, pair, first)
            st.button(words, key=f"s_better_{first}", shortcut=shortcut, type="primary", on_click=_prefer, args=args)
        st.button("Forget them", key="s_forget", disabled=not given, on_click=given.clear)
        st.caption(f"{counted(len(given), 'preference')}, by whatever matters to you; kept until you close the page.")
    if len(given) >= LEAST:
        _reward(world, ensemble, given, read)


def _prefer(who: Sitting, pair: tuple[int, int], first: bool) -> None:
    st.session_state[GIVEN][who].append((pair, first))


def _reward(world: Behaviours, ensemble: Ensemble, given: list[tuple[tuple[int, int], bool]], read: int) -> None:
    pairs, first = np.array([pair for pair, _ in given]), np.array([chosen for _, chosen in given])
    values = learned_values(ensemble, world, pairs, first)
    best, worst = int(values.argmax()), int(values.argmin())

    def ends(mode: Theme) -> Any:
        from core.labs.similarity.figures.behaviours import side_by_side

        return side_by_side(world, (best, worst), names=("Best", "Worst"), theme=mode)

    def plane(mode: Theme) -> Any:
        from core.labs.similarity.figures.plane import behaviour_map

        return behaviour_map(ensemble.plane, values, "learned reward", answers=read, theme=mode)

    left, right = st.columns(2, gap="medium")
    with left:
        draw(plane(theme()), key="s_reward", alt="All behaviours, coloured by the learned reward.")
    with right:
        draw(ends(theme()), key="s_ends", alt="The behaviours of highest and lowest learned reward.")
    with st.container(horizontal=True):
        about_similarity("reward")
        export_row(plane, [], lambda: _table(values, ensemble.plane), key="s_reward", name="similarity-reward")


def _table(values: np.ndarray, plane: np.ndarray) -> pd.DataFrame:
    rows = {"behaviour": range(len(values)), "reward": values, "first": plane[:, 0], "second": plane[:, 1]}
    return pd.DataFrame(rows).sort_values("reward", ascending=False)
