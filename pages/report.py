"""Report: figures and notes as one file."""

import streamlit as st

from ui import frame, report

frame.enter()
if report.items():
    report.take()
    report.edit()
else:
    st.info("Nothing is collected yet. On any figure, open Export and choose *Add to the report*.")
    st.page_link("pages/attribution.py", label="To the figures")
