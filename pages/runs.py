"""Runs: everything that was computed here, to open, compare, name, take away and delete."""

import streamlit as st

from ui import frame, runs_table
from ui.runs_compare import compare
from ui.session_files import open_session, save_button
from ui.state import show_results

frame.enter()
shown = runs_table.entries()
chosen = runs_table.choose(shown) if shown else []
finished = [entry for entry in chosen if entry.folder is not None]
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button("Open", type="primary", disabled=not finished):
        show_results(tuple(entry.digest for entry in finished))
        st.switch_page("pages/attribution.py")
    save_button(chosen)
    runs_table.delete_button(chosen)
    if not chosen and shown:
        st.caption("Choose one run to name it, two to compare them.")
runs_table.undo()
if len(chosen) == 1:
    runs_table.edit(chosen[0])
if len(finished) == 2 == len(chosen):
    compare(*finished)
runs_table.bin_list()
open_session()
