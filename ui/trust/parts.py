"""The three parts of the Trust page; which one is shown is part of the link."""

from __future__ import annotations

import streamlit as st

from ui.trust.missed import FINDINGS

VERIFY, MISSED, STUDY = "Verify an estimate", "What AtP misses", "A study of the methods"
KEY = "trust_part"


def choose_part() -> str:
    """Draw the choice. A link to findings opens the part that shows them."""
    if FINDINGS.linked:
        st.session_state[KEY] = MISSED
    return st.segmented_control(
        "Part of the page",
        [VERIFY, MISSED, STUDY],
        default=VERIFY,
        required=True,
        key=KEY,
        bind="query-params",
        label_visibility="collapsed",
    )
