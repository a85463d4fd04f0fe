"""Every example of the two papers: what stands for it here, and what is not here and why."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.worlds.tasks.catalogue import TASKS
from core.worlds.tasks.examples import EXAMPLES
from ui.labs.goals.questions import questions

TITLES = {task.name: task.title for task in TASKS} | {"questions": "Questions, below"}


def examples() -> None:
    """A table, whose text wraps so that nothing is cut off; below it the example that is no task world."""
    rows = [
        {
            "Example": example.name,
            "Paper": example.source,
            "What was meant, what was learned": example.goals,
            "Here": TITLES[example.world] if example.world else "not here",
            "In what size, or why not": example.here,
        }
        for example in EXAMPLES
    ]
    st.table(pd.DataFrame(rows).set_index("Example"))
    st.caption("Worlds here are small ones of our own with the same two goals, without the papers' code or data.")
    questions()
