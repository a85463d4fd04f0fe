"""Which of a page's runs is on show: one that comes with the app, or one that was computed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.errors import ResultError
from core.runs.entry import is_digest
from core.runs.laboratory import LabSpec
from ui.shell.laboratory import known_spec, lab_folder, lab_runs

LINK = "run"  # query parameter: a kept run's id, or a digest


@dataclass(frozen=True)
class RunChoice:
    """The choice of one page; the address bar names what is chosen.

    Attributes:
        lab: whose stored runs are offered.
        kept: id -> title of those that come with the app and are there; the first one is shown to begin with.
        place: the folder of a kept run.
        label, help: of the control.
        what: a run in a word, for refusals.
    """

    lab: str
    kept: Callable[[], Mapping[str, str]]
    place: Callable[[str], Path]
    label: str
    what: str
    help: str | None = None

    @property
    def linked(self) -> bool:
        """Whether the address bar names a run that this session has not shown yet."""
        given = st.query_params.get(LINK, "")
        known = is_digest(given) or given in self.kept()
        return known and given != st.session_state.get(f"_{self.lab}_linked")

    def name(self) -> str:
        """What is on show: a kept run's id, a digest, or nothing at all."""
        if self.linked:
            st.session_state[f"_{self.lab}_shown"] = st.query_params[LINK]
        name = st.session_state.get(f"_{self.lab}_shown") or next(iter(self.kept()), "")
        if name:
            self.show(name)
        return name

    def show(self, name: str) -> None:
        """Put a run on show; for callbacks."""
        st.session_state[f"_{self.lab}_shown"] = st.session_state[f"_{self.lab}_linked"] = name
        st.query_params[LINK] = name

    def choose(self) -> tuple[str, Path | None]:
        """Draw the control; what is on show and its folder, which is None while there is no result."""
        name, key = self.name(), f"{self.lab}_choice"
        options = dict(self.kept()) | lab_runs(self.lab)
        if not name:
            return "", None
        options.setdefault(name, "the run asked for")
        st.session_state[key] = name
        st.selectbox(
            self.label,
            list(options),
            format_func=lambda i: options.get(i, i),
            key=key,
            on_change=lambda: self.show(st.session_state[key]),
            help=self.help,
        )
        return name, self.place(name) if name in self.kept() else lab_folder(name)

    def spec(self, digest: str) -> LabSpec:
        """The description of a run that is not finished.

        Raises:
            ResultError: this server knows of none.
        """
        spec = known_spec(digest, self.lab)
        if spec is None:
            raise ResultError(f"The link names no {self.what} on this server.", next_step="Choose another one.")
        return spec
