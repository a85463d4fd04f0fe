"""What the parts of the Multiple choice page share: a choice of few, and a figure with its row of buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from ui.labs.multiple_choice.about import about
from ui.parts.charts import draw, theme
from ui.parts.export import export_row


def choice(label: str, options: dict[str, str], key: str) -> str:
    """One of a few values by their words."""
    first = next(iter(options))
    picked = st.segmented_control(label, list(options), default=first, required=True, key=key)
    return options[picked or first]


def place(
    figure: Callable[[Theme], Any],
    data: Callable[[], pd.DataFrame],
    *,
    key: str,
    name: str,
    alt: str,
    which: str = "",
) -> None:
    """A figure with what is said about it and the ways to take it away."""
    draw(figure(theme()), key=key, alt=alt)
    with st.container(horizontal=True):
        if which:
            about(which)
        export_row(figure, [], data, key=key, name=name)
