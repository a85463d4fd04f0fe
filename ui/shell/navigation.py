"""The pages: their scripts, names, questions and places in the list. Laboratories come from their registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.labs import registry
from core.paths import ROOT


@dataclass(frozen=True)
class Entry:
    """A page: its script, its name in the list, the question it answers, a word of help, its part of the list."""

    script: str
    title: str
    question: str
    help: str
    section: str = ""


LABORATORIES, RESULTS = "Laboratories", "Results"

# In the order in which a person needs them; the first one is the start page.
ENTRIES = (
    Entry(
        "home",
        "Home",
        "Bring two prompts that differ in one thing. Circuitarium finds the heads, MLPs and neurons of a language "
        "model that turn the difference into its answer, and says how far to trust the picture.",
        "A finished result on the default model, and the ways on.",
    ),
    Entry(
        "pairs",
        "Prompt pairs",
        "What differs between two prompts decides which behaviour is measured. Does the model see each pair as you "
        "mean it?",
        "Bring, check and choose the prompt pairs that every other page works on.",
    ),
    Entry(
        "attribution",
        "Attribution",
        "Which heads, MLPs and neurons cause the behaviour that the pairs show, and how sure is that?",
        "AtP, AtP* and exact patching side by side.",
    ),
    Entry(
        "attention",
        "Attention",
        "Where does each head look, on the clean and on the corrupt prompt?",
        "Attention patterns of a layer's heads, and of one head at full size.",
    ),
    Entry(
        "readouts",
        "Readouts",
        "What does each head and MLP write straight into the answer, and what would the model say after each layer?",
        "Direct logit attribution, logit lens, and what a head does in words of the vocabulary.",
    ),
    Entry(
        "circuit",
        "Circuit",
        "Which heads and MLPs feed which, and how much of the behaviour do these edges alone explain?",
        "Edges between heads and MLPs, drawn, named and tested.",
    ),
    Entry(
        "trust",
        "Trust",
        "An estimate ranks the nodes. Which of the first are really there, and how large an effect can it have missed?",
        "Patch an estimate's nodes exactly, and bound those that are left.",
    ),
    *(Entry(lab.name, lab.title, lab.question, lab.help, LABORATORIES) for lab in registry.LABORATORIES),
    Entry(
        "runs",
        "Runs",
        "What has been computed here, under which name, and how do two runs differ?",
        "Every stored run: open, compare, name, take away, delete.",
        RESULTS,
    ),
    Entry(
        "report",
        "Report",
        "Which figures tell the story, and in what words?",
        "The figures you collected, with your notes, as one file.",
        RESULTS,
    ),
)


def title_of(script: str) -> str:
    """What a page is called, by its script's name; a name that is no page's is given back."""
    return next((entry.title for entry in ENTRIES if entry.script == script), script)


def pages() -> dict[str, list[Any]]:
    """Every page by its part of the list, for ``st.navigation``."""
    parts: dict[str, list[Any]] = {entry.section: [] for entry in ENTRIES}
    for entry in ENTRIES:
        start = entry is ENTRIES[0]
        page = st.Page(
            ROOT / "pages" / f"{entry.script}.py",
            title=entry.title,
            url_path=None if start else entry.script,
            default=start,
            help=entry.help,
        )
        parts[entry.section].append(page)
    return parts
