"""The chart library is read by the browser while the server still computes the page's first figure.

Streamlit's charts come with their first figure: only then does the browser read plotly (4.7 MB), for more than a
second, and draws every figure that has arrived meanwhile before it shows one. Asked for early, it draws each as it
comes.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st


def chart_script() -> str:
    """The address of Streamlit's script for charts, relative to the app's; empty if this Streamlit has none by that
    name, which only costs the head start."""
    root = Path(st.__file__).parent / "static"
    found = next((root / "static" / "js").glob("PlotlyChart.*.js"), None)
    return found.relative_to(root).as_posix() if found else ""


def ask_for_charts() -> None:
    """Let the browser read it now."""
    if path := chart_script():
        script = f'<script type="module">import(new URL("{path}", document.baseURI))</script>'
        with st.sidebar:
            st.html(script, unsafe_allow_javascript=True)
