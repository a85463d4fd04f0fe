"""Readouts: what heads and MLPs write into the answer, and what each layer would say."""

import streamlit as st

from ui.parts.strip import refused_pairs, strip
from ui.readouts import view
from ui.shell import frame, state
from ui.shell.models import sound_pairs
from ui.shell.progress import need_model

frame.enter()
strip(state.model_choice(), state.current_pairs(), state.pairs_title())
facts = need_model(height=46)
look = view.choose_look()
if facts is None:
    view.kept(look)
else:
    _, found, refused = sound_pairs(facts, state.current_pairs())
    refused_pairs(refused)
    if found.pairs:
        view.readouts(facts, found.pairs, look)
    else:
        st.info("None of the chosen pairs can be run with this model.")
