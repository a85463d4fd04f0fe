"""What the page reads of a finished or running study: tables, verdicts, agents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.errors import ResultError
from core.labs.goals import record as files
from core.labs.goals.settings import Settings

if TYPE_CHECKING:
    from core.agents.agent import Agent


@dataclass(frozen=True, eq=False)
class Study:
    """A finished study's folder."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / files.SUMMARY).read_text(encoding="utf-8"))

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_json(self.summary["settings"])

    @cached_property
    def episodes(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / files.EPISODES)

    @cached_property
    def curves(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / files.CURVES)

    @cached_property
    def agents(self) -> dict[str, Agent]:
        from core.agents.agent import load_agents  # torch comes with it

        return load_agents(self.folder / files.AGENTS)

    @property
    def name(self) -> str:
        """Tells studies apart in keys of controls."""
        return self.folder.name

    @property
    def title(self) -> str:
        """The world, for captions."""
        return self.settings.task.title


@st.cache_resource(max_entries=16, show_spinner=False)
def study_of(folder: str) -> Study:
    """A finished study, read once.

    Raises:
        ResultError: its files are damaged.
    """
    found = Study(Path(folder))
    try:
        _ = found.settings, found.episodes, found.curves
    except (OSError, ValueError, KeyError) as error:
        raise ResultError("The study's files are damaged.", where=Path(folder).name) from error
    return found


def live_curves(scratch: Path) -> pd.DataFrame | None:
    """The curves so far of a study that trains, or None before there are any."""
    try:
        return pd.read_parquet(scratch / files.LIVE)
    except (OSError, ValueError):
        return None
