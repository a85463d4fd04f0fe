"""The chart library asked for early: the script named is the one that this Streamlit loads for its charts."""

from pathlib import Path

import streamlit as st

from ui.shell.static import chart_script


def test_the_script_is_the_one_that_charts_need():
    path = Path(st.__file__).parent / "static" / chart_script()
    assert path.is_file()
    assert "plotly" in path.read_text(encoding="utf-8").lower()


def test_a_page_asks_for_it(open_page):
    asked = [element.proto.body for element in open_page("runs").get("html")]
    assert any(chart_script() in body for body in asked)
