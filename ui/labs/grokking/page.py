"""The Grokking page: which experiment is on show, what starts one, and the way from its curves while it trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.errors import ResultError, UserError
from core.labs.grokking.presets import TITLES
from core.labs.grokking.settings import REGIMES, Settings, seconds_for
from core.runs.entry import is_digest
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from core.runs.worker import OnStep
from ui.labs.grokking.data import Experiment, experiment, kept
from ui.shell.laboratory import follow_lab, known_spec, lab_folder, lab_job, lab_runs, start_lab
from ui.shell.messages import counted, duration, show_error

LAB, LINK, REGIME = "grokking", "run", "experiment"
SIMULATION = "simulation"
NAMES: dict[str, str] = {**TITLES, SIMULATION: "Simulation"}


def choose_regime() -> str:
    """Which experiment the page is about."""
    _adopt()
    chosen = st.segmented_control(
        "Experiment",
        [*REGIMES, SIMULATION],
        format_func=NAMES.__getitem__,
        default=REGIMES[0],
        key=REGIME,
        required=True,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or REGIMES[0]


def choose_experiment(regime: str) -> Experiment | None:
    """The finished experiment on show, with the control that changes it; None: there is none, or it still trains."""
    runs = {digest: name for digest, name in lab_runs(LAB).items() if _regime_of(digest) == regime}
    options = ({kept(regime).name: "kept with the app"} if kept(regime).exists() else {}) | runs
    own = st.session_state.get(_key(regime))
    if own and own not in options:
        options[own] = "in training" if (job := lab_job(own)) and job.active else "not finished"
    if not options:
        st.info("Nothing of this experiment is stored yet. Train it: the curves grow while it runs.")
        return None
    st.session_state["grok_shown"] = own if own in options else next(iter(options))
    name = st.selectbox(
        "On show",
        list(options),
        format_func=lambda i: options.get(i, i),
        key="grok_shown",
        on_change=lambda: show(regime, st.session_state["grok_shown"]),
        help="The run kept with the app, and every one that was trained here.",
    )
    st.query_params[LINK] = st.session_state["_grok_linked"] = name
    if name == regime:
        return experiment(str(kept(regime)))
    folder = lab_folder(name)
    return experiment(str(folder), name) if folder is not None else None


def show(regime: str, name: str) -> None:
    """Put a run on show; for callbacks."""
    st.session_state[_key(regime)] = name


def start(settings: Settings) -> None:
    """Train, and show it; for the button."""
    spec = spec_of(settings)
    show(settings.regime, spec.digest)
    start_lab(spec, compute(settings), items=len(settings.runs), expected=seconds(settings))


def follow(regime: str) -> LabSpec | None:
    """Progress of the run on show while it is not finished, or the way to go on with it; its spec."""
    digest = st.session_state.get(_key(regime))
    if not digest or not is_digest(digest) or lab_folder(digest) is not None:
        return None
    try:
        spec = _spec(digest)
        settings = Settings.from_json(dict(spec.settings))
    except UserError as error:
        show_error(error)
        return None
    follow_lab(spec, compute(settings), items=len(settings.runs), expected=seconds(settings))
    return spec


def spec_of(settings: Settings) -> LabSpec:
    """The run that these settings make."""
    n = len(settings.runs)
    what = "S5" if settings.operation.startswith("S5") else f"{settings.operation} mod {settings.p}"
    title = f"{TITLES[settings.regime]}: {what}, {counted(n, 'network')}"
    return LabSpec(LAB, title, settings=settings.to_json())


def compute(settings: Settings) -> LabCompute:
    """What the worker does."""

    def task(on_step: OnStep, cancelled: Callable[[], bool], scratch: Path, out: Path) -> None:
        from core.labs.grokking.experiment import run_experiment

        run_experiment(settings, scratch=scratch, out=out, models=True, on_step=on_step, cancelled=cancelled)

    return task


def seconds(settings: Settings) -> float:
    """How long the experiment should take here."""
    return seconds_for(settings)


def expected(settings: Settings) -> str:
    """The same in words."""
    return f"{counted(len(settings.runs), 'network')}, {duration(seconds(settings))} on this machine's cores"


def _adopt() -> None:
    """Take over the run that a link names, and with it the experiment."""
    given = st.query_params.get(LINK)
    if not given or given == st.session_state.get("_grok_linked"):
        return
    st.session_state["_grok_linked"] = given
    regime = given if given in REGIMES else _regime_of(given)
    if regime is None:
        show_error(ResultError("The link names no experiment on this server.", next_step="Choose another one."))
        return
    show(regime, given)
    st.session_state[REGIME] = regime


def _key(regime: str) -> str:
    return f"_grok_shown_{regime}"


def _spec(digest: str) -> LabSpec:
    spec = known_spec(digest, LAB)
    if spec is None:
        raise ResultError("There is no such experiment on this server.", next_step="Choose another one.")
    return spec


def _regime_of(digest: str) -> str | None:
    try:
        return str(_spec(digest).settings.get("regime"))
    except UserError:
        return None
