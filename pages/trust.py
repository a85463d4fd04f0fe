"""Trust: verify an estimate node by node, see where AtP misses, and what a kept study says of all methods."""

import streamlit as st

from ui.parts.about import about
from ui.parts.shown import results_on_show
from ui.parts.strip import strip
from ui.shell import frame, state
from ui.shell.laboratory import show_refusal
from ui.shell.progress import need_model
from ui.shell.store import examples
from ui.trust import missed
from ui.trust.missed_view import missed as missed_nodes
from ui.trust.parts import MISSED, STUDY, VERIFY, choose_part
from ui.trust.study import study
from ui.trust.verify import estimates, verification

frame.enter()
show_refusal()
strip(state.model_choice(), state.current_pairs(), state.pairs_title())
part = choose_part()
if part == VERIFY:
    found = {result.spec.digest: result for result in (*results_on_show(), *examples().values())}
    facts = need_model()
    if facts is not None:
        usable = estimates(list(found.values()), facts)
        if usable:
            verification(usable, facts)
            about("verification")
        else:
            st.info("There is no estimate of this model on show. Run AtP or AtP\\* on the Attribution page first.")
            st.page_link("pages/attribution.py", label="To Attribution")
elif part == MISSED:
    if (shown := missed.shown()) is not None:
        missed_nodes(*shown)
    st.subheader("A pair of your own", anchor=False)
    if (facts := need_model()) is not None:
        missed.form(facts)
elif part == STUDY:
    study()
