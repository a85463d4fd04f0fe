"""Several people about one world: their agreement, and a map of behaviours each."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.similarity.answers.ensemble import Ensemble
from core.labs.similarity.answers.people import agreements, by_person, foretold, like_simulated
from core.labs.similarity.answers.record import Answer
from core.runs.worker import Job
from ui.labs.similarity import answering
from ui.labs.similarity.answering import Sitting
from ui.parts.charts import draw, theme
from ui.shell.messages import counted, plain
from ui.shell.progress import follow

MOST = 4  # people whose networks are trained and drawn


def compare_people(who: Sitting, feature: int) -> None:
    """On demand: every person's networks, what they foretell of the others' answers, and their maps.

    Args:
        feature: whose values colour the maps.
    """
    people = {name: own for name, own in by_person(who.everybody()).items() if len(own) >= answering.BATCH}
    if len(people) < 2 or not st.toggle("Compare the people who answered", key="s_people"):
        return
    for a, b, count, share in agreements(people):
        st.markdown(
            f"{plain(a)} and {plain(b)} both answered {counted(count, 'question')}, {100 * share:.0f} % alike "
            "(chance: 33 %)."
        )
    chosen = sorted(people, key=lambda name: -len(people[name]))[:MOST]
    if len(people) > MOST:
        st.caption(f"The {MOST} people with the most answers, of {len(people)}.")
    jobs: list[Job] = []
    learned: dict[str, Ensemble] = {}
    for name in chosen:
        sitting = Sitting(who.world, name)
        job, ensemble, _ = answering.training(sitting, people[name], helped=0, noise=0.0)
        jobs += [job] if job is not None and job.active else []
        learned |= {name: ensemble} if ensemble is not None else {}
    if jobs:
        follow(jobs)
    if learned:
        _table(who, people, learned)
        _maps(who, people, learned, feature)


def _table(who: Sitting, people: dict[str, list[Answer]], learned: dict[str, Ensemble]) -> None:
    rows = [
        {
            "answers by": name,
            "that name a pair": len(people[name]),
            "as simulated": _percent(like_simulated(who.behaviours, people[name])),
        }
        | {f"foretold by {other}'s networks": _percent(foretold(learned[other], people[name])) for other in learned}
        for name in learned
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="How well each person's networks foretell all answers.")
    st.caption(
        "Foretold: the answer names the pair that a person's networks hold closest; chance is 33 %. Networks have seen "
        "their own person's answers, so that only the other columns are a test."
    )


def _maps(who: Sitting, people: dict[str, list[Answer]], learned: dict[str, Ensemble], feature: int) -> None:
    world = who.behaviours
    columns = st.columns(2, gap="medium")
    for place, (name, ensemble) in enumerate(learned.items()):

        def figure(mode: Theme, name: str = name, ensemble: Ensemble = ensemble) -> Any:
            from core.labs.similarity.figures.plane import behaviour_map

            values, words = world.features[:, feature], world.names[feature]
            return behaviour_map(ensemble.plane, values, words, answers=len(people[name]), theme=mode)

        with columns[place % 2]:
            st.markdown(f"**{plain(name)}**")
            draw(figure(theme()), key=f"s_map_of_{place}", alt="All behaviours by what this person's answers taught.")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
