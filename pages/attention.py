"""Attention: where heads look, on both prompts of a pair."""

import streamlit as st

from ui.attention import view
from ui.parts.strip import refused_pairs, strip
from ui.parts.tokens import pair_strip
from ui.shell import frame, state
from ui.shell.models import sound_pairs
from ui.shell.progress import need_model

frame.enter()
strip(state.model_choice(), state.current_pairs(), state.pairs_title())
facts = need_model()
if facts is not None:
    _, found, refused = sound_pairs(facts, state.current_pairs())
    refused_pairs(refused)
    if found.pairs:
        pair = view.choose_pair(found.pairs)
        pair_strip(pair)
        look = view.choose_look(facts)
        patterns = view.patterns_of(pair, look) if look.heads else None
        if patterns is not None:
            left, right = st.columns(2, gap="medium")
            with left:
                view.grid(pair, look, patterns)
            with right:
                view.large(pair, look, patterns)
        elif not look.heads:
            st.info("Choose at least one head.")
