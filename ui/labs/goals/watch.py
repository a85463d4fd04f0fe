"""An episode: the world as a picture, step by step, what the agent thinks of each action, and clips to take away."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from core.agents.film import Film
from core.labs.goals.record import agent_name, runs_of
from core.worlds.tasks.clip import gif, mp4
from core.worlds.tasks.world import GOALS, World
from ui.labs.goals.data import Study
from ui.labs.goals.editor import editor
from ui.labs.goals.stage import PLAYERS, STEP, Cast, drawn, filmed, name_of
from ui.labs.goals.words import number
from ui.shell.messages import counted

PER_SECOND = 6.0


def watch(study: Study) -> None:
    """Choose, play, step; then change the board."""
    cast = _cast(study)
    shown = filmed(study, cast)
    left, right = st.columns([3, 2], gap="large")
    with left:
        moving = st.toggle("Play it", key="g_play", help="Off: step through it.")
        if moving:
            st.video(clip(name_of(shown), "mp4", shown), loop=True, autoplay=True, muted=True)
        step = 0 if moving else _step(shown)
        if not moving:
            st.image(drawn(shown.worlds[step]), output_format="PNG", alt=_seen(shown, step))
        _take_away(study, shown)
    with right:
        _pay(shown)
        if not moving:
            _thoughts(study, cast, shown, step)
    if not moving:
        editor(study, cast, shown, step)


def _cast(study: Study) -> Cast:
    """Whose episode it is."""
    names = runs_of(study.settings)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        settings = list(dict.fromkeys(setting for _, setting, _ in names))
        setting = st.selectbox("Trained with", settings, key=f"g_watch_setting_{study.name}", width=240)
        seeds = [seed for _, own, seed in names if own == setting]
        seed = st.selectbox("Seed", seeds, key=f"g_watch_seed_{study.name}", width=100)
        shifts = list(study.settings.task.shifts)
        shift = st.selectbox(
            "Test", shifts, index=min(1, len(shifts) - 1), key=f"g_watch_shift_{study.name}", width=180
        )
        player = st.selectbox("Who plays", list(PLAYERS), format_func=PLAYERS.__getitem__, key="g_player", width=240)
        episode = st.number_input("Episode", 0, 9999, 0, key="g_episode", width=130, help="A number names its board.")
    run = next(run for run, own, own_seed in names if (own, own_seed) == (setting, seed))
    return Cast(run, shift, player, int(episode))


def _step(shown: Film) -> int:
    """The slider and its two buttons."""
    last = len(shown)
    st.session_state[STEP] = min(st.session_state.get(STEP, 0), last)
    step = int(st.slider("Step", 0, last, key=STEP))
    with st.container(horizontal=True, gap="small"):
        for label, to in (("Start", 0), ("Back", max(0, step - 1)), ("Next", min(last, step + 1)), ("End", last)):
            st.button(label, key=f"g_{label}", on_click=_to, args=(to,), disabled=to == step, width="stretch")
    return step


def _to(step: int) -> None:
    st.session_state[STEP] = step


def _pay(shown: Film) -> None:
    """What the whole episode brings."""
    first, second, third = st.columns(3)
    first.metric("Steps", len(shown))
    for column, goal in ((second, "intended"), (third, "proxy")):
        column.metric(goal.capitalize(), number(getattr(shown, goal).sum(), 0))


def _thoughts(study: Study, cast: Cast, shown: Film, step: int) -> None:
    """What happens next, and every action with the agent's Q and what the scripts would do."""
    st.markdown(_seen(shown, step))
    world = shown.worlds[step]
    q = study.agents[agent_name(cast.run)].q(world.observe())[0]
    st.table(_actions(world, q).set_index("action"))
    st.caption(
        "Q: the discounted reward that this agent expects after the action, whoever plays. Ticks: what the scripts of "
        "the two goals would do. Above: what either goal pays in the whole episode."
    )


def _seen(shown: Film, step: int) -> str:
    """``Step 3 of 12: goes up; intended return so far 0, proxy 1.``"""
    paid = ", ".join(f"{goal} return so far {number(getattr(shown, goal)[:step].sum(), 0)}" for goal in GOALS)
    world = shown.worlds[step]
    does = f"goes {world.actions[shown.actions[step]]} next" if step < len(shown) else "the end"
    return f"Step {step} of {len(shown)}: {does}; {paid}."


def _actions(world: World, q: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame({"action": world.actions, "Q": [number(value, 3) for value in q]})
    for goal in GOALS:
        scores = world.scores(goal)[0]
        table[goal] = np.where(scores >= scores.max() - 1e-9, "✓", "")
    return table


def _take_away(study: Study, shown: Film) -> None:
    name = f"goals-{study.settings.world}"
    with st.container(horizontal=True, vertical_alignment="center"):
        for kind, mime in (("gif", "image/gif"), ("mp4", "video/mp4")):
            make = partial(clip, name_of(shown), kind, shown)
            file = f"{name}.{kind}"
            st.download_button(
                kind.upper(), make, file_name=file, mime=mime, key=f"g_clip_{kind}", on_click="ignore",
                help=f"The whole episode, {counted(len(shown) + 1, 'picture')}.",
            )  # fmt: skip
        st.caption("Clips to take away")


@st.cache_data(max_entries=8, show_spinner="Drawing the clip")
def clip(name: str, kind: str, _shown: Film) -> bytes:
    """The episode as a file; ``name`` tells films apart."""
    frames = [drawn(world) for world in _shown.worlds]
    return gif(frames, per_second=PER_SECOND) if kind == "gif" else mp4(frames, per_second=PER_SECOND)
