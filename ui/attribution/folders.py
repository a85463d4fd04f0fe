"""Results on disk: choose among those in the results directory, or upload a folder's two files."""

from __future__ import annotations

import time

import streamlit as st

from core.errors import UserError
from core.export.reading import read_files
from core.figures.captions import METRIC_WORDS, way
from core.figures.style import NAMES
from core.patching.spec import RunSpec
from ui.shell.messages import counted, plain, show_error
from ui.shell.state import show_results
from ui.shell.store import examples, has_result, results_dir, save_result, store

MOST_LISTED = 200  # the Runs page lists and searches them all
NEEDED = ("run.json", "effects.safetensors")


def open_results(*, expanded: bool = False) -> None:
    """An expander with both ways to a stored result, such as one made by the command line."""
    with st.expander("Open a stored result", expanded=expanded):
        _choose()
        _upload()


def _choose() -> None:
    lines = _lines()
    if not lines:
        st.caption(f"There is nothing in {plain(str(results_dir()))} yet.")
        return
    chosen = st.multiselect(
        "In the store",
        list(lines),
        format_func=lambda digest: lines.get(digest, digest),
        key="open_stored",
        max_selections=6,
        placeholder="Choose one or several to compare",
    )
    st.button("Show", on_click=show_results, args=(tuple(chosen),), disabled=not chosen)


def _lines() -> dict[str, str]:
    """Digest -> one line, newest first; the app's own examples last."""
    kept = [entry for entry in store().entries() if entry.folder is not None and not entry.lab][:MOST_LISTED]
    lines = {entry.digest: _line(entry.spec, entry.pairs, entry.name, entry.created) for entry in kept}
    return lines | {digest: _line(r.spec, len(r.pairs), "example") for digest, r in examples().items()}


def _line(spec: RunSpec, pairs: int, name: str, written: float | None = None) -> str:
    parts = [
        name,
        NAMES[spec.choice],
        ", ".join(spec.nodes),
        f"{way(spec)}, {METRIC_WORDS[spec.metric]}",
        counted(pairs, "pair"),
        spec.model,
        time.strftime("%d %b %H:%M", time.localtime(written)) if written else "",
    ]
    return " · ".join(part for part in parts if part)


def _upload() -> None:
    files = st.file_uploader(
        "Or a folder made by the command line: its run.json and effects.safetensors",
        type=["json", "safetensors"],
        accept_multiple_files=True,
        max_upload_size=200,
        key="open_files",
    )
    given = {file.name: file for file in files or []}
    if not given:
        return
    if set(given) != set(NEEDED):
        st.caption(f"Both files are needed, {' and '.join(NEEDED)}; here are {plain(', '.join(given))}.")
        return
    st.button("Open", on_click=_open, args=tuple(given[name].getvalue() for name in NEEDED))
    if (error := st.session_state.pop("_open_refused", None)) is not None:
        show_error(error)


def _open(run_json: bytes, effects: bytes) -> None:
    try:
        result = read_files(run_json, effects)
        if has_result(result.spec.digest):
            st.toast("A result of this very run is stored already; it is the one shown.")
        else:
            save_result(result)
        show_results((result.spec.digest,))
    except UserError as error:
        st.session_state["_open_refused"] = error
