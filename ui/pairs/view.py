"""The parts of the Prompt pairs page."""

from __future__ import annotations

import streamlit as st

from core.errors import UserError
from core.files.problems import errors_of
from core.prompts.align import AlignedPairs
from core.prompts.bundled import BUNDLED, load_bundled
from core.prompts.pairs import PairSet, PromptPair, group_by_length
from core.prompts.parse import ParsedPairs
from core.prompts.repair import sound_pairs
from core.prompts.show import shown
from ui.pairs import upload
from ui.pairs.draft import Draft, current_draft, draft_of, edit_table
from ui.parts.findings import download_skipped, reasons, tell
from ui.parts.tokens import pair_strip, token_strip
from ui.parts.uploads import KINDS
from ui.shell.messages import counted, plain, show_error
from ui.shell.models import ModelFacts, aligned, prompt_tokens
from ui.shell.state import choose_pairs, current_pairs, pairs_title, waiting

PAGE = 5  # pairs shown at a time
FORMAT_HELP = (
    "One pair a row, with the columns clean, corrupt, answer, distractor and, if you like, name; other names can be "
    "matched once the file is there. Texts are kept to the letter: start an answer with the space that comes before "
    "it. Several answers that count alike are parted by |, or a list in JSON."
)


def in_use() -> None:
    """Which set every page works on now."""
    pairs = current_pairs()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"In use: **{plain(pairs_title())}**, {counted(len(pairs), 'pair')}.", width="content")
        upload.undo_button()


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
    st.file_uploader(
        "CSV, JSON or Excel",
        type=KINDS,
        max_upload_size=5,
        help=FORMAT_HELP,
        key=upload.UPLOAD,
        on_change=upload.take,
    )
    st.caption(FORMAT_HELP)
    upload.show()


def from_table() -> None:
    """Start from an empty table, or go on with the set in use."""
    left, right = st.container(horizontal=True).columns(2)
    left.button("Empty table", on_click=_empty_draft, width="stretch")
    right.button("The set in use", on_click=lambda: draft_of(current_pairs()), width="stretch")


def _empty_draft() -> None:
    blank = PromptPair(clean="", corrupt="", answer="", distractor="")
    draft_of(PairSet("my pairs", (blank,)))


SOURCES = {"A bundled set": from_bundled, "A file": from_file, "A table": from_table}


def usual_source() -> str:
    """What the page starts from when it is opened: a file that waits, if there is one."""
    if "pairs_from" not in st.session_state:
        st.session_state["_usual_source"] = "A file" if waiting() else "A bundled set"
    return st.session_state["_usual_source"]


def draft_or_current() -> Draft:
    """The draft, started from the set in use where there is none."""
    if current_draft() is None:
        draft_of(current_pairs())
    draft = current_draft()
    assert draft is not None
    return draft


def edit(draft: Draft) -> ParsedPairs | None:
    """The table, and what is wrong with its rows before any model has seen them."""
    if not draft.parsed.pairs:
        tell(draft.left_out)
        return None
    with st.expander(f"Edit {counted(len(draft.parsed.pairs), 'pair')} as a table", expanded=draft.bundled_id is None):
        try:
            parsed = edit_table(draft)
        except UserError as error:
            show_error(error)
            return None
    tell([*draft.left_out, *parsed.problems])
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
    tell(found.problems)
    groups = group_by_length(found.pairs)
    if len(groups) > 1:
        lengths = ", ".join(f"{counted(len(members), 'pair')} of {n} tokens" for n, members in groups.items())
        st.caption(
            f"The pairs form groups by length: {lengths}. Effects by position are shown for one length at a time; "
            "tables over heads collapse positions within each pair first."
        )
    return found


def choose(draft: Draft, parsed: ParsedPairs, found: AlignedPairs, *, trim: bool, first_token: bool) -> None:
    """The primary button: make the sound rows the current set."""
    chosen = sound_pairs(parsed, found, trim=trim, first_token=first_token)
    problems = (*draft.left_out, *parsed.problems, *found.problems)
    faulty = len({problem.row for problem in errors_of(problems)})
    same = bool(chosen.pairs) and chosen.digest == current_pairs().digest
    bundled = draft.bundled_id if draft.bundled_id and chosen.digest == load_bundled(draft.bundled_id).digest else None
    with st.container(horizontal=True, vertical_alignment="center"):
        these = "this pair" if len(chosen) == 1 else f"these {len(chosen)} pairs"
        st.button(
            f"Use {these}, leave out {counted(faulty, 'row')}" if faulty else f"Use {these}",
            type="primary",
            shortcut="Ctrl+Enter",
            disabled=same or not chosen.pairs,
            on_click=choose_pairs,
            args=(chosen,),
            kwargs={"bundled_id": bundled},
        )
        if same:
            st.page_link("pages/attribution.py", label="In use. Go on to Attribution")
        if faulty:
            download_skipped(parsed.source, problems, key="skipped_rows")
    if faulty:
        st.caption(f"Left out: {reasons(problems)}.")


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
