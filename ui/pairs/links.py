"""Pairs of unequal length: linked on request, the links shown and moved in a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.errors import PromptError
from core.prompts.links import Links, as_links
from core.prompts.pairs import PairSet
from core.prompts.parse import ParsedPairs
from ui.shell.messages import counted, show_error
from ui.shell.models import ModelFacts, aligned
from ui.shell.state import current_pairs

SPAN_COLUMNS = ("clean from", "clean to", "corrupt from", "corrupt to")


def link_unequal(facts: ModelFacts, parsed: ParsedPairs, *, trim: bool, first_token: bool) -> ParsedPairs:
    """Offer to align the pairs of unequal length; the pairs, with their links where that was chosen.

    Links of the set in use are taken over; others are found by comparing the two prompts' tokens.
    """
    kept = {(pair.clean, pair.corrupt): pair.links for pair in current_pairs()}
    pairs = [replace(pair, links=kept.get((pair.clean, pair.corrupt))) for pair in parsed.pairs]
    known = PairSet(parsed.pairs.name, tuple(pairs))
    found = aligned(facts, known, trim=trim, first_token=first_token, rows=parsed.rows, link=True)
    links = {tokens.row: tokens.links for tokens in found.pairs if tokens.links is not None}
    if not links:
        return parsed
    chosen = st.toggle(
        f"Align the {counted(len(links), 'pair')} of unequal length",
        value=any(pair.links is not None for pair in pairs),
        key="pairs_align",
        help="Links the tokens of both prompts one by one outside the spans in which they differ. You can move the "
        "spans. Such pairs can be used for attribution only.",
    )
    if not chosen:
        return parsed
    with st.expander(f"Links of {counted(len(links), 'pair')}"):
        links = _moved(links, key=f"links_{known.digest}_{trim}")
    linked = [replace(pair, links=links.get(row)) for row, pair in zip(parsed.rows, pairs)]
    return ParsedPairs(PairSet(parsed.pairs.name, tuple(linked)), parsed.problems, parsed.rows)


def _moved(links: Mapping[int, Links], *, key: str) -> dict[int, Links]:
    """The links as a table, one span a line, and as they were edited."""
    st.caption(
        "One line is one span: its tokens in both prompts, counted from 0, up to the last but not with it. Tokens "
        "between spans must be equally many in both prompts; spans of one colour below stand for each other."
    )
    table = pd.DataFrame(
        [[row + 1, *span] for row, spans in links.items() for span in spans], columns=["row", *SPAN_COLUMNS]
    )
    edited = st.data_editor(
        table,
        key=key,
        num_rows="dynamic",
        hide_index=True,
        height=min(300, 38 * (len(table) + 2)),
        column_config={name: st.column_config.NumberColumn(name, min_value=0, step=1) for name in table},
        alt="The spans in which prompts of unequal length differ, one a line; cells can be edited and lines added.",
    )
    try:
        return read_links(edited, links)
    except PromptError as error:
        show_error(error)
        return dict(links)


def read_links(table: pd.DataFrame, links: Mapping[int, Links]) -> dict[int, Links]:
    """Links by row from an edited table; a row without a line is one whose prompts are linked throughout.

    Raises:
        PromptError: a line is not filled in, or belongs to no row that is linked.
    """
    found: dict[int, list[list[int]]] = {row: [] for row in links}
    for line in table.itertuples(index=False):
        if pd.isna(list(line)).any() or int(line[0]) - 1 not in found:
            raise PromptError(
                "A line of the links is not filled in, or names a row that is not aligned.",
                where="links",
                next_step="Give it a row and four token positions, or delete it.",
            )
        found[int(line[0]) - 1].append(list(line[1:]))
    return {row: as_links(sorted(spans)) for row, spans in found.items()}
