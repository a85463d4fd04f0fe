"""Session files on a page: take chosen runs away as one file, and open such a file."""

from __future__ import annotations

import streamlit as st

from core.errors import UserError
from core.runs.entry import Entry
from core.runs.sessions.session_file import MOST_RUNS, Restored, restore, session_file
from ui.shell.messages import counted, show_error
from ui.shell.store import store

LARGEST_UPLOAD = 200  # MB


def save_button(chosen: list[Entry]) -> None:
    """Download the chosen finished runs, with their words and pair sets."""
    digests = [entry.digest for entry in chosen if entry.folder is not None][:MOST_RUNS]
    st.download_button(
        "Session file",
        lambda: session_file(store(), digests),
        file_name="circuitarium-session.zip",
        mime="application/zip",
        disabled=not digests,
        on_click="ignore",
        help="One file with the chosen runs, their names and notes and their pairs, to be opened on another machine.",
    )


def open_session() -> None:
    """Upload a session file."""
    with st.expander("Open a session file"):
        file = st.file_uploader(
            "A file saved on this page, here or on another machine",
            type=["zip"],
            max_upload_size=LARGEST_UPLOAD,
            key="session_upload",
        )
        if file is not None:
            st.button("Restore it", type="primary", on_click=_restore, args=(file.getvalue(),))
        outcome = st.session_state.pop("_restored", None)
        if isinstance(outcome, UserError):
            show_error(outcome)
        elif isinstance(outcome, Restored):
            already = f", {len(outcome.known)} of them here already" if outcome.known else ""
            st.success(f"{counted(len(outcome.runs), 'run')} restored{already}.")


def _restore(content: bytes) -> None:
    try:
        st.session_state["_restored"] = restore(store(), content)
    except UserError as error:
        st.session_state["_restored"] = error
