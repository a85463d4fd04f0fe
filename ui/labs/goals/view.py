"""What a study shows: the verdict, returns by shift, intended against proxy, learning, numbers, files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.goals import record
from core.labs.goals.script import study_script
from ui.labs.goals.about import LIMITS, NOTES, about_goals
from ui.labs.goals.data import Study
from ui.labs.goals.words import (
    MISGENERALISED,
    NAMES,
    STANDINGS,
    clearest,
    condition,
    knobs,
    sentence,
    short_names,
    with_interval,
)
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import plain

GOALS = {"intended": "Intended goal", "proxy": "Proxy goal"}
download = partial(st.download_button, on_click="ignore")


def show_study(study: Study) -> None:
    """The verdict first, then what it stands on."""
    _verdict(study)
    _returns(study)
    _against(study)
    _learning(study)
    _numbers(study)
    _files(study)


def _verdict(study: Study) -> None:
    rows = study.summary["verdicts"]
    with st.container(border=True, key="g_verdict"):
        left, right = st.columns(2)
        settings = list(dict.fromkeys(row["setting"] for row in rows))
        setting = left.selectbox("Trained with", settings, key=f"g_verdict_setting_{study.name}")
        own = [row for row in rows if row["setting"] == setting]
        shifts = [row["shift"] for row in own]
        key = f"g_verdict_shift_{study.name}_{setting}"
        shift = right.selectbox("Tested under", shifts, index=clearest(own), key=key)
        row = next(row for row in own if row["shift"] == shift)
        words, colour = MISGENERALISED[row["misgeneralised"]]
        st.markdown(f"**Here** :{colour}-badge[{words}] {plain(sentence(row))}")
        st.markdown("\n".join(_condition(name, row[name]) for name in NAMES))
        st.caption(f"{_goals(study)} {plain(LIMITS)} {plain(NOTES.get(study.settings.world, ''))}")


def _condition(name: str, found: dict[str, Any]) -> str:
    return f"- :{STANDINGS[found['standing']]}-badge[{found['standing']}] {plain(condition(name, found))}"


def _goals(study: Study) -> str:
    task, named = study.settings.task, knobs(study.settings)
    goals = f"Meant: {plain(task.intended)}; the proxy: {plain(task.proxy)}."
    return f"{goals} {named}." if named else goals


def _returns(study: Study) -> None:
    goal = st.segmented_control(
        "Return of the",
        list(GOALS),
        format_func=GOALS.__getitem__,
        default="intended",
        required=True,
        key="g_goal",
        bind="query-params",
    )
    names = short_names(study.settings)

    def figure(mode: Theme) -> Any:
        from core.labs.goals.figures.returns import by_shift

        episodes, means = _shortly(study, study.episodes), study.summary["means"]
        named = [row | {"setting": names[row["setting"]]} for row in means]
        return by_shift(episodes, named, goal=goal or "intended", title=study.title, theme=mode)

    _figure(figure, lambda: _means(study), "returns", "Return under every shift, agents beside scripts.")


def _against(study: Study) -> None:
    def figure(mode: Theme) -> Any:
        from core.labs.goals.figures.returns import intended_against_proxy

        return intended_against_proxy(_shortly(study, study.episodes), title=study.title, theme=mode)

    _figure(figure, lambda: _seeds(study), "against", "Intended against proxy return, a dot an agent.")


def _learning(study: Study) -> None:
    def curves(mode: Theme) -> Any:
        from core.labs.goals.figures.curves import learning_curves

        return learning_curves(_shortly(study, study.curves), title=study.title, theme=mode)

    def affinity(mode: Theme) -> Any:
        from core.labs.goals.figures.curves import affinity_curves

        return affinity_curves(_shortly(study, study.curves), title=study.title, theme=mode)

    if "affinity_1" in study.curves:
        _figure(affinity, lambda: study.curves, "affinity", "Affinity for felling by how many trees stand.")
    _figure(curves, lambda: study.curves, "curves", "Pay a step under either goal over training.")


def _figure(figure: Callable[[Theme], Any], data: Callable[[], pd.DataFrame], key: str, alt: str) -> None:
    draw(figure(theme()), key=f"g_{key}", alt=alt)
    with st.container(horizontal=True):
        about_goals(key)
        export_row(figure, [], data, key=f"g_{key}", name=f"goals-{key}")


def _shortly(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """A table with the short names of the trainings, for figures."""
    return table.assign(setting=table["setting"].map(short_names(study.settings)))


def _numbers(study: Study) -> None:
    with st.expander("Every training and test in numbers", key="g_numbers"):
        st.dataframe(_means(study), hide_index=True, alt="Mean returns with 95 % intervals.")
        st.caption("Means an episode with 95 % intervals over seeds and episodes; scripts play with the first seed.")
        st.dataframe(_standings(study), hide_index=True, alt="The conditions of every training and test.")
        st.caption("The three conditions, the second in its two halves; misgeneralised where all of them hold.")


def _means(study: Study) -> pd.DataFrame:
    measures = {"return_intended": "intended", "return_proxy": "proxy", "return_reward": "reward", "steps": "steps"}
    rows = [
        {name: row[name] for name in ("setting", "shift", "policy")}
        | {words: with_interval(row[measure]) for measure, words in measures.items()}
        | {"seeds": row["seeds"], "episodes": row["episodes"]}
        for row in study.summary["means"]
    ]
    return pd.DataFrame(rows)


def _standings(study: Study) -> pd.DataFrame:
    names = ("setting", "shift")
    rows = [
        {name: row[name] for name in names}
        | {NAMES[name].lower(): row[name]["standing"] for name in NAMES}
        | {"misgeneralised": row["misgeneralised"]}
        for row in study.summary["verdicts"]
    ]
    return pd.DataFrame(rows)


def _seeds(study: Study) -> pd.DataFrame:
    """Mean returns of every agent and script under every shift."""
    keys = ["policy", "setting", "seed", "shift"]
    return study.episodes.groupby(keys, sort=False)[["return_intended", "return_proxy"]].mean().reset_index()


def _files(study: Study) -> None:
    """The numbers, the agents, and the script that makes them again."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Take away", width="content")
        for name in (record.EPISODES, record.CURVES, record.SUMMARY, record.AGENTS):
            download(name, (study.folder / name).read_bytes, file_name=name, key=f"g_file_{name}")
        script = partial(study_script, study.settings)
        download("Python script", script, file_name="goals.py", key="g_script", help="Trains and tests it all again.")
