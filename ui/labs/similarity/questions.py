"""Where a person answers: three behaviours, which two are most alike?, and the map that follows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures.style import Theme
from core.labs.similarity.answers.ensemble import Ensemble
from core.labs.similarity.answers.people import like_simulated
from core.labs.similarity.answers.record import CANNOT_SAY, CHOICES, Answer, as_csv, read_answers
from core.worlds.listed.behaviours import Behaviours
from core.worlds.listed.catalogue import TITLES
from ui.labs.similarity import answering
from ui.labs.similarity.about import about_similarity
from ui.labs.similarity.answering import Sitting
from ui.labs.similarity.people import compare_people
from ui.labs.similarity.reward import preferences
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import counted, plain, show_error
from ui.shell.progress import ended_badly, follow
from ui.shell.worker import worker

RANDOM, DISPUTED = "at random", "where four networks disagree most"
BUTTONS = {"AB": "A and B", "AC": "A and C", "BC": "B and C"}


def questions() -> None:
    """Ask, learn, draw; answers are on the disk before the next question is drawn."""
    answering.get_ready()
    who, how, helped, noise = _who()
    own = who.own()
    job, ensemble, read = answering.training(who, own, helped=helped, noise=noise)
    _ask(who, own, ensemble if how == DISPUTED else None)
    _standing(who, own)
    if job is not None and job.active:
        follow([job])
    elif job is not None and job.state != "done":
        ended_badly(job, again=lambda: worker().forget(job.key))
    if ensemble is None:
        st.info(
            f"After {answering.BATCH} answers four networks learn from them, and the map of behaviours appears here."
        )
    else:
        feature = _map(who.behaviours, ensemble, read)
        compare_people(who, feature)
        preferences(who, ensemble, read)
    _files(who, own)


def _who() -> tuple[Sitting, str, int, float]:
    zeroth, first, second, third, fourth = st.columns([1.2, 0.9, 1.4, 1, 1])
    world = zeroth.selectbox(
        "World", list(TITLES), format_func=TITLES.__getitem__, key="s_asked_world", bind="query-params"
    )
    rater = first.text_input("Your name", "me", key="s_rater", max_chars=40, help="Answers are kept under this name.")
    how = second.selectbox("Next question", (RANDOM, DISPUTED), key="s_how")
    helped = third.select_slider(
        "Simulated answers", (0, 25, 100, 500), key="s_helped", help="A simulated person answers beside you."
    )
    noise = fourth.select_slider("Of those, random", (0.0, 0.1, 0.2, 0.4), key="s_helper_noise")
    return Sitting(world, " ".join(rater.split()) or "me"), how, int(helped), float(noise)


def _ask(who: Sitting, own: list[Answer], disputed: Ensemble | None) -> None:
    st.subheader("Which two are most alike?", anchor=False)
    shown = answering.question(who, len(own), disputed)

    def figure(mode: Theme) -> Any:
        from core.labs.similarity.figures.behaviours import side_by_side

        return side_by_side(who.behaviours, shown, theme=mode)

    draw(figure(theme()), key="s_three", alt="Three behaviours, A, B and C.")
    with st.container(horizontal=True):
        for number, choice in enumerate(CHOICES, 1):
            st.button(
                BUTTONS[choice],
                key=f"s_{choice}",
                shortcut=str(number),
                type="primary",
                on_click=answering.answer,
                args=(who, choice),
            )
        st.button("Cannot say", key="s_cannot", shortcut="4", on_click=answering.answer, args=(who, CANNOT_SAY))
        st.button("Undo", key="s_undo", shortcut="u", disabled=not own, on_click=answering.undo, args=(who,))


def _standing(who: Sitting, own: list[Answer]) -> None:
    """Counter, timer, and agreement with a simulated person and with others."""
    said = answering.clear(own)
    words = f"{counted(len(own), 'answer')} by {plain(who.rater)}"
    if own:
        spent = sum(one.milliseconds for one in own) / 1000
        words += f", {spent / len(own):.1f} s each, {spent / 60:.1f} min in all"
    if said:
        same = 100 * like_simulated(who.behaviours, said)
        words += f". {same:.0f} % are as a simulated person would answer who weighs all features alike (chance: 33 %)"
    others = {one.rater for one in who.everybody()} - {who.rater}
    words += f". {counted(len(others), 'other person')} answered here." if len(others) == 1 else ""
    words += f". {len(others)} other people answered here." if len(others) > 1 else "." if not others else ""
    st.caption(words)


def _map(world: Behaviours, ensemble: Ensemble, read: int) -> int:
    """The map; gives the number of the feature that colours it."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    name = left.selectbox("Colour", world.names, key="s_feature", format_func=str.capitalize)
    right.caption(
        f"Feature error {ensemble.fpe:.2f} (0: features known, 1: nothing known); {100 * ensemble.violated:.0f} % of "
        "the answers are not reproduced. With 100 answers the error is still 0.2 to 0.4."
    )
    feature = world.names.index(name)

    def figure(mode: Theme) -> Any:
        from core.labs.similarity.figures.plane import behaviour_map

        return behaviour_map(ensemble.plane, world.features[:, feature], name, answers=read, theme=mode)

    def data() -> pd.DataFrame:
        plane = pd.DataFrame(ensemble.plane, columns=["first", "second"])
        return plane.assign(behaviour=range(len(plane)), **{name: world.features[:, feature]})

    draw(figure(theme()), key="s_map", alt="All behaviours by the learned representation.")
    with st.container(horizontal=True):
        about_similarity("map")
        export_row(figure, [], data, key="s_map", name="similarity-map")
    return feature


def _files(who: Sitting, own: list[Answer]) -> None:
    with st.expander("Take answers away, or bring some", key="s_answers_files"):
        with st.container(horizontal=True):
            mine = lambda: as_csv(own)  # noqa: E731
            every = lambda: as_csv(who.everybody())  # noqa: E731
            options: dict[str, Any] = {"mime": "text/csv", "on_click": "ignore"}
            st.download_button("My answers (CSV)", mine, file_name="answers.csv", key="s_mine", **options)
            st.download_button("Everybody's answers (CSV)", every, file_name="all-answers.csv", key="s_all", **options)
        file = st.file_uploader("Answers from a file", type=["csv"], max_upload_size=2, key="s_file")
        if file is None:
            return
        try:
            found = read_answers(file.getvalue().decode("utf-8-sig", "replace"), who.behaviours)
        except UserError as error:
            show_error(error)
            return
        st.button(
            f"Add {counted(len(found), 'answer')}", key="s_add", on_click=answering.take_in, args=(who.world, found)
        )
