"""The agent taken apart: its policy as a small transformer, how close that is, what its heads read, the way on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.labs.goals.distill.prompts import LENGTH
from core.models.catalogue import CATALOGUE
from core.paths import ASSETS
from core.prompts.bundled import load_bundled
from ui.labs.goals.words import number
from ui.shell.messages import plain
from ui.shell.state import choose_pairs
from ui.shell.trained import MODEL

KEPT = ASSETS / "labs" / "goals" / "distill"
PAIRS = "corner_cheese"
USED = "_g_used"  # session key: the policy that was made the model last
PAGES = ("attribution", "attention", "circuit", "trust")
EVEN = 1 / LENGTH  # what a head that looks everywhere alike puts on each cell


def inside() -> None:
    """One distilled policy: how like its teacher, its heads, and the button that opens it everywhere."""
    st.markdown(
        "An agent of the corner world, trained with the cheese in the corner, always or in all but 2 % of the mazes, "
        "taught its policy to a small transformer that reads the board cell by cell and answers with a move. That "
        "transformer is a model like any other: patch it, look where its heads look, cut its circuit, on boards that "
        "differ in the cheese alone."
    )
    labels = {entry.id: entry.name for entry in CATALOGUE if (KEPT / f"{entry.id}.json").exists()}
    name = st.selectbox("Policy", list(labels), format_func=labels.__getitem__, key="g_policy")
    found = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    every = pd.read_csv(KEPT / "heads.csv")
    heads = every[every["model"] == name].drop(columns="model")
    _likeness(found)
    st.markdown(_heads_say(heads))
    st.dataframe(_heads_table(heads), hide_index=True, alt="What every head of the policy reads.")
    st.caption(
        "Attention: weight of the last token on the cell of the corner, the cheese and the mouse, mean over boards "
        "with the cheese away; an even look is 0.02. Effect: how far the answer moves (KL divergence, nats) "
        "if the head's output there is that of the same board with the cheese elsewhere. Attention alone proves no use."
    )
    if len(labels) > 1:
        st.markdown(_compared(every, labels))
    _open(name, labels[name])


def _compared(every: pd.DataFrame, labels: dict[str, str]) -> str:
    """What random levels change: for each policy, its head that looks at the cheese the most, and how much the cheese
    moves the answer through one head."""
    said = []
    for name, label in labels.items():
        heads = every[every["model"] == name]
        first = heads.loc[heads["cheese"].idxmax()]
        share, effect = number(100 * first["cheese"], 0), number(1000 * heads["effect"].max(), 1)
        said.append(
            f"**{plain(label)}**: the head that looks at the cheese the most ({_place(first)}) puts {share} % of its "
            f"look there, and through one head the cheese moves the answer by at most {effect} thousandths of a nat"
        )
    return f"Side by side. {'; '.join(said)}."


def _likeness(found: dict[str, Any]) -> None:
    agreement, teacher, pupil = found["agreement"], found["teacher"], found["pupil"]
    clear = number(100 * agreement["clear"], 1)
    share = number(100 * agreement["share_clear"], 0)
    st.markdown(
        f"On {agreement['boards']:,} fresh boards it moves as its teacher does on **{clear} %** of those where the "
        f"teacher's best two moves differ clearly ({share} % of them), on {number(100 * agreement['all'], 1)} % of all."
    )
    rows = [
        {"levels": words, "reaches": cell, "teacher": teacher[shift][cell], "this policy": pupil[shift][cell]}
        for shift, words in (("training", "as in training"), ("away", "cheese away from the corner"))
        for cell in ("cheese", "corner")
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Behaviour of teacher and policy.")
    episodes = teacher["away"]["episodes"]
    st.caption(f"Share of {episodes:,} episodes in which the cell is reached, teacher and policy each.")


def _heads_say(heads: pd.DataFrame) -> str:
    """Which heads look at the corner and the cheese the most, and which carries the cheese."""
    said = []
    for cell in ("corner", "cheese"):
        first = heads.loc[heads[cell].idxmax()]
        times = first[cell] / EVEN
        said.append(f"The **{cell}** is looked at the most by {_place(first)} ({number(times, 1)} times an even look).")
    carries = heads.loc[heads["effect"].idxmax()]
    effect = number(1000 * carries["effect"], 2)
    said.append(f"Through {_place(carries)} the cheese moves the answer the most, by {effect} thousandths of a nat.")
    return " ".join(said)


def _place(head: pd.Series) -> str:
    return f"layer {int(head['layer'])}, head {int(head['head'])}"


def _heads_table(heads: pd.DataFrame) -> pd.DataFrame:
    ranked = heads.sort_values("effect", ascending=False)
    named = {cell: f"attention to the {cell}" for cell in ("corner", "cheese", "mouse")}
    return ranked.rename(columns=named | {"effect": "effect of the cheese (nats)"})


def _open(name: str, label: str) -> None:
    st.button("Make it the model of every page", type="primary", key="g_open", on_click=_use, args=(name,))
    if st.session_state.get(USED) != name:
        return
    st.success(f"{plain(label)} is the model in the sidebar now, and its pairs are the pairs of every page.")
    with st.container(horizontal=True):
        for page in PAGES:
            st.page_link(Path("pages", f"{page}.py"), label=f"To {page.capitalize()}")


def _use(name: str) -> None:
    """Make a policy and its pairs those of every page; for the button."""
    st.session_state[MODEL] = name
    choose_pairs(load_bundled(PAIRS), bundled_id=PAIRS)
    st.session_state[USED] = name
