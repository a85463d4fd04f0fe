"""Knowledge: do unsupervised probes find what the model knows, or what stands out?"""

import streamlit as st

from ui.labs.knowledge.audit import cards, theorems
from ui.labs.knowledge.form import study_form
from ui.labs.knowledge.looks import closer
from ui.labs.knowledge.page import choose_study
from ui.labs.knowledge.view import choose_view, main_figure, prompts
from ui.shell import frame
from ui.shell.laboratory import show_refusal
from ui.shell.progress import need_model

frame.enter()
show_refusal()
with st.expander("Run it on statements of your own, or audit your own probe", key="run_knowledge"):
    facts = need_model(height=46)
    if facts is not None:
        study_form(facts)
files = choose_study()
if files is not None:
    view = choose_view(files)
    main_figure(files, view)
    prompts(files, view)
    cards(files)
    closer(files, view)
    theorems(files)
