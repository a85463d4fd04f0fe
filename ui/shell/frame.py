"""The frame around every page: name, mark, heading, sidebar."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.paths import ASSETS
from ui.shell.navigation import ENTRIES, pages

TITLE = "Circuitarium"


def configure() -> None:
    """Tab title, mark and layout. The icon is a local file: a named one would be fetched from outside."""
    st.set_page_config(
        page_title=TITLE, page_icon=str(ASSETS / "favicon.png"), layout="wide", initial_sidebar_state=270
    )


def surround(page: Any) -> None:
    """All that stands around the page: heading, logo, what the address bar names, sidebar."""
    st.session_state["_framed"] = True
    entry = next(entry for entry in ENTRIES if entry.title == page.title)
    start = entry is ENTRIES[0]
    st.set_page_config(page_title=TITLE if start else f"{entry.title} · {TITLE}")
    mode = "dark" if st.context.theme.type == "dark" else "light"
    st.logo(str(ASSETS / f"logo_{mode}.svg"), size="large", icon_image=str(ASSETS / "mark.svg"))
    st.title(TITLE if start else entry.title, anchor=False)
    st.markdown(entry.question)

    # Imported only now, so that a person sees the page's heading while the rest is read from disk.
    from ui.shell import messages, sidebar, sign_in, state, static

    sign_in.require()
    static.install_scripts()
    state.adopt_link()
    sidebar.show()
    if (problem := state.link_problem()) is not None:
        messages.show_error(problem)


def enter() -> None:
    """Called by every page first: draw the frame if the page was started without it.

    Until ``st.navigation`` was called once, Streamlit takes the ``pages`` folder for pages of its older kind: the
    first visit after a start, if it goes straight to a page, then runs that page without app.py.
    """
    if not st.session_state.pop("_framed", False):
        configure()
        surround(st.navigation(pages(), position="top"))
        del st.session_state["_framed"]
