"""The frame around every page: name, mark, page list, heading, sidebar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.paths import ASSETS, ROOT

TITLE = "Circuitarium"


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
    Entry(
        "grokking",
        "Grokking",
        "Why does a network that has memorised its examples turn, much later, to a solution that holds for all?",
        "Small networks trained here, many at once: grokking, ungrokking, semi-grokking, efficiency.",
        LABORATORIES,
    ),
    Entry(
        "knowledge",
        "Knowledge",
        "Do unsupervised probes find what a language model knows, or whatever stands out?",
        "CCS and its rivals on contrast pairs, with distractors, and an audit of any probe.",
        LABORATORIES,
    ),
    Entry(
        "multiple_choice",
        "Multiple choice",
        "Does a model bind the labels A to D to the options they stand for? Which heads write the right label, where "
        "do they look, and in how few directions?",
        "Label bias, output nodes, heads and their subspaces; on a small trained model, or yours.",
        LABORATORIES,
    ),
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


def configure() -> None:
    """Tab title, mark and layout. The icon is a local file: a named one would be fetched from outside."""
    st.set_page_config(
        page_title=TITLE, page_icon=str(ASSETS / "favicon.png"), layout="wide", initial_sidebar_state=270
    )


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


def surround(page: Any) -> None:
    """All that stands around the page: heading, logo, what the address bar names, sidebar."""
    st.session_state["_framed"] = True
    entry = next(entry for entry in ENTRIES if entry.title == page.title)
    start = entry is ENTRIES[0]
    st.set_page_config(page_title=TITLE if start else f"{entry.title} · {TITLE}")
    mode = "dark" if st.context.theme.type == "dark" else "light"
    st.logo(str(ASSETS / f"logo_{mode}.svg"), size="large", icon_image=str(ASSETS / "mark.svg"))
    st.title(TITLE if start else entry.title, anchor=False)
    st.markdown(entry.question)

    # Imported only now, so that a person sees the page's heading while the rest is read from disk.
    from ui.shell import messages, sidebar, sign_in, state, static

    sign_in.require()
    static.install_scripts()
    state.adopt_link()
    sidebar.show()
    if (problem := state.link_problem()) is not None:
        messages.show_error(problem)


def enter() -> None:
    """Called by every page first: draw the frame if the page was started without it.

    Until ``st.navigation`` was called once, Streamlit takes the ``pages`` folder for pages of its older kind: the
    first visit after a start, if it goes straight to a page, then runs that page without app.py.
    """
    if not st.session_state.pop("_framed", False):
        configure()
        surround(st.navigation(pages(), position="top"))
        del st.session_state["_framed"]
