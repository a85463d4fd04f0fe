"""What pages read of a finished or running experiment: tables, numbers, checkpoints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import ResultError
from core.labs.grokking import record as files
from core.labs.grokking.presets import TITLES
from core.labs.grokking.record import Weights, finals
from core.labs.grokking.settings import Settings
from core.labs.grokking.verdict import Verdict, judge
from core.paths import ASSETS

KEPT = ASSETS / "labs" / "grokking"


def kept(regime: str) -> Path:
    """The folder of the run that comes with the app."""
    return KEPT / regime


@dataclass(frozen=True, eq=False)
class Experiment:
    """A finished experiment's folder. ``digest`` is None for one that comes with the app."""

    folder: Path
    digest: str | None

    @cached_property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / files.SUMMARY).read_text(encoding="utf-8"))

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_json(self.summary["settings"])

    @cached_property
    def curves(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / files.CURVES)

    @cached_property
    def ends(self) -> pd.DataFrame:
        return finals(self.curves)

    @cached_property
    def measures(self) -> pd.DataFrame | None:
        path = self.folder / files.MEASURES
        return pd.read_parquet(path) if path.exists() else None

    @cached_property
    def weights(self) -> Weights | None:
        path = self.folder / files.WEIGHTS
        return Weights(path, self.settings) if path.exists() else None

    @cached_property
    def verdict(self) -> Verdict:
        return judge(self.settings, self.summary["verdict"])

    @property
    def title(self) -> str:
        """What was trained, for captions."""
        return title(self.settings)


@st.cache_resource(max_entries=16, show_spinner=False)
def experiment(folder: str, digest: str | None = None) -> Experiment:
    """A finished experiment, read once.

    Raises:
        ResultError: its files are damaged.
    """
    found = Experiment(Path(folder), digest)
    try:
        _ = found.summary, found.settings, found.curves
    except (OSError, ValueError, KeyError) as error:
        raise ResultError("The experiment's files are damaged.", where=Path(folder).name) from error
    return found


def title(settings: Settings) -> str:
    """Task, network and training in a line."""
    what = settings.operation if settings.operation.startswith("S5") else f"{settings.operation} mod {settings.p}"
    net = f"width {settings.d_model}, {settings.n_heads} heads, {settings.d_mlp} neurons"
    return f"{TITLES[settings.regime]} on {what}; {net}, learning rate {settings.lr:g}"


def live_curves(scratch: Path) -> pd.DataFrame | None:
    """The curves so far of an experiment that trains, or None before there are any."""
    try:
        table = pd.read_parquet(scratch / files.LIVE)
    except (OSError, ValueError):
        return None
    return table if (table["step"] > 0).any() else None
