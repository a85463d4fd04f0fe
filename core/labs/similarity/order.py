"""A study as the queue knows it: its description, and what the worker does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.labs.similarity.settings import Settings
from core.progress import OnStep
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from core.worlds.listed.catalogue import TITLES

LAB = "similarity"


def spec_of(settings: Settings) -> LabSpec:
    """The run that these settings make."""
    whose = "a person's answers" if settings.given else "simulated answers"
    counts = ", ".join(map(str, settings.answers))
    return LabSpec(LAB, f"{TITLES[settings.world]}: {whose} ({counts})"[:120], settings=settings.to_json())


def compute(settings: Settings) -> LabCompute:
    """``compute(on_step, cancelled, scratch, out)``, for the queue."""

    def work(on_step: OnStep, cancelled: Callable[[], bool], scratch: Path, out: Path) -> None:
        from core.labs.similarity.study import run_study  # torch comes with it

        run_study(settings, out, on_step=on_step, cancelled=cancelled)

    return work
