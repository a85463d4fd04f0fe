"""Trust: verify an estimate node by node, and bound what it missed."""

import streamlit as st

from ui import frame, state
from ui.about import about
from ui.progress import need_model
from ui.shown import results_on_show
from ui.store import examples
from ui.strip import strip
from ui.study import study
from ui.verify_view import estimates, verification

frame.enter()
strip(state.model_choice(), state.current_pairs(), state.pairs_title())
facts = need_model()
found = {result.spec.digest: result for result in (*results_on_show(), *examples().values())}
if facts is not None:
    usable = estimates(list(found.values()), facts)
    if usable:
        verification(usable, facts)
        about("verification")
    else:
        st.info("There is no estimate of this model on show. Run AtP or AtP\\* on the Attribution page first.")
        st.page_link("pages/attribution.py", label="To Attribution")
study()
