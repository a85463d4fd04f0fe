"""The three-ingredient simulation: sliders, curves, and the exact stationary ratio beside them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.grokking.simulation import Ingredients, course_table, simulate
from ui.labs.grokking.about import about_grokking
from ui.parts.charts import draw, theme
from ui.parts.export import export_row


def simulation() -> None:
    """Sliders on the left, the course on the right."""
    st.markdown(
        "**The paper**: three ingredients suffice for grokking. A generalising circuit exists beside a memorising one; "
        "it is more efficient, so weight decay prefers it; and it is learned more slowly. Take one away and watch."
    )
    left, right = st.columns([2, 5], gap="large")
    with left:
        ingredients = _sliders()
    course = _course(ingredients)
    with right:

        def make(mode: Theme) -> Any:
            from core.labs.grokking.figures.claims import simulation_panels

            return simulation_panels(course, end_ratio=ingredients.end_ratio, theme=mode)

        draw(make(theme()), key="grok_simulation", alt="Losses and circuit strengths of the simulation.")
        with st.container(horizontal=True):
            export_row(make, [], lambda: course, key="grok_simulation", name="grokking-simulation")
            about_grokking("simulation")
        _ends(ingredients, course)


def _sliders() -> Ingredients:
    plain = Ingredients()
    p_m = st.slider("Norm that memory needs, P_m (the solution: 1)", 0.5, 4.0, plain.p_m, 0.05, key="sim_p_m")
    starts = [0.001, 0.005, 0.02, 0.1, 0.3, 1.0]
    start = st.select_slider("Start of the solution (memory: 1); small is slow", starts, plain.start_g, key="sim_g")
    decays = [0.0, 0.0005, 0.001, 0.0025, 0.005, 0.01]
    mu = st.select_slider("Weight decay μ", decays, plain.mu, key="sim_mu")
    kappa = st.slider("κ: logits grow as norm to the power κ", 0.8, 1.8, plain.kappa, 0.05, key="sim_kappa")
    return Ingredients(p_m=p_m, start_g=start, mu=mu, kappa=kappa)


@st.cache_data(max_entries=64, show_spinner="Simulating")
def _course(ingredients: Ingredients) -> pd.DataFrame:
    return course_table(simulate(ingredients))


def _ends(ingredients: Ingredients, course: pd.DataFrame) -> None:
    last = course.iloc[-1]
    ahead = course[(course["g"] > course["m"]) & (course["g"] > 0)]
    a, b, c = st.columns(3)
    a.metric("M / G at the end", f"{last['ratio']:.4f}" if last["ratio"] < 1e4 else "∞")
    b.metric("M / G in closed form", f"{ingredients.end_ratio:.4f}" if ingredients.mu else "none without decay")
    c.metric("The solution leads from step", f"{int(ahead['step'].iloc[0]):,}" if len(ahead) else "never")
