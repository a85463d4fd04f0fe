"""The episode on show in a session: filmed once, gone on with from any state, and the changes made to one of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.agents.film import Film, film, standing
from core.agents.play import Policy, at_random, scripted
from core.errors import UserError
from core.labs.goals.record import agent_name
from core.labs.goals.settings import world_settings
from core.worlds.tasks.clip import enlarged
from core.worlds.tasks.edits import Place, edit
from core.worlds.tasks.picture import picture
from core.worlds.tasks.world import World
from ui.labs.goals.data import Study

PLAYERS = {
    "agent": "The agent",
    "intended": "Script of the intended goal",
    "proxy": "Script of the proxy",
    "random": "Random actions",
}
STEP = "g_step"  # the slider's key
FILM, CHANGES, REFUSED = "_g_film", "_g_changes", "_g_refused"
WIDE = 448  # CSS pixels that a picture fills, about
Change = tuple[str, Place | None]


@dataclass(frozen=True)
class Cast:
    """Which agent, in which test, who plays, and which of the episodes."""

    run: int
    shift: str
    player: str
    episode: int


def filmed(study: Study, cast: Cast) -> Film:
    """The episode on show; filmed anew where another one is asked for."""
    asked = (str(study.folder), cast)
    held = st.session_state.get(FILM)
    if held is None or held[0] != asked:
        world = _first(study, cast)
        held = (asked, film(world, policy(study, cast.run, cast.player, cast.episode), study.settings.made_from.steps))
        st.session_state[FILM], st.session_state[STEP] = held, 0
        st.session_state.pop(CHANGES, None)
    return held[1]


def go_on(study: Study, cast: Cast, step: int, player: str) -> None:
    """Play on from a step, and from what was changed there; for the button."""
    asked, shown = st.session_state[FILM]
    world = changed(study.settings.world, shown, step)
    later = film(world, policy(study, cast.run, player, step), study.settings.made_from.steps)
    st.session_state[FILM] = (asked, shown.until(step).then(later))
    st.session_state.pop(CHANGES, None)


def changes(shown: Film, step: int) -> list[Change]:
    """What was changed of this state, in order."""
    of, made = st.session_state.get(CHANGES, (None, []))
    return made if of == (name_of(shown), step) else []


def change(task: str, shown: Film, step: int, name: str, place: Place | None) -> None:
    """Change the state of a step; for the button. What is refused is told by ``refusal``."""
    made = [*changes(shown, step), (name, place)]
    try:
        edit(task, changed(task, shown, step), name, place)
    except UserError as error:
        st.session_state[REFUSED] = error
        return
    st.session_state[CHANGES] = ((name_of(shown), step), made)


def take_back(shown: Film, step: int, count: int) -> None:
    """Undo the last changes; for buttons."""
    made = changes(shown, step)
    st.session_state[CHANGES] = ((name_of(shown), step), made[: len(made) - count])


def refusal() -> UserError | None:
    """Why the last change was not made; told once."""
    return st.session_state.pop(REFUSED, None)


def changed(task: str, shown: Film, step: int) -> World:
    """The world of a step, with what was changed there; the film itself stays."""
    from_there = shown.worlds[step]
    world = standing(from_there, from_there.take(slice(0, 1)))
    for name, place in changes(shown, step):
        edit(task, world, name, place)
    return world


def policy(study: Study, run: int, player: str, seed: int) -> Policy:
    """What a player does."""
    if player == "agent":
        return study.agents[agent_name(run)]
    rng = np.random.default_rng([seed, 21])
    return at_random(rng) if player == "random" else scripted("intended" if player == "intended" else "proxy", rng)


def drawn(world: World) -> np.ndarray:
    """A world as a picture, its pixels large and sharp."""
    small = picture(world.board()[0], world.tiles)
    return enlarged(small, max(1, round(WIDE / small.shape[1])))


def name_of(shown: Film) -> str:
    """A name that only the same pictures have."""
    boards = np.concatenate([world.board() for world in shown.worlds])
    return hashlib.sha256(boards.tobytes()).hexdigest()[:16]


def _first(study: Study, cast: Cast) -> World:
    """The first state of an episode; the same number is the same episode whoever plays."""
    settings = study.settings
    variant = tuple(sorted(settings.variants[cast.run // settings.seeds].items()))
    world = _world(settings.world, variant, cast.shift)
    start = standing(world, world.take(slice(0, 1)))
    start.rng = np.random.default_rng([cast.episode, 22])
    start.reset()
    return start


@st.cache_resource(max_entries=16, show_spinner="Building the world")
def _world(task: str, variant: tuple[tuple[str, object], ...], shift: str) -> World:
    """A world with its levels, built once."""
    from core.worlds.tasks.catalogue import find_task

    found = find_task(task)
    settings = world_settings(found, dict(variant), shift)
    return found.world(settings, 1, np.random.default_rng(20))
