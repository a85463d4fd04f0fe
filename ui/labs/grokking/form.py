"""The form of the Grokking page: a preset, what may be changed of it, and the button that trains."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import SpecError, UserError
from core.labs.grokking.presets import preset
from core.labs.grokking.settings import PRESETS, Settings, smaller
from core.labs.grokking.tasks import OPERATIONS, PERMUTATIONS
from ui.labs.grokking.page import expected, lab_job, spec_of, start
from ui.shell.messages import show_error
from ui.shell.start import keep_choice

SIZES = {"small": "Small: minutes on two cores", "paper": "The paper's size"}
MOST_SEEDS = 64


def training_form(regime: str) -> None:
    """Choose, see what it costs, train."""
    left, middle, right = st.columns([3, 1, 1], vertical_alignment="bottom")
    size = left.selectbox("Preset", PRESETS, format_func=SIZES.__getitem__, key=f"preset_{regime}")
    base = preset(regime, size)
    first = middle.number_input("First seed", 0, 100_000, 0, key=f"seed_{regime}")
    n = right.number_input("Seeds", 1, MOST_SEEDS, len(base.seeds), key=f"seeds_{regime}_{size}")
    try:
        changes = _changes(regime, size, base)
        settings = smaller(base, seeds=tuple(range(int(first), int(first) + int(n))), **changes)
    except UserError as error:
        show_error(error)
        st.button("Train", type="primary", disabled=True, key="train")
        return
    job = lab_job(spec_of(settings).digest)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Train",
            type="primary",
            key="train",
            on_click=start,
            args=(settings,),
            disabled=job is not None and job.active,
        )
        st.caption(expected(settings))
        keep_choice()


def _changes(regime: str, size: str, base: Settings) -> dict[str, Any]:
    """What differs from the preset."""
    if not st.toggle("Change task, network and training", key=f"grok_more_{regime}"):
        return {}
    key = f"{regime}_{size}"
    a, b, c, d = st.columns(4)
    operation = a.selectbox("Operation", OPERATIONS, OPERATIONS.index(base.operation), key=f"op_{key}")
    fixed = operation in PERMUTATIONS
    p = b.number_input("Modulus (a prime)", 5, 401, base.p, key=f"p_{key}", disabled=fixed, help="S5 has 120 symbols.")
    width = c.number_input("Width", 8, 512, base.d_model, step=8, key=f"d_{key}")
    neurons = d.number_input("Neurons", 8, 2048, base.d_mlp, step=8, key=f"m_{key}")
    a, b, c, d = st.columns(4)
    steps = a.number_input("Steps", 10, 10_000_000, base.steps, step=1000, key=f"steps_{key}")
    rate = b.number_input("Learning rate", 1e-5, 0.1, base.lr, format="%.4f", step=1e-3, key=f"lr_{key}")
    decays = c.text_input("Weight decays", _text(base.weight_decays), key=f"wd_{key}")
    sizes = d.text_input("Training pairs", _text(base.sizes), key=f"sizes_{key}")
    random = _text(base.random_sizes)
    if base.random_sizes:
        random = st.text_input("Training pairs with random labels", random, key=f"random_{key}")
    return {
        "operation": operation,
        "p": 120 if fixed else int(p),
        "d_model": int(width),
        "d_mlp": int(neurons),
        "steps": int(steps),
        "lr": float(rate),
        "weight_decays": _numbers(decays, "Weight decays", float),
        "sizes": _numbers(sizes, "Training pairs", int),
        "random_sizes": _numbers(random, "Training pairs with random labels", int),
    }


def _text(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _numbers(text: str, where: str, kind: Any) -> tuple[Any, ...]:
    try:
        return tuple(dict.fromkeys(kind(part) for part in text.replace(",", " ").split()))
    except ValueError:
        raise SpecError("These are not numbers.", where=where, next_step="Part them by commas.") from None
