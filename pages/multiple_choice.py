"""Multiple choice: does a model bind labels to options, by which heads, and in which of their directions?"""

import streamlit as st

from ui import frame
from ui.laboratory import show_refusal
from ui.multiple_choice import choose_study
from ui.multiple_choice_form import study_form
from ui.multiple_choice_view import show_parts, tell
from ui.progress import need_model

frame.enter()
show_refusal()
with st.expander("Ask a model: bundled questions, or a file of my own", key="mc_run"):
    facts = need_model(height=46)
    if facts is not None:
        study_form(facts)
found = choose_study()
if found is not None:
    tell(found[1])
    show_parts(*found)
