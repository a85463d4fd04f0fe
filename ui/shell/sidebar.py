"""The sidebar: which model, what it is, where it runs, and what the queue is doing."""

from __future__ import annotations

import streamlit as st

from core.figures.numbers import parameters
from core.models.catalogue import CATALOGUE
from core.runs.worker import Job
from ui.shell.messages import plain, show_error
from ui.shell.models import DEVICES, DTYPES, ModelFacts, any_model_allowed, load_key, offered_models, slot
from ui.shell.progress import ask_for, pace, status
from ui.shell.state import model_choice, waiting
from ui.shell.trained import trained_choices, trained_name
from ui.shell.worker import SERVER, session, worker

OWN = "another"


def show() -> None:
    """Draw the sidebar. The model chosen here is what every page works with."""
    with st.sidebar:
        _choose_model()
        _card()
        _queue()
        _upload()


def _choose_model() -> None:
    names = {entry.id: entry.name for entry in offered_models()}
    names |= {model_id: trained_name(model_id) for model_id in trained_choices()}
    if any_model_allowed():
        names[OWN] = "Another model …"
    chosen = st.selectbox("Model", list(names), format_func=lambda i: names.get(i, i), key="model", bind="query-params")
    if chosen == OWN:
        chosen = st.text_input(
            "Hub id or folder",
            key="own_model",
            persist_state="session",
            placeholder="gpt2, or /path/to/model",
            help="A model id of the Hugging Face hub, a folder in its format, or a GGUF file on the server.",
        ).strip()
    st.session_state["_model_id"] = chosen
    with st.popover("Device and precision", width="stretch"):
        st.selectbox("Device", DEVICES, key="device", persist_state="session", help="auto: a GPU if there is one.")
        st.selectbox("Precision", DTYPES, key="dtype", persist_state="session", help="auto: float32 on a CPU.")


def _card() -> None:
    choice = model_choice()
    facts = slot().facts(choice)
    if facts is not None:
        st.html(_card_html(facts))
        for note in facts.card.notes:
            st.caption(plain(note))
        return
    entry = next((entry for entry in CATALOGUE if entry.id == choice.model_id), None)
    if entry is not None:
        st.caption(f"{plain(entry.family)} · {parameters(entry.parameters)} parameters  \n{plain(entry.note)}")
    job = worker().find(load_key(choice))
    if job is not None and job.state == "failed" and job.error is not None:
        show_error(job.error)
    if job is None or not job.active:
        st.button("Load the model", on_click=ask_for, args=(choice,), width="stretch")


def _card_html(facts: ModelFacts) -> str:
    from html import escape

    card = facts.card
    heads = f"{card.n_heads}" if card.n_heads == card.n_kv_heads else f"{card.n_heads}, sharing {card.n_kv_heads} kv"
    rows = {
        "Parameters": parameters(card.parameters),
        "Layers": str(card.n_layers),
        "Heads a layer": heads,
        "Neurons a layer": str(card.d_mlp),
        "Precision": card.precision,
        "Quantisation": card.quantisation or "none",
        "Revision": card.revision[:12],
        "Device": card.device,
    }
    cells = "".join(
        f'<tr><td style="opacity:.7;padding:.1rem .6rem .1rem 0;white-space:nowrap">{escape(name)}</td>'
        f'<td style="padding:.1rem 0">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f'<table style="font-size:.84rem;border-collapse:collapse">{cells}</table>'


def _upload() -> None:
    """An uploaded file that waits is easily forgotten."""
    if (told := waiting()) is not None:
        st.warning(plain(told))
        st.page_link("pages/pairs.py", label="Go on with it")


def _queue() -> None:
    st.markdown("**Queue**")
    if worker().queue():
        st.fragment(_watch, run_every=2 * pace(worker().queue()))([job.id for job in worker().queue()])
    else:
        st.caption("Nothing is running.")


def _watch(seen: list[str]) -> None:
    jobs = worker().queue()
    for job in jobs:
        st.caption(_line(job))
    if not jobs:
        st.caption("Nothing is running.")
    # A model that has just arrived changes the card, so the page runs again when the queue moves on.
    if [job.id for job in jobs] != seen:
        st.rerun()


def _line(job: Job) -> str:
    mine = "" if job.owners & {session(), SERVER} else " (another session)"
    return f"{plain(job.title)}{mine}  \n{status(job)}"
