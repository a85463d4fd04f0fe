"""Taking a circuit away and bringing it back: link, JSON, Python, the drawing's export row."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from core.circuits.circuit import Circuit
from core.circuits.script import circuit_script
from core.circuits.stored import CircuitRun
from core.errors import UserError
from core.figures.circuit.drawing import circuit_figure
from core.figures.style import Theme
from ui.circuit.about import about
from ui.circuit.page import MOST_BYTES, SAVED, read_circuit, save
from ui.parts.export import export_row
from ui.shell.messages import show_error


def files(run: CircuitRun, circuit: Circuit, shown: Circuit, notes: tuple[str, ...]) -> None:
    """One row: about, export, save and link, JSON, Python."""

    def figure(mode: Theme) -> Any:
        return circuit_figure(circuit, theme=mode, notes=notes)

    with st.container(horizontal=True, vertical_alignment="center"):
        about("drawing")
        export_row(figure, [], shown.to_frame, key="circuit", name="circuit")
        st.button(
            "Save and link",
            key="circuit_save",
            type="tertiary",
            on_click=_save,
            args=(circuit,),
            help="Keeps the circuit with its names, groups and places on this server; the address bar then names it.",
        )
        st.download_button(
            "Circuit (JSON)",
            lambda: json.dumps(circuit.to_json(), ensure_ascii=False, indent=1),
            file_name="circuit.json",
            mime="application/json",
            key="circuit_json",
            type="tertiary",
            on_click="ignore",
        )
        st.download_button(
            "Python that rebuilds it",
            lambda: circuit_script(run, shown),
            file_name="circuit.py",
            mime="text/x-python",
            key="circuit_script",
            type="tertiary",
            on_click="ignore",
        )
        with st.popover("Open a circuit", type="tertiary"):
            file = st.file_uploader("JSON", type=["json"], max_upload_size=1, key="circuit_file")
            if file is not None:
                st.button("Show it", key="circuit_open", on_click=_open, args=(file.getvalue()[: MOST_BYTES + 1],))
    if (problem := st.session_state.pop("_circuit_problem", None)) is not None:
        show_error(problem)


def saved_note() -> bool:
    """Whether a saved circuit is on show, with the way back to the ranking."""
    if not st.query_params.get(SAVED):
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info("A saved circuit is on show; the controls above do not change it.")
        st.button("Back to the ranking", key="circuit_back", on_click=_back)
    return True


def _back() -> None:
    st.query_params.pop(SAVED, None)


def _save(circuit: Circuit) -> None:
    st.query_params[SAVED] = save(circuit)


def _open(data: bytes) -> None:
    try:
        st.query_params[SAVED] = save(read_circuit(data))
    except UserError as error:
        st.session_state["_circuit_problem"] = error
