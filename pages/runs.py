"""Runs: everything that was computed here, to open, compare, name, take away and delete."""

import streamlit as st

from ui.runs import table as runs_table
from ui.runs.compare import compare
from ui.runs.session_files import open_session, save_button
from ui.shell import frame
from ui.shell.state import show_results

frame.enter()
shown = runs_table.entries()
chosen = runs_table.choose(shown) if shown else []
finished = [entry for entry in chosen if entry.folder is not None]
of_pairs = [entry for entry in finished if not entry.lab]
labs = [entry for entry in chosen if entry.lab]
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button("Open", type="primary", disabled=not (of_pairs or labs)):
        if labs:  # a laboratory's page also goes on with a run that was cut off
            st.switch_page(f"pages/{labs[0].lab}.py", query_params={"run": labs[0].digest})
        show_results(tuple(entry.digest for entry in of_pairs))
        st.switch_page("pages/attribution.py")
    save_button(chosen)
    runs_table.delete_button(chosen)
    if not chosen and shown:
        st.caption("Choose one run to name it, two to compare them.")
runs_table.undo()
if len(chosen) == 1:
    runs_table.edit(chosen[0])
if len(of_pairs) == 2 == len(chosen):
    compare(*of_pairs)
runs_table.bin_list()
open_session()
