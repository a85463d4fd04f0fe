"""Multiple choice: does a model bind labels to options, by which heads, and in which of their directions?"""

import streamlit as st

from ui.labs.multiple_choice.form import study_form
from ui.labs.multiple_choice.page import choose_study
from ui.labs.multiple_choice.view import show_parts, tell
from ui.shell import frame
from ui.shell.laboratory import show_refusal
from ui.shell.progress import need_model

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
