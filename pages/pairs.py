"""Prompt pairs: bring them, see them as the model does, choose the set that every page works on."""

import streamlit as st

from ui.pairs import doctor
from ui.pairs import view as pairs_view
from ui.pairs.links import link_unequal
from ui.shell import frame
from ui.shell.progress import need_model

frame.enter()
pairs_view.in_use()
source = st.segmented_control(
    "Start from",
    list(pairs_view.SOURCES),
    default=pairs_view.usual_source(),
    required=True,
    key="pairs_from",
    bind="query-params",
)
pairs_view.SOURCES[source]()

draft = pairs_view.draft_or_current()
parsed = pairs_view.edit(draft)
facts = need_model()
if facts is not None and parsed is not None:
    trim, first_token, whole = pairs_view.repairs()
    parsed = link_unequal(facts, parsed, trim=trim, first_token=first_token)
    found = pairs_view.check(facts, parsed, trim=trim, first_token=first_token, whole_answer=whole)
    pairs_view.choose(draft, parsed, found, trim=trim, first_token=first_token)
    doctor.section(facts, draft, parsed)
    pairs_view.as_tokens(facts, parsed, found)
