"""The frame around every page: name, mark, page list, sidebar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

ASSETS = Path(__file__).parents[1] / "assets"
PAGES = Path(__file__).parents[1] / "pages"
TITLE = "Circuitarium"


def configure() -> None:
    """Tab title, mark and layout. The icon is a local file: a named one would be fetched from outside."""
    st.set_page_config(
        page_title=TITLE, page_icon=str(ASSETS / "favicon.png"), layout="wide", initial_sidebar_state=270
    )


def pages() -> list[Any]:
    """Every page, in the order in which a person needs them."""
    return [
        st.Page(
            PAGES / "home.py", title="Home", default=True, help="A finished result on the default model, and the ways on."
        ),
        st.Page(
            PAGES / "pairs.py",
            title="Prompt pairs",
            url_path="pairs",
            help="Bring, check and choose the prompt pairs that every other page works on.",
        ),
        st.Page(
            PAGES / "attribution.py",
            title="Attribution",
            url_path="attribution",
            help="Which heads, MLPs and neurons cause a behaviour: AtP, AtP* and exact patching side by side.",
        ),
        st.Page(
            PAGES / "attention.py",
            title="Attention",
            url_path="attention",
            help="Where each head looks, on the clean and on the corrupt prompt.",
        ),
    ]


def surround(page: Any) -> None:
    """All that stands around the page: logo, tab title, what the address bar names, sidebar."""
    from ui import sidebar, state, static

    st.session_state["_framed"] = True
    st.set_page_config(page_title=TITLE if page.title == "Home" else f"{page.title} · {TITLE}")
    st.logo(str(ASSETS / f"logo_{theme()}.svg"), size="large", icon_image=str(ASSETS / "mark.svg"))
    static.install_scripts()
    state.adopt_link()
    sidebar.show()


def theme() -> str:
    """``"light"`` or ``"dark"``, as the browser has it."""
    return "dark" if st.context.theme.type == "dark" else "light"


def head(title: str, question: str) -> None:
    """The top of a page: its title, and the question that it answers."""
    _enter_frame()
    st.title(title, anchor=False)
    st.markdown(question)


def _enter_frame() -> None:
    """Draw the frame around a page that was started without it.

    Until ``st.navigation`` was called once, Streamlit takes the ``pages`` folder for pages of its older kind: the
    first visit after a start, if it goes straight to a page, then runs that page without app.py.
    """
    if "_framed" not in st.session_state:
        configure()
        surround(st.navigation(pages(), position="top"))
