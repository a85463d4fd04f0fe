"""Report: figures and notes as one file."""

import streamlit as st

from ui.parts.collected import items
from ui.report.page import edit, take
from ui.shell import frame

frame.enter()
if items():
    take()
    edit()
else:
    st.info("Nothing is collected yet. On any figure, open Export and choose *Add to the report*.")
    st.page_link("pages/attribution.py", label="To the figures")
