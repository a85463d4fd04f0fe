"""Attribution: which nodes cause the behaviour, by several methods side by side."""

import streamlit as st

from ui.attribution.agreement import trust
from ui.attribution.folders import open_results
from ui.attribution.form import fitting_pairs, run_form
from ui.attribution.inspector import choose_selected, inspector
from ui.attribution.neurons import neurons
from ui.attribution.panels import heatmaps
from ui.attribution.ranking import ranking_table
from ui.parts.shown import results_on_show, whose
from ui.parts.strip import refused_pairs, strip
from ui.parts.views import NEURONS, TRUST, choose_view
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

results = results_on_show()
if results:
    st.subheader("Effects", anchor=False)
    whose(results)
    view, row = choose_view(results)
    node = choose_selected(results, view, row)
    main = {TRUST: trust, NEURONS: neurons}.get(view.what, heatmaps)
    main(results, view, selected=node)
    inspector(results, view, node)
    ranking_table(results, view)
elif not state.shown_results():
    st.info("Nothing has been run yet. Press the button above, or open a stored result.")
open_results()
