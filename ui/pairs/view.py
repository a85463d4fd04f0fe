"""The parts of the Prompt pairs page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import UserError
from core.prompts.align import AlignedPairs
from core.prompts.bundled import BUNDLED, load_bundled
from core.prompts.pairs import PairSet, PromptPair, group_by_length
from core.prompts.parse import ParsedPairs, parse_pairs
from core.prompts.problems import Problem, errors_of
from core.prompts.repair import sound_pairs
from core.prompts.show import shown
from ui.pairs.draft import Draft, current_draft, draft_of, edit_table, start_draft
from ui.parts.tokens import pair_strip, token_strip
from ui.shell.messages import counted, plain, show_error
from ui.shell.models import ModelFacts, aligned, prompt_tokens
from ui.shell.state import choose_pairs, current_pairs, pairs_title

PAGE = 5  # pairs shown at a time
TOLD = 6  # findings told one by one
FORMAT_HELP = (
    "One pair a row, with the columns clean, corrupt, answer, distractor and, if you like, name. Texts are kept to the "
    "letter: start an answer with the space that comes before it."
)


def in_use() -> None:
    """Which set every page works on now."""
    pairs = current_pairs()
    st.markdown(f"In use: **{plain(pairs_title())}**, {counted(len(pairs), 'pair')}.")


def from_bundled() -> None:
    """Start from a set that comes with the app."""
    titles = {entry.id: entry.title for entry in BUNDLED}
    chosen = st.selectbox("Set", list(titles), format_func=lambda i: titles.get(i, i), key="set", bind="query-params")
    st.caption(plain(next(entry.question for entry in BUNDLED if entry.id == chosen)))
    draft = current_draft()
    if draft is None or draft.bundled_id != chosen:
        draft_of(load_bundled(chosen), bundled_id=chosen)


def from_file() -> None:
    """Start from an uploaded file."""
    file = st.file_uploader(
        "CSV or JSONL", type=["csv", "jsonl"], max_upload_size=5, help=FORMAT_HELP, key="pairs_file"
    )
    st.caption(FORMAT_HELP)
    if file is None or st.session_state.get("_pairs_file") == file.file_id:
        return
    st.session_state["_pairs_file"] = file.file_id
    try:
        start_draft(parse_pairs(file.getvalue(), filename=file.name))
        st.session_state.pop("_pairs_refused", None)
    except UserError as error:
        st.session_state["_pairs_refused"] = error


def from_table() -> None:
    """Start from an empty table, or go on with the set in use."""
    left, right = st.container(horizontal=True).columns(2)
    left.button("Empty table", on_click=_empty_draft, width="stretch")
    right.button("The set in use", on_click=lambda: draft_of(current_pairs()), width="stretch")


def _empty_draft() -> None:
    blank = PromptPair(clean="", corrupt="", answer="", distractor="")
    draft_of(PairSet("my pairs", (blank,)))


SOURCES = {"A bundled set": from_bundled, "A file": from_file, "A table": from_table}


def draft_or_current() -> Draft:
    """The draft, started from the set in use where there is none."""
    if current_draft() is None:
        draft_of(current_pairs())
    draft = current_draft()
    assert draft is not None
    return draft


def edit(draft: Draft) -> ParsedPairs | None:
    """The table, and what is wrong with its rows before any model has seen them."""
    refused = st.session_state.get("_pairs_refused")
    if refused is not None:
        show_error(refused)
    if not draft.parsed.pairs:
        _tell(list(draft.left_out))
        return None
    with st.expander(f"Edit {counted(len(draft.parsed.pairs), 'pair')} as a table", expanded=draft.bundled_id is None):
        try:
            parsed = edit_table(draft)
        except UserError as error:
            show_error(error)
            return None
    _tell([*draft.left_out, *parsed.problems])
    return parsed


def repairs() -> tuple[bool, bool, bool]:
    """What a person allows: trim trailing spaces, let a longer answer stand for its first token, or keep it whole."""
    with st.container(horizontal=True):
        trim = st.toggle("Trim trailing spaces", key="trim", persist_state="session")
        first = st.toggle("Use the first token of longer answers", key="first_token", persist_state="session")
        whole = st.toggle(
            "Keep longer answers whole",
            key="whole_answer",
            persist_state="session",
            help="An answer of several tokens in a row is then read by one metric: the log-probability of the whole "
            "answer. Every other page leaves such a pair out.",
        )
    return trim, first and not whole, whole


def check(facts: ModelFacts, parsed: ParsedPairs, *, trim: bool, first_token: bool, whole_answer: bool) -> AlignedPairs:
    """What the model makes of the pairs, row by row, and the groups of equal length."""
    options = {"trim": trim, "first_token": first_token, "whole_answer": whole_answer}
    found = aligned(facts, parsed.pairs, rows=parsed.rows, **options)
    refused = len({problem.row for problem in errors_of(found.problems)})
    ready = f"**{counted(len(found.pairs), 'pair')}** ready for {plain(facts.card.name)}"
    st.markdown(ready + (f", {counted(refused, 'row')} refused." if refused else "."))
    _tell(list(found.problems))
    groups = group_by_length(found.pairs)
    if len(groups) > 1:
        lengths = ", ".join(f"{counted(len(members), 'pair')} of {n} tokens" for n, members in groups.items())
        st.caption(
            f"The pairs form groups by length: {lengths}. Effects by position are shown for one length at a time; "
            "tables over heads collapse positions within each pair first."
        )
    return found


def _tell(problems: list[Problem]) -> None:
    """Findings by row: the first few as text, all of them as a table where there are more."""
    errors = errors_of(problems)
    for found, box in ((errors, st.error), ([p for p in problems if p.severity == "warning"], st.warning)):
        lines = [f"- **{p.where}** · {plain(p.what)} {plain(p.next_step)}" for p in found[:TOLD]]
        if len(found) > TOLD:
            lines.append(f"- and {len(found) - TOLD} more, in the table below")
        if lines:
            box("\n".join(lines))
    if max(len(errors), len(problems) - len(errors)) > TOLD:
        rows = [[p.row + 1, p.severity, p.what, p.next_step] for p in problems]
        table = pd.DataFrame(rows, columns=["row", "kind", "what was found", "what to do"])
        st.dataframe(table, hide_index=True, height=250, alt=f"{counted(len(rows), 'finding')}, by row.")


def choose(draft: Draft, parsed: ParsedPairs, found: AlignedPairs, *, trim: bool, first_token: bool) -> None:
    """The primary button: make the sound rows the current set."""
    chosen = sound_pairs(parsed, found, trim=trim, first_token=first_token)
    same = bool(chosen.pairs) and chosen.digest == current_pairs().digest
    bundled = draft.bundled_id if draft.bundled_id and chosen.digest == load_bundled(draft.bundled_id).digest else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Use {'this pair' if len(chosen) == 1 else f'these {len(chosen)} pairs'}",
            type="primary",
            shortcut="Ctrl+Enter",
            disabled=same or not chosen.pairs,
            on_click=choose_pairs,
            args=(chosen,),
            kwargs={"bundled_id": bundled},
        )
        if same:
            st.page_link("pages/attribution.py", label="In use. Go on to Attribution")


def as_tokens(facts: ModelFacts, parsed: ParsedPairs, found: AlignedPairs) -> None:
    """Pairs as the model sees them, refused ones included."""
    st.subheader("As the model sees them", anchor=False)
    st.caption("· is a space. Tokens that differ are marked; the dashed token is the one that the prompt calls for.")
    ready = {pair.row: pair for pair in found.pairs}
    rows = list(parsed.rows)
    if not rows:
        return
    n_pages = -(-len(rows) // PAGE)
    page = st.pagination(n_pages) if n_pages > 1 else 1
    for row, pair in list(zip(rows, parsed.pairs))[(page - 1) * PAGE : page * PAGE]:
        st.caption(
            f"row {row + 1}" + (f" · {plain(pair.name)}" if pair.name else "") + ("" if row in ready else " · refused")
        )
        if row in ready:
            pair_strip(ready[row])
        else:
            clean, corrupt = prompt_tokens(facts, pair.clean), prompt_tokens(facts, pair.corrupt)
            token_strip(clean, corrupt, (shown(pair.answer),), (shown(pair.distractor),))
