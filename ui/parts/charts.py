"""Figures on a page: their theme, their caption, and clicks that choose a node."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.figures.captions import caption_of
from core.figures.style import Theme
from core.patching.place import Node
from ui.shell.messages import plain
from ui.shell.state import choose_node

CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
}


def theme() -> Theme:
    """The theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def draw(fig: Any, *, key: str, alt: str) -> None:
    """A figure that is only looked at, with its caption."""
    st.plotly_chart(fig, key=key, theme=None, config=CONFIG, alt=alt)
    _caption(fig)


def draw_clickable(fig: Any, *, key: str, alt: str) -> None:
    """A figure whose cells choose the node that the inspector shows."""
    st.plotly_chart(
        fig,
        key=key,
        theme=None,
        config=CONFIG,
        alt=alt,
        on_select=lambda: _pick(key),
        selection_mode="points",
    )
    _caption(fig)


def _caption(fig: Any) -> None:
    if text := caption_of(fig):
        st.caption(plain(text))


def _pick(key: str) -> None:
    """Copy the click: the chart forgets it as soon as its figure changes."""
    points = st.session_state[key].selection.points
    data = points[0].get("customdata") if points else None
    if isinstance(data, dict):  # rows may arrive with their indices as keys
        data = [data.get(str(i)) for i in range(4)]
    if data and len(data) == 4:
        choose_node(Node(*data))
