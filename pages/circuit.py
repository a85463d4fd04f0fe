"""Circuit: edges between heads and MLPs, drawn, named, pruned and tested."""

import streamlit as st

from ui.circuit import files as circuit_files
from ui.circuit import form as circuit_form
from ui.circuit import measure as circuit_measure
from ui.circuit import page as runs
from ui.circuit import view
from ui.parts.strip import refused_pairs, strip
from ui.shell import frame, state
from ui.shell.laboratory import show_refusal
from ui.shell.models import sound_pairs
from ui.shell.progress import need_model

frame.enter()
show_refusal()
strip(state.model_choice(), state.current_pairs(), state.pairs_title())
with st.expander("Score the edges of your own pairs", key="run_circuit"):
    facts = need_model(height=46)
    if facts is not None:
        pairs, found, refused = sound_pairs(facts, state.current_pairs())
        refused_pairs(refused)
        if found.pairs:
            circuit_form.circuit_form(facts, pairs, found.pairs)
run = runs.choose_run()
if run is not None:
    name = runs.RUNS.name()
    look = view.choose_view(run)
    saved = circuit_files.saved_note()
    circuit = view.circuit_on_show(run, look, name)
    explained = circuit_measure.explained(run, circuit, look, facts, saved=saved)
    notes = circuit_measure.notes_of(explained)
    view.draw_circuit(circuit, notes)
    circuit_files.files(run, circuit, circuit_measure.on_screen(circuit), notes)
    if not saved:
        view.edit_nodes(circuit, name)
    st.subheader("How much circuits of growing size explain", anchor=False)
    circuit_measure.curve_view(run, circuit_measure.on_screen(circuit), explained)
