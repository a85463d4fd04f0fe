"""Home: a finished result, readable before any model is loaded, and the ways on."""

import streamlit as st

from ui.home.example import example, picture, tell
from ui.parts.views import TRUST
from ui.shell import frame, navigation

frame.enter()
runs = example()
shown = ",".join(run.spec.digest for run in runs)
if runs:
    tell(runs)

ways: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("Try it with my own pairs", "pages/pairs.py", {}, "Upload a file, type a few prompts, or take one of six sets."),
    (
        "See how far to trust it",
        "pages/attribution.py",
        {"result": shown, "average": "signed", "view": TRUST},
        "Every head's estimate against its exact effect, and the heads that the estimate misses.",
    ),
    (
        "Look inside",
        "pages/attribution.py",
        {"result": shown, "average": "signed"},
        "Choose a head: its effect by token and by pair, where it looks, what it writes.",
    ),
)
with st.grid(min_column_width=210):
    for label, page, query, text in ways:
        with st.container(border=True):
            st.page_link(page, label=f"**{label}**", query_params=query)
            st.caption(text)

if runs:
    picture(runs)

st.subheader("Laboratories", anchor=False)
with st.grid(min_column_width=260):
    for entry in navigation.ENTRIES:
        if entry.section == navigation.LABORATORIES:
            with st.container(border=True):
                st.page_link(f"pages/{entry.script}.py", label=f"**{entry.title}**")
                st.caption(entry.question)
