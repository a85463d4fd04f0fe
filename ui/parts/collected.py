"""The figures that a browser session collects for its report."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.export.report import Item
from ui.shell.messages import counted

MOST_ITEMS = 24
_KEY = "_report"


def items() -> tuple[Item, ...]:
    """What was collected, in order."""
    return st.session_state.get(_KEY, ())


def collect(make: Callable[[], Item]) -> None:
    """Add a figure; for buttons on other pages."""
    if len(items()) < MOST_ITEMS:
        keep((*items(), make()))
        st.toast(f"The report has {counted(len(items()), 'figure')} now.")


def full() -> bool:
    """Whether no further figure fits."""
    return len(items()) >= MOST_ITEMS


def keep(new: tuple[Item, ...]) -> None:
    """These figures in this order; titles and notes are drawn anew from them."""
    st.session_state[_KEY] = new
    for key in list(st.session_state):
        if str(key).startswith(("report_title_", "report_note_")):
            del st.session_state[key]


def replace(i: int, item: Item) -> None:
    """Other words for one figure, whose fields stay as they are typed."""
    st.session_state[_KEY] = (*items()[:i], item, *items()[i + 1 :])
