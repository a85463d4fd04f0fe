"""Uploaded files whose readers may have to ask: which column is which, or which of a few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import streamlit as st

from core.files.asking import Asked, ChoiceAsked, ColumnsAsked
from core.files.problems import Problem, errors_of
from core.files.table import SUFFIXES
from ui.parts.findings import tell
from ui.shell.messages import plain

KINDS = [suffix.removeprefix(".") for suffix in SUFFIXES]
_NONE = "—"
_A_LINE = 4  # fields side by side

Answer = Callable[[str, Any], None]  # takes a reader's argument and its value


class Parsed(Protocol):
    @property
    def problems(self) -> tuple[Problem, ...]: ...


Read = TypeVar("Read", bound=Parsed)


def read_upload(file: Any, read: Callable[..., Read], *, key: str) -> Read | None:
    """Read an uploaded file, asking for what it leaves open and telling what was found.

    Returns:
        None while a question is open, or where a row has an error.

    Raises:
        UserError: the file cannot be used.
    """
    kept = f"_{key}_answers"
    if st.session_state.get(kept, ("",))[0] != file.file_id:
        st.session_state[kept] = (file.file_id, {})
    answers = st.session_state[kept][1]
    try:
        parsed = read(file.getvalue(), filename=file.name, **answers)
    except Asked as asked:
        ask(asked, answers.__setitem__, key=f"{key}_{file.file_id}_{len(answers)}")
        return None
    tell(parsed.problems)
    return None if errors_of(parsed.problems) else parsed


def ask(asked: Asked, answer: Answer, *, key: str) -> None:
    """The question as a form with what is likely filled in; one press answers it."""
    with st.form(f"{key}_form"):
        st.markdown(f"**{plain(asked.where or '')}** · {plain(asked.what)}")
        if isinstance(asked, ColumnsAsked):
            _ask_columns(asked, answer, key)
        elif isinstance(asked, ChoiceAsked):
            choices = {value: f"{value} ({words})" if words else str(value) for value, words in asked.choices.items()}
            st.radio("Which?", list(choices), format_func=choices.__getitem__, key=f"{key}_choice")
            st.form_submit_button("Read it so", type="primary", on_click=_chosen, args=(asked, answer, key))


def _ask_columns(asked: ColumnsAsked, answer: Answer, key: str) -> None:
    st.caption("Which column is which? What is likely is filled in.")
    options = [_NONE, *asked.header]
    for start in range(0, len(asked.fields), _A_LINE):
        for place, field in zip(st.columns(_A_LINE), asked.fields[start : start + _A_LINE]):
            likely = asked.likely.get(field, _NONE)
            place.selectbox(field, options, index=options.index(likely), key=f"{key}_{field}")
    st.form_submit_button("Read it so", type="primary", on_click=_named, args=(asked, answer, key))


def _named(asked: ColumnsAsked, answer: Answer, key: str) -> None:
    chosen = {field: st.session_state.get(f"{key}_{field}", _NONE) for field in asked.fields}
    answer(asked.option, {field: column for field, column in chosen.items() if column != _NONE})


def _chosen(asked: ChoiceAsked, answer: Answer, key: str) -> None:
    answer(asked.option, st.session_state[f"{key}_choice"])
