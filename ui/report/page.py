"""The report of one browser session: figures collected from the pages, each with a note, and the file made of them."""

from __future__ import annotations

import dataclasses

import streamlit as st

from core.errors import UserError
from core.export.browser import file_name
from core.export.image import browser_path
from core.export.pdf import printed
from core.export.report import report_document
from core.patching.results.result import AttributionResult
from ui.parts.charts import CONFIG
from ui.parts.collected import items, keep, replace
from ui.shell.messages import counted, plain, show_error
from ui.shell.store import load_result

LONGEST_NOTE = 5000  # characters


def edit() -> None:
    """Every figure with its title and note; buttons to move and remove it."""
    for i, item in enumerate(items()):
        with st.container(border=True):
            left, right = st.columns([3, 2], gap="medium")
            with left:
                st.plotly_chart(item.figure, key=f"report_{i}_{id(item.figure)}", theme=None, config=CONFIG)
                st.caption(plain(item.caption))
            with right:
                title = st.text_input("Title", item.title, max_chars=120, key=f"report_title_{i}")
                note = st.text_area("Note", item.note, max_chars=LONGEST_NOTE, key=f"report_note_{i}")
                if (title, note) != (item.title, item.note):
                    replace(i, dataclasses.replace(item, title=title, note=note))
                with st.container(horizontal=True):
                    st.button("Up", key=f"report_up_{i}", on_click=_move, args=(i,), disabled=i == 0)
                    st.button("Remove", key=f"report_remove_{i}", on_click=_remove, args=(i,))


def take() -> None:
    """Title, introduction and the file."""
    title = st.text_input("Report title", "Report", max_chars=120, key="report_title", persist_state="session")
    introduction = st.text_area(
        "Introduction", max_chars=LONGEST_NOTE, key="report_introduction", persist_state="session"
    )

    def html() -> str:
        return report_document(items(), _results(), title=title, introduction=introduction)

    stem = file_name(title)
    with st.container(horizontal=True):
        st.download_button(
            f"HTML ({counted(len(items()), 'figure')})",
            html,
            file_name=f"{stem}.html",
            mime="text/html",
            type="primary",
            on_click="ignore",
            help="One file that opens without a network: figures, notes, methods, provenance and data.",
        )
        if browser_path() is not None:
            st.download_button(
                "PDF", lambda: printed(html()), file_name=f"{stem}.pdf", mime="application/pdf", on_click="ignore"
            )
    if browser_path() is None:
        st.caption("For a PDF, print the HTML file from your browser: this server has no Chrome.")


def _results() -> list[AttributionResult]:
    digests = dict.fromkeys(digest for item in items() for digest in item.runs)
    try:
        found = [load_result(digest) for digest in digests]
    except UserError as error:
        show_error(error)
        return []
    return [result for result in found if result is not None]


def _move(i: int) -> None:
    now = list(items())
    now[i - 1], now[i] = now[i], now[i - 1]
    keep(tuple(now))


def _remove(i: int) -> None:
    keep((*items()[:i], *items()[i + 1 :]))
