"""Inside one network through training: circles, neurons, logits by frequency; and the way to patch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.grokking.record import model_name
from core.labs.grokking.training.row import Run
from ui.labs.grokking.about import about_grokking
from ui.labs.grokking.data import Experiment
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.state import choose_pairs, use_trained
from ui.shell.trained import MODEL

if TYPE_CHECKING:
    from core.labs.grokking.inside.checkpoint import Inside

# Of the kept run: what to call them, and their names in the catalogue.
ADDERS = {"Grokked (step 6000)": "adder-grokked", "Memorising (step 1091)": "adder-memorising"}
UNSEEN, SEEN = "unseen pairs", "training pairs"
USED = "_grok_used"  # session key: the checkpoint that was made the model last


def inside(shown: Experiment) -> None:
    """A slider through one run's checkpoints, and everything that is drawn of the one chosen."""
    weights, settings = shown.weights, shown.settings
    if weights is None:
        return
    st.subheader("Inside one network", anchor=False)
    left, right = st.columns([2, 5], gap="large", vertical_alignment="bottom")
    runs = settings.runs
    run = left.selectbox("Network", range(len(runs)), format_func=lambda i: _name(runs[i]), key="grok_run")
    steps = weights.steps
    step = right.select_slider("Step", steps, value=steps[-1], key="grok_step") if len(steps) > 1 else steps[-1]
    row = shown.curves[(shown.curves["run"] == run) & (shown.curves["step"] <= step)].iloc[-1]
    st.caption(
        f"Step {step}: accuracy on training pairs {row['train_acc']:.1%}, on unseen pairs {row['test_acc']:.1%}."
    )
    if settings.row().task.periodic:
        _views(shown, int(run), int(step))
    if shown.digest is not None or settings.regime == "grok":
        _patch(shown, int(run), int(step))


def _name(run: Run) -> str:
    labels = ", random labels" if run.labels == "random" else ""
    return f"seed {run.seed}, {run.n_train} pairs, weight decay {run.weight_decay:g}{labels}"


@st.cache_resource(max_entries=64, show_spinner="Reading the checkpoint")
def _inside(folder: str, run: int, step: int, _shown: Experiment) -> Inside:
    from core.labs.grokking.inside.checkpoint import look_inside

    assert _shown.weights is not None
    return look_inside(_shown.settings, _shown.weights, run, step)


def _views(shown: Experiment, run: int, step: int) -> None:
    found = _inside(str(shown.folder), run, step, shown)
    who = f"{shown.title}; {_name(shown.settings.runs[run])}, step {step}"

    def circle_figure(mode: Theme) -> Any:
        from core.labs.grokking.figures.inside import circles

        return circles(found.planes, title=who, theme=mode, reach=found.reach)

    def neuron_figure(mode: Theme) -> Any:
        from core.labs.grokking.figures.inside import neuron_maps

        return neuron_maps(found.neurons, found.names, title=who, theme=mode)

    def bars(mode: Theme) -> Any:
        from core.labs.grokking.figures.inside import frequency_bars

        logits = found.spectrum
        return frequency_bars(logits.coefficient, found.keys, logits.fraction, title=who, theme=mode)

    def points() -> pd.DataFrame:
        parts = [
            pd.DataFrame(plane, columns=["cos", "sin"]).assign(symbol=range(len(plane)), frequency=k)
            for k, plane in found.planes.items()
        ]
        return pd.concat(parts, ignore_index=True)

    def shares() -> pd.DataFrame:
        squared = found.spectrum.coefficient**2
        return pd.DataFrame({"frequency": range(1, len(squared) + 1), "squared_coefficient": squared})

    def activations() -> pd.DataFrame:
        parts = [pd.DataFrame(plane).assign(neuron=name) for name, plane in zip(found.names, found.neurons)]
        return pd.concat(parts, ignore_index=True)

    draw(circle_figure(theme()), key="grok_circles", alt="Symbols on the circles of the key frequencies.")
    export_row(circle_figure, [], points, key="grok_circles", name="grokking-circles")
    draw(neuron_figure(theme()), key="grok_neurons", alt="Activations of some neurons over the table.")
    export_row(neuron_figure, [], activations, key="grok_neurons", name="grokking-neurons")
    draw(bars(theme()), key="grok_bars", alt="Logits by frequency.")
    export_row(bars, [], shares, key="grok_bars", name="grokking-frequencies")
    _measures(shown, run)
    about_grokking("inside")


def _measures(shown: Experiment, run: int) -> None:
    if shown.measures is None:
        return
    table = shown.measures[shown.measures["run"] == run]

    def make(mode: Theme) -> Any:
        from core.labs.grokking.figures.curves import measure_panels

        return measure_panels(table, title=f"{shown.title}; {_name(shown.settings.runs[run])}", theme=mode)

    draw(make(theme()), key="grok_measures", alt="Progress measures over steps.")
    export_row(make, [], lambda: table, key="grok_measures", name="grokking-measures")


def _patch(shown: Experiment, run: int, step: int) -> None:
    """The checkpoint as the model of every page, on pairs ``a + b =`` against ``a' + b =``."""
    st.markdown("**Patch this network**: exact patching, AtP\\* and attention on *a + b =* against *a′ + b =*.")
    own = f"Step {step} of this network" if shown.digest else None
    models = [own] if own else list(ADDERS)
    if own is None:
        st.caption("Of the run kept with the app, two networks are models; of runs trained here, every checkpoint is.")
    runs = shown.settings.runs[run if own else 0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = st.selectbox("Model", models, key=f"grok_model_{shown.digest}", width=280)
        kinds = [kind for kind in (UNSEEN, SEEN) if kind == SEEN or runs.n_train < len(shown.settings.row().task)]
        which = st.selectbox("On", kinds, key="grok_pairs", width=200)
        chosen = model_name(run, step) if own else ADDERS[model]
        arguments = (shown, runs, chosen, which == UNSEEN)
        st.button("Make it the model of every page", key="grok_open", on_click=_use, args=arguments)
    if st.session_state.get(USED) == (shown.digest, chosen):
        st.success("It is the model in the sidebar now, and its pairs are the pairs of every page.")
        with st.container(horizontal=True):
            st.page_link("pages/attribution.py", label="To Attribution")
            st.page_link("pages/attention.py", label="To Attention")


def _use(shown: Experiment, run: Run, name: str, unseen: bool) -> None:
    """Make a checkpoint the model of every page; for the button."""
    from core.labs.grokking.toy import prompt_pairs

    pairs = prompt_pairs(shown.settings.row().task, run, unseen=unseen)
    if shown.digest is None:
        st.session_state[MODEL] = name
        choose_pairs(pairs)
    else:
        use_trained(shown.digest, name, pairs)
    st.session_state[USED] = (shown.digest, name)
