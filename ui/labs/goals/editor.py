"""Changes of the board by hand, and what they do to the action, the Q-values and the map of all places."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.agents.film import Film
from core.figures.style import Theme
from core.labs.goals.record import agent_name
from core.worlds.tasks.edits import EDITS, Place
from core.worlds.tasks.world import World
from ui.labs.goals.about import about_goals
from ui.labs.goals.data import Study
from ui.labs.goals.stage import PLAYERS, Cast, change, changed, changes, drawn, go_on, refusal, take_back
from ui.labs.goals.words import number
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import show_error

BEFORE, AFTER = "As it was", "As you changed it"
MARKS = {"cheese": "C", "tree": "T", "apple": "A", "shield": "S", "monster": "M", "partner": "P"}
MARKS |= {f"sphere {number}": str(number) for number in range(1, 5)}


def editor(study: Study, cast: Cast, shown: Film, step: int) -> None:
    """The form, then before beside after."""
    st.subheader("Change the board by hand, and go on from there", anchor=False)
    _form(study, shown, step)
    if (refused := refusal()) is not None:
        show_error(refused)
    made = changes(shown, step)
    boards = {BEFORE: shown.worlds[step]} | ({AFTER: changed(study.settings.world, shown, step)} if made else {})
    agent = study.agents[agent_name(cast.run)]
    q = {title: agent.q(world.observe())[0] for title, world in boards.items()}
    st.markdown(_verdict(study, step, q))
    _go_on(study, cast, step)
    for column, title in zip(st.columns(2, gap="large"), boards if made else (), strict=False):
        with column:
            _board(title, boards[title], q[title])
    if not made:
        st.caption("Make a change: the board before and after it, and what the agent then does, appear here.")
    _map(study, cast, boards)


def _form(study: Study, shown: Film, step: int) -> None:
    task = study.settings.world
    edits, made = EDITS[task], changes(shown, step)
    rows, columns = shown.worlds[step].board().shape[1:]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Change", list(edits), format_func=lambda i: edits[i].title, key=f"g_edit_{task}", width=300
        )
        place: Place | None = None
        if edits[name].placed:
            row = st.number_input("Row", 0, rows - 1, rows - 1, key=f"g_row_{task}", width=120, help="0 is at the top.")
            column = st.number_input(
                "Column", 0, columns - 1, columns - 1, key=f"g_column_{task}", width=120, help="0 is at the left."
            )
            place = (int(row), int(column))
        arguments = (task, shown, step, name, place)
        st.button("Make the change", type="primary", key="g_change", on_click=change, args=arguments)
        back = partial(take_back, shown, step)
        st.button("Undo", key="g_undo", on_click=back, args=(1,), disabled=not made)
        st.button("Undo all", key="g_undo_all", on_click=back, args=(len(made),), disabled=not made)


def _verdict(study: Study, step: int, q: dict[str, np.ndarray]) -> str:
    """What the agent does before and after."""
    actions = study.settings.task.world.actions
    does = {title: f"**{actions[values.argmax()]}** (Q {number(values.max(), 3)})" for title, values in q.items()}
    if AFTER not in q:
        return f"At step {step} the agent goes {does[BEFORE]}."
    same = q[BEFORE].argmax() == q[AFTER].argmax()
    told = "The change does not turn it." if same else "The change turns it."
    return f"At step {step} the agent goes {does[BEFORE]}; on the changed board it goes {does[AFTER]}. {told}"


def _everywhere(study: Study, cast: Cast, world: World) -> np.ndarray:
    from core.labs.goals.everywhere import q_everywhere  # torch comes with it

    return q_everywhere(world, study.agents[agent_name(cast.run)])


def _board(title: str, world: World, q: np.ndarray) -> None:
    """One of the two: the picture, and Q of every action."""
    st.markdown(f"**{title}**")
    st.image(drawn(world), output_format="PNG", alt=f"The board {title.lower()}.")
    st.table(pd.DataFrame({"action": world.actions, "Q": [number(value, 3) for value in q]}).set_index("action"))


def _map(study: Study, cast: Cast, boards: dict[str, World]) -> None:
    """Q and the best action from every place, of either board in the same colours."""
    st.markdown("**What the agent would do from every place**")
    title = list(boards)[-1]
    if len(boards) > 1:
        title = (
            st.segmented_control("Map of the board", list(boards), default=title, required=True, key="g_map") or title
        )
    world, maps = boards[title], {name: _everywhere(study, cast, board) for name, board in boards.items()}
    best = np.concatenate([values.max(2).ravel() for values in maps.values()])
    span, marks = (float(np.nanmin(best)), float(np.nanmax(best))), _marks(world)

    def figure(mode: Theme) -> Any:
        from core.labs.goals.figures.places import place_map

        named = f"{study.title} ({cast.shift}), {title.lower()}"
        return place_map(maps[title], world.actions, title=named, marks=marks, span=span, theme=mode)

    draw(figure(theme()), key="g_places", alt="Q and the best action from every place of the board.")
    st.caption(_letters(marks))
    with st.container(horizontal=True):
        about_goals("places")
        export_row(figure, [], lambda: _places(maps[title], world), key="g_places", name="goals-places")


def _marks(world: World) -> dict[Place, str]:
    """Letters for what lies on the board, but for the agent."""
    board = world.board()[0]
    words = {place: world.tiles[tile].split(" on ") for place, tile in np.ndenumerate(board)}
    return {
        (place[0], place[1]): next(MARKS[word] for word in names if word in MARKS)
        for place, names in words.items()
        if any(word in MARKS for word in names)
    }


def _letters(marks: dict[Place, str]) -> str:
    """``C: cheese``, for the letters that are drawn."""
    return ", ".join(f"{mark}: {word}" for word, mark in MARKS.items() if mark in marks.values())


def _places(q: np.ndarray, world: World) -> pd.DataFrame:
    """Q of every action from every place, one row a place."""
    rows, columns = np.indices(q.shape[:2])
    values = {f"q_{name}": q[..., i].ravel() for i, name in enumerate(world.actions)}
    return pd.DataFrame({"row": rows.ravel(), "column": columns.ravel(), **values})


def _go_on(study: Study, cast: Cast, step: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        player = st.selectbox(
            "Go on with", list(PLAYERS), format_func=PLAYERS.__getitem__, key="g_go_on_player", width=260
        )
        st.button(f"Play on from step {step}", key="g_go_on", on_click=go_on, args=(study, cast, step, player))
        st.caption("Steps before it stay; the rest is played anew, from the board as you changed it.")
