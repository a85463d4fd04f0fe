"""The table of stored runs: search, sort, choose; rename, tag, note, pin, delete and take back."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.figures.captions import METRIC_WORDS
from core.figures.style import NAMES
from core.runs.entry import LONGEST, STATES, Entry
from ui.shell import navigation
from ui.shell.messages import counted, plain, show_error
from ui.shell.start import refusal, resume
from ui.shell.store import store

ROW_HEIGHT, TABLE_HEIGHT = 35, 420  # CSS pixels


def entries() -> list[Entry]:
    """The stored runs that the search leaves, newest first."""
    found = store().entries()
    if not found:
        st.info("Nothing is stored yet. Run something on the Attribution page, or open a session file below.")
        return []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search",
            key="runs_search",
            bind="query-params",
            placeholder="model, method, tag, note …",
            help="Every word must occur somewhere in a run's row.",
        )
        present = [state for state in STATES if any(entry.state == state for entry in found)]
        states = st.pills("State", present, selection_mode="multi", key="runs_states") if len(present) > 1 else []
    wanted = words.casefold().split()
    shown = [e for e in found if (not states or e.state in states) and all(w in _text(e) for w in wanted)]
    st.caption(f"{counted(len(shown), 'run')} of {len(found)}. Click a column's name to sort, the boxes to choose.")
    return shown


def _text(entry: Entry) -> str:
    parts = (entry.name, entry.tags, entry.notes, entry.model, entry.lab, entry.method, _method(entry), entry.metric)
    return " ".join((*parts, entry.direction, entry.state, entry.digest, entry.pairs_digest)).casefold()


def _method(entry: Entry) -> str:
    return dict(NAMES).get(entry.method, entry.method)  # type: ignore[call-overload]


def choose(shown: list[Entry]) -> list[Entry]:
    """The table; gives the chosen rows."""
    table = pd.DataFrame(
        {
            "name": [entry.name or entry.digest[:8] for entry in shown],
            "model": [entry.model for entry in shown],
            "page": [navigation.title_of(entry.lab or "attribution") for entry in shown],
            "method": [_method(entry) for entry in shown],
            "nodes": [", ".join(entry.nodes) for entry in shown],
            "metric": [METRIC_WORDS.get(entry.metric, entry.metric) for entry in shown],  # type: ignore[call-overload]
            "direction": [entry.direction for entry in shown],
            "items": [entry.pairs for entry in shown],
            "state": [entry.state for entry in shown],
            "seconds": [entry.seconds for entry in shown],
            "size": [entry.size / 2**20 for entry in shown],
            "created": pd.to_datetime([entry.created for entry in shown], unit="s"),
            "tags": [entry.tags for entry in shown],
            "notes": [entry.notes for entry in shown],
            "pinned": [entry.pinned for entry in shown],
        }
    )
    event = st.dataframe(
        table,
        key="runs_table",
        hide_index=True,
        height=min(TABLE_HEIGHT, ROW_HEIGHT * (len(table) + 1) + 3),
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "name": st.column_config.TextColumn("name", width=150),
            "model": st.column_config.TextColumn("model", width=105),
            "items": st.column_config.NumberColumn("items", help="Pairs; in a laboratory: runs, statements, ..."),
            "seconds": st.column_config.NumberColumn("seconds", format="%.1f"),
            "size": st.column_config.NumberColumn("MiB", format="%.2f"),
            "created": st.column_config.DatetimeColumn("created (UTC)", format="D MMM HH:mm"),
        },
        alt="The stored runs, one a row.",
    )
    return [shown[i] for i in event.selection.rows if i < len(shown)]


def title_of(entry: Entry) -> str:
    """A run in a few words."""
    of_pairs = "" if entry.lab else f", {counted(entry.pairs, 'pair')}"
    return entry.name or f"{_method(entry)}{of_pairs}, {entry.digest[:6]}"


def edit(entry: Entry) -> None:
    """Name, tags, notes and pin of one run."""
    with st.form(f"edit_{entry.digest}", border=True):
        left, right = st.columns(2)
        name = left.text_input("Name", entry.name, max_chars=LONGEST["name"])
        tags = left.text_input("Tags", entry.tags, max_chars=LONGEST["tags"], placeholder="ioi, figure 2")
        pinned = left.checkbox("Pin: never removed to make room", entry.pinned)
        notes = right.text_area("Notes", entry.notes, max_chars=LONGEST["notes"], height=130)
        if st.form_submit_button("Keep these words"):
            _describe(entry, name=name, tags=tags, notes=notes, pinned=pinned)
    if entry.state != "done":
        st.caption(f"This run is {entry.state}. {plain(entry.problem)}")
    if entry.state in ("interrupted", "failed", "cancelled") and not entry.lab:
        st.button("Run it again", on_click=resume, args=(entry,))
    if (refused := refusal()) is not None:
        show_error(refused)


def _describe(entry: Entry, **words: object) -> None:
    try:
        store().describe(entry.digest, **words)
        st.rerun()
    except UserError as error:
        show_error(error)


def delete_button(chosen: list[Entry]) -> None:
    """Put the chosen runs into the bin."""
    st.button("Delete", on_click=_delete, args=([entry.digest for entry in chosen],), disabled=not chosen)


def _delete(digests: list[str]) -> None:
    for digest in digests:
        store().bin(digest)
    st.session_state["_deleted"] = digests


def undo() -> None:
    """Right after a deletion: the way back."""
    deleted = st.session_state.get("_deleted")
    if deleted:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{counted(len(deleted), 'run')} deleted.")
            st.button("Undo", on_click=_take_back, args=(deleted,))


def bin_list() -> None:
    """What was deleted and can still be taken back."""
    binned = store().entries(binned=True)
    if not binned:
        return
    with st.expander(f"Bin ({len(binned)})"):
        st.caption("Deleted runs stay here for seven days, or until their space is needed.")
        names = {
            e.digest: f"{title_of(e)} · deleted {time.strftime('%d %b %H:%M', time.gmtime(e.deleted))}" for e in binned
        }
        back = st.multiselect("Take back", list(names), format_func=lambda d: names.get(d, d), key="runs_back")
        st.button("Take back", on_click=_take_back, args=(back,), disabled=not back)


def _take_back(digests: list[str]) -> None:
    for digest in digests:
        store().unbin(digest)
    st.session_state.pop("_deleted", None)
