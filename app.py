"""Circuitarium: the frame around every page. Run with ``streamlit run app.py``."""

import streamlit as st

from ui.shell import frame, navigation

frame.configure()
page = st.navigation(navigation.pages(), position="top")
# Nothing heavy comes before the line above: until it ran, the browser has no page list to show.
frame.surround(page)
page.run()
