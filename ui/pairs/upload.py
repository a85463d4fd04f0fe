"""An uploaded file of pairs: put to use at once where nothing is wrong, otherwise waiting, as every page says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.errors import UserError
from core.files.asking import Asked
from core.files.problems import errors_of
from core.prompts.pairs import PairSet
from core.prompts.parse import ParsedPairs, parse_pairs
from core.prompts.repair import sound_pairs
from ui.pairs.draft import current_draft, start_draft
from ui.parts.uploads import ask
from ui.shell.messages import counted, plain, show_error
from ui.shell.models import aligned, slot
from ui.shell.state import choose_pairs, current_pairs, model_choice, pairs_id, pairs_title, wait_for, waiting

UPLOAD, _KEY, _UNDO = "pairs_file", "_upload", "_undo_pairs"


@dataclass(frozen=True)
class Upload:
    """A file, what a person said about it, and what became of it.

    Attributes:
        answers: arguments of ``parse_pairs``.
        parsed: its rows, once it could be read.
        refused: why not, or what is still asked.
    """

    name: str
    data: bytes
    answers: tuple[tuple[str, Any], ...] = ()
    parsed: ParsedPairs | None = None
    refused: UserError | None = None


@dataclass(frozen=True)
class _Before:
    """The set that was in use before an upload took its place."""

    title: str
    pairs: PairSet
    bundled_id: str | None
    after: str  # digest of the set that took its place


def take() -> None:
    """Read the file that was just uploaded; for the uploader's callback."""
    file = st.session_state.get(UPLOAD)
    if file is not None:
        _read(Upload(file.name, file.getvalue()))


def show() -> None:
    """What the file still needs: a question answered, or another file."""
    upload: Upload | None = st.session_state.get(_KEY)
    if upload is None:
        return
    if isinstance(upload.refused, Asked):
        ask(upload.refused, _answer, key=f"pairs_{abs(hash((upload.name, upload.data, len(upload.answers))))}")
    elif upload.refused is not None:
        show_error(upload.refused)
    draft = current_draft()
    if upload.parsed is not None and waiting() and (draft is None or draft.bundled_id):  # another draft came between
        start_draft(upload.parsed)


def undo_button() -> None:
    """Back to the set that was in use before the upload, while the upload's is."""
    before: _Before | None = st.session_state.get(_UNDO)
    if before is not None and before.after == current_pairs().digest:
        st.button(f"Undo: back to {plain(before.title)}", on_click=_undo, args=(before,))


def _answer(option: str, value: Any) -> None:
    upload: Upload = st.session_state[_KEY]
    _read(replace(upload, answers=(*upload.answers, (option, value)), refused=None))


def _read(upload: Upload) -> None:
    try:
        parsed = parse_pairs(upload.data, filename=upload.name, **dict(upload.answers))
    except UserError as error:
        st.session_state[_KEY] = replace(upload, refused=error)
        wait_for(upload.name, "a question about it is open" if isinstance(error, Asked) else "it cannot be read")
        return
    st.session_state[_KEY] = replace(upload, parsed=parsed)
    start_draft(parsed)
    _use_if_sound(upload.name, parsed)


def _use_if_sound(name: str, parsed: ParsedPairs) -> None:
    """Make the pairs the current set unless a row has an error, here or in the model's tokens if one is loaded."""
    chosen, problems = parsed.pairs, parsed.problems
    facts = slot().facts(model_choice())
    if facts is not None:
        repairs = {option: bool(st.session_state.get(option)) for option in ("trim", "first_token")}
        found = aligned(facts, parsed.pairs, rows=parsed.rows, **repairs)
        chosen, problems = sound_pairs(parsed, found, **repairs), (*problems, *found.problems)
    faulty = len({problem.row for problem in errors_of(problems)})
    if faulty:
        wait_for(name, f"{counted(faulty, 'row')} of it cannot be used")
        return
    named = pairs_id() if pairs_id() != current_pairs().digest else None
    before = _Before(pairs_title(), current_pairs(), named, chosen.digest)
    if before.pairs.digest != chosen.digest:
        st.session_state[_UNDO] = before
    choose_pairs(chosen)


def _undo(before: _Before) -> None:
    choose_pairs(before.pairs, bundled_id=before.bundled_id)
    st.session_state.pop(_UNDO, None)
