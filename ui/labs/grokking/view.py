"""What an experiment shows: its verdict, the figure that the claim stands on, its curves, and its files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.style import Theme
from core.labs.grokking.presets import BY_NAME
from core.labs.grokking.settings import Settings
from core.runs.laboratory import LabSpec
from ui.labs.grokking.about import about_grokking
from ui.labs.grokking.data import Experiment, live_curves, title
from ui.labs.grokking.page import follow
from ui.parts.charts import draw, theme
from ui.parts.export import export_row
from ui.shell.laboratory import lab_job
from ui.shell.messages import plain
from ui.shell.store import store

LIVE_SECONDS = 1.5
MARKS = {"agrees": "green", "partly": "orange", "does not agree": "red", "cannot tell": "gray"}
Make = Callable[[Theme], Any]


def claim(regime: str) -> None:
    """What the paper says."""
    st.markdown(f"**The paper**: {plain(BY_NAME[regime].CLAIM)}")


def training(regime: str) -> None:
    """Progress and growing curves of the run on show, while it trains."""
    spec = follow(regime)
    if spec is None:
        return
    job = lab_job(spec.digest)
    active = job is not None and job.active
    (st.fragment(_live, run_every=LIVE_SECONDS) if active else _live)(spec)


def _live(spec: LabSpec) -> None:
    table = live_curves(store().checkpoints(spec.digest))
    settings = Settings.from_json(dict(spec.settings))
    if table is None:
        waiting = (
            "One network a seed learns the whole table first."
            if settings.pre_steps
            else "The first curves come in a moment."
        )
        st.caption(waiting)
        st.skeleton(height=360)
        return
    draw(_curves(table, title(settings))(theme()), key="grok_live", alt="Training curves so far.")


def verdict(shown: Experiment) -> None:
    """What this experiment says of the claim."""
    found = shown.verdict
    with st.container(border=True, key="verdict"):
        st.markdown(f"**Here** :{MARKS[found.standing]}-badge[{found.standing}]")
        st.markdown("\n".join(f"- {plain(line)}" for line in found.shown))
        st.caption(f"What this cannot show: {plain(found.limits)}")


def figures(shown: Experiment) -> None:
    """The claim's own figure first, then the curves."""
    regime = shown.settings.regime
    if regime == "ungrok":
        _figure(_by_size(shown), lambda: shown.ends, "ungrok", "Final accuracy on unseen pairs by set size.")
    if regime == "efficiency":
        left, right = st.columns(2, gap="medium")
        with left:
            _figure(_norms(shown), lambda: shown.ends, "efficiency", "Norm by set size, two families.")
        with right:
            _figure(_logits(shown), lambda: shown.ends, "logits", "Correct-class logit by norm.")
    _figure(_curves(shown.curves, shown.title, _kinds(shown)), lambda: shown.curves, "curves", "Training curves.")


def runs_table(shown: Experiment) -> None:
    """One row a run."""
    with st.expander("Every run in numbers", key="grok_runs"):
        columns = ["run", "seed", "n_train", "weight_decay", "labels", "step_train_100", "step_test_95"]
        columns += ["train_acc", "test_acc", "norm", "correct_logit", "efficiency"]
        table = shown.ends[columns].assign(**{"how it went": shown.ends["run"].map(_kinds(shown))})
        st.dataframe(table.round(4), hide_index=True, alt="The end of every run.")


def _figure(make: Make, data: Callable[[], pd.DataFrame], key: str, alt: str) -> None:
    draw(make(theme()), key=f"grok_{key}", alt=alt)
    with st.container(horizontal=True):
        export_row(make, [], data, key=f"grok_{key}", name=f"grokking-{key}")
        about_grokking(key)


def _curves(table: pd.DataFrame, name: str, kinds: dict[int, str] | None = None) -> Make:
    """Panels by quantity for one size and weight decay, else panels by size."""

    def make(mode: Theme) -> Any:
        from core.labs.grokking.figures.curves import curve_panels, size_panels

        several = table[["n_train", "weight_decay", "labels"]].drop_duplicates()
        if len(several) == 1:
            return curve_panels(table, title=name, theme=mode)
        return size_panels(table[table["labels"] == "true"], title=name, theme=mode, kinds=kinds)

    return make


def _by_size(shown: Experiment) -> Make:
    from core.labs.grokking.figures.claims import final_by_size

    return lambda mode: final_by_size(shown.ends, title=shown.title, chance=1 / shown.settings.p, theme=mode)


def _norms(shown: Experiment) -> Make:
    from core.labs.grokking.figures.claims import norm_by_size

    fits = shown.summary["verdict"]["fits"]
    return lambda mode: norm_by_size(_passed(shown), fits, title=shown.title, theme=mode)


def _logits(shown: Experiment) -> Make:
    from core.labs.grokking.figures.claims import logit_by_norm

    return lambda mode: logit_by_norm(_passed(shown), title=shown.title, theme=mode)


def _passed(shown: Experiment) -> pd.DataFrame:
    from core.labs.grokking.regimes.efficiency import passed

    return passed(shown.ends)


def _kinds(shown: Experiment) -> dict[int, str]:
    from core.labs.grokking.regimes.semigrok import course

    return {int(run): course(part) for run, part in shown.curves.groupby("run")}


download = partial(st.download_button, on_click="ignore")


def files(shown: Experiment) -> None:
    """The numbers, and the script that makes them again."""
    from core.labs.grokking.script import experiment_script

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Take away", width="content")
        for path, label in ((p, p.name) for p in sorted(shown.folder.iterdir()) if p.is_file() and p.stem != "run"):
            download(label, path.read_bytes, file_name=label, key=f"grok_file_{label}")
        script = partial(experiment_script, shown.settings)
        download("Python script", script, file_name="grokking.py", key="grok_script", help="Trains all of this again.")
