"""What a study shows: its verdict, the figure by number of answers, its numbers, and its files."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.similarity import record
from core.labs.similarity.script import study_script
from core.labs.similarity.settings import NAMES, Settings
from core.labs.similarity.verdict import LIMITS, judge
from core.worlds.listed.catalogue import TITLES
from ui.labs.similarity.about import about_similarity
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.messages import plain

MARKS = {"agrees": "green", "partly": "orange", "does not agree": "red", "cannot tell": "gray"}
download = partial(st.download_button, on_click="ignore")


@st.cache_resource(max_entries=8, show_spinner=False)
def read_study(folder: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Table and summary of a study, read once."""
    table = pd.read_csv(Path(folder) / record.TABLE)
    return table, json.loads((Path(folder) / record.SUMMARY).read_text(encoding="utf-8"))


def show_study(folder: Path) -> None:
    """Verdict, figure, numbers, files."""
    table, summary = read_study(str(folder))
    settings = Settings.from_json(summary["settings"])
    _verdict(summary)
    _curves(settings, table, summary)
    _numbers(summary)
    _files(settings, folder)


def _verdict(summary: dict[str, Any]) -> None:
    found = judge(summary)
    with st.container(border=True, key="s_verdict"):
        st.markdown(f"**Here** :{MARKS[found.standing]}-badge[{found.standing}]")
        st.markdown("\n".join(f"- {plain(line)}" for line in found.shown))
        st.caption(f"What this cannot show: {plain(LIMITS)}")


def _curves(settings: Settings, table: pd.DataFrame, summary: dict[str, Any]) -> None:
    noise = settings.noise[0]
    if len(settings.noise) > 1:
        noise = st.segmented_control(
            "Random answers",
            settings.noise,
            format_func=lambda share: f"{100 * share:g} %",
            default=noise,
            required=True,
            key="s_shown_noise",
            bind="query-params",
        )
    tuned = ", networks fine-tuned for each reward" if settings.fine_tune else ""
    title = f"{TITLES[settings.world]}{tuned}"

    def figure(mode: Theme) -> Any:
        from core.labs.similarity.figures.curves import by_answers

        return by_answers(table, summary["means"], noise=noise, title=title, theme=mode)

    draw(figure(theme()), key="s_curves", alt="Preference accuracy, feature error and violated triplets by answers.")
    with st.container(horizontal=True):
        about_similarity("curves")
        export_row(figure, [], lambda: table, key="s_curves", name="similarity-by-answers")


def _numbers(summary: dict[str, Any]) -> None:
    with st.expander("Every representation in numbers", key="s_numbers"):
        rows = [
            {"representation": NAMES[r["representation"]], "random answers": r["noise"], "answers": r["answers"]}
            | {f"{words}": _with_interval(r[name]) for name, words in _MEASURES}
            | {"seeds": r["seeds"]}
            for r in summary["means"]
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Means over seeds with 95 % intervals.")
        st.caption("Means over seeds and their 95 % intervals. Representations that ask nobody have 0 answers.")


_MEASURES = (("tpa", "preference accuracy"), ("fpe", "feature error"), ("violated", "violated triplets"))


def _with_interval(value: dict[str, float | None]) -> str:
    text = f"{value['mean']:.3f}"
    return text if value["low"] is None else f"{text} [{value['low']:.3f}, {value['high']:.3f}]"


def _files(settings: Settings, folder: Path) -> None:
    """The numbers, and the script that makes them again."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Take away", width="content")
        for name in (record.TABLE, record.SUMMARY, record.POINTS):
            if (folder / name).exists():
                download(name, (folder / name).read_bytes, file_name=name, key=f"s_file_{name}")
        script = partial(study_script, settings)
        download("Python script", script, file_name="similarity.py", key="s_script", help="Runs the study again.")
