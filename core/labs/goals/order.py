"""A study as the queue knows it: its description, and what the worker does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.labs.goals.settings import Settings
from core.progress import OnStep
from core.runs.laboratory import LabSpec
from core.runs.recorded import LabCompute
from core.terms import counted

LAB = "goals"


def spec_of(settings: Settings) -> LabSpec:
    """The run that these settings make."""
    trainings, seeds = counted(len(settings.variants), "training"), counted(settings.seeds, "seed")
    title = f"{settings.task.title}: {trainings}, {seeds}"
    return LabSpec(LAB, title, settings=settings.to_json())


def compute(settings: Settings) -> LabCompute:
    """``compute(on_step, cancelled, scratch, out)``, for the queue."""

    def work(on_step: OnStep, cancelled: Callable[[], bool], scratch: Path, out: Path) -> None:
        from core.labs.goals.study import run_study  # torch comes with it

        run_study(settings, scratch=scratch, out=out, on_step=on_step, cancelled=cancelled)

    return work
