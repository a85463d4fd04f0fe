"""What people are told: errors with their next step, and user text that stays text."""

from __future__ import annotations

import re

import streamlit as st

from core.errors import UserError
from core.terms import counted as counted  # pages read it from here

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=\"'@/])")


def plain(text: str) -> str:
    """User text for a place that reads markdown: shown to the letter, no images, links, formulas or colours."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def show_error(error: UserError) -> None:
    """One refusal: where, what happened, what to do next."""
    head = f"**{plain(error.where)}** · " if error.where else ""
    after = f"  \n{plain(error.next_step)}" if error.next_step else ""
    st.error(f"{head}{plain(error.what)}{after}")


def duration(seconds: float) -> str:
    """A time to wait in human units: ``under a second``, ``about 8 s``, ``about 3 min``, ``about 2 h``."""
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"about {round(seconds)} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"
