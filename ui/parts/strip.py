"""The strip under a page's title: what is loaded, and where to change it."""

from __future__ import annotations

import streamlit as st

from core.prompts.pairs import PairSet
from core.prompts.parse import cells_of
from ui.parts.findings import download_skipped, reasons
from ui.shell.messages import counted, plain
from ui.shell.models import ModelChoice, aligned, slot
from ui.shell.state import current_pairs, model_choice


def strip(choice: ModelChoice, pairs: PairSet, title: str, *more: str) -> None:
    """Model, pairs and whatever else the page works with, on one line."""
    parts = [f"Model **{plain(choice.name)}**", f"Pairs **{plain(title)}** ({counted(len(pairs), 'pair')})", *more]
    with st.container(horizontal=True, vertical_alignment="center", key="strip"):
        st.markdown(" &nbsp;·&nbsp; ".join(parts), width="content")
        st.page_link("pages/pairs.py", label="change pairs")


def refused_pairs(refused: int) -> None:
    """Say that some pairs cannot be run with the present model, why, and where they are."""
    facts = slot().facts(model_choice())
    if not refused or facts is None:
        return
    pairs = current_pairs()
    problems = aligned(facts, pairs).problems
    left = f"{counted(refused, 'pair')} of this set cannot be run with this model and"
    st.warning(f"{left} {'is' if refused == 1 else 'are'} left out. {reasons(problems)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link("pages/pairs.py", label="See why, and what to do")
        download_skipped([cells_of(pair) for pair in pairs], problems, key="skipped_pairs")
