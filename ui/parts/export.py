"""The export row of a figure. Nothing is computed before somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.export.browser import download_row
from core.export.data import data_json
from core.export.document import figure_document
from core.export.folder import run_json
from core.export.image import chrome, figure_image
from core.export.report import Item
from core.export.script import reproduction_script
from core.export.table import effects_text, shown_csv
from core.figures.captions import caption_of
from core.figures.printing import for_print, for_reading
from core.figures.style import NAMES, Theme
from core.patching.results.result import AttributionResult
from ui.parts.charts import theme
from ui.parts.collected import collect, full
from ui.shell.static import url

ROW_HEIGHT = 76  # CSS pixels: the buttons take two lines in a popover
MakeFigure = Callable[[Theme], Any]
MakeData = Callable[[], pd.DataFrame]


@st.fragment
def export_row(figure: MakeFigure, results: list[AttributionResult], data: MakeData, *, key: str, name: str) -> None:
    """A popover with every way to take a figure away.

    Args:
        figure: draws it in a theme; exports are drawn in the light one.
        results: the runs behind it; none for a readout.
        data: the numbers that the figure shows.
        name: of the files, without ending.
    """
    popover = st.popover("Export", type="tertiary", key=f"export_{key}", on_change="rerun")
    if not popover.open:
        return
    with popover:
        printed = figure("light")
        st.iframe(
            download_row(
                for_print(printed, columns=1),
                for_print(printed, columns=2),
                name=name,
                script_url=url("plotly.min.js"),
                theme=theme(),
                height=ROW_HEIGHT,
            ),
            height=ROW_HEIGHT,
            alt="Buttons that save the figure as SVG or PNG.",
        )
        with st.container(horizontal=True):
            _figure_files(figure, results, data, key=key, name=name)
            _report_button(figure, results, data, key=key, name=name)
        if results:
            _result_files(results, key=key)


def _figure_files(figure: MakeFigure, results: list[AttributionResult], data: MakeData, *, key: str, name: str) -> None:
    def html() -> str:
        fig = for_reading(figure("light"))
        made = {f"{NAMES[r.spec.choice]} ({r.spec.digest})": run_json(r) | {"pairs": len(r.pairs)} for r in results}
        return figure_document(fig, title=name, caption=caption_of(fig), provenance=made, data=data())

    def whole_json() -> bytes:
        return data_json(data(), caption=caption_of(figure("light")), results=tuple(results))

    _file("CSV", lambda: shown_csv(data()), f"{name}.csv", "text/csv", key, "The numbers that this figure shows.")
    _file(
        "HTML", html, f"{name}.html", "text/html", key, "One file that works without a network: figure, data, origin."
    )
    _file("JSON", whole_json, f"{name}.json", "application/json", key, "The numbers, with all that was run and how.")
    if chrome() is not None:
        pdf = lambda: figure_image(for_print(figure("light"), columns=1), "pdf")  # noqa: E731
        _file("PDF", pdf, f"{name}.pdf", "application/pdf", key, "One column wide.")


def _report_button(
    figure: MakeFigure, results: list[AttributionResult], data: MakeData, *, key: str, name: str
) -> None:
    def item() -> Item:
        fig = for_reading(figure("light")).update_layout(paper_bgcolor="#ffffff")
        digests = tuple(result.spec.digest for result in results)
        return Item(name.replace("-", " ").capitalize(), fig, caption_of(fig), data(), digests)

    st.button(
        "Add to the report",
        key=f"report_add_{key}",
        on_click=collect,
        args=(item,),
        disabled=full(),
        help="The Report page makes one file of the figures you collect, with your notes.",
    )


def _result_files(results: list[AttributionResult], *, key: str) -> None:
    st.markdown("**The whole run**")
    names = [NAMES[result.spec.choice] for result in results]
    i = st.selectbox("Of", range(len(names)), format_func=names.__getitem__, key=f"of_{key}") if len(names) > 1 else 0
    result = results[i]
    stem = f"{result.spec.choice}-{result.spec.digest}" + "-partial" * bool(result.partial)
    with st.container(horizontal=True):
        every = f"effects-{stem}.csv"
        _file("All effects (CSV)", lambda: effects_text(result), every, "text/csv", key, "One row a pair and node.")
        script = f"reproduce-{stem}.py"
        _file(
            "Python script",
            lambda: reproduction_script(result),
            script,
            "text/x-python",
            key,
            "Runs this result again and compares the numbers.",
        )


def _file(label: str, make: Callable[[], str | bytes], name: str, mime: str, key: str, about: str) -> None:
    # A function, called when the button is pressed; "ignore": a download is no reason to run the page again.
    st.download_button(label, make, file_name=name, mime=mime, key=f"{label}_{key}", help=about, on_click="ignore")
