"""Attribution: which nodes cause the behaviour, by several methods side by side."""

import streamlit as st

from ui.attribution.folders import open_results
from ui.attribution.form import fitting_pairs, run_form
from ui.attribution.page import effects
from ui.parts.shown import results_on_show
from ui.parts.strip import refused_pairs, strip
from ui.shell import frame, state
from ui.shell.progress import FORM_HEIGHT, need_model

frame.enter()
strip(state.model_choice(), state.current_pairs(), state.pairs_title())
running = bool(state.shown_results())
facts = need_model(height=46 if running else FORM_HEIGHT)
if facts is not None:
    pairs, found, refused = fitting_pairs(facts, state.current_pairs())
    refused_pairs(refused)
    if found.pairs:
        with st.expander("What to run", expanded=not running, key="run"):
            run_form(facts, pairs, found.pairs)

effects(results_on_show())
open_results()
