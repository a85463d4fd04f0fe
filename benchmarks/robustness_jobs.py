"""What the robustness benchmark runs and kills: exact sweeps of a tiny model, and trainings of tiny transformers."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from core.labs.grokking.experiment import run_experiment
from core.labs.grokking.record import CURVES
from core.labs.grokking.settings import Settings
from core.labs.grokking.training import train
from core.patching.results.result import AttributionResult
from core.patching.spec import RunSpec
from core.prompts.pairs import PairSet, PromptPair
from core.runs.checkpoint import Checkpoints
from core.runs.execute import execute, make_spec
from core.runs.laboratory import LabSpec
from core.runs.recorded import compute_lab
from core.runs.store import Store
from tests.tiny import random_pairs, tiny_model

MODEL = tiny_model("llama")
SWEEPS, TRAININGS = 12, 4  # different jobs, so that kills fall into all stages of several
PAIRS, LENGTH, FIRST = 6, 12, 4
train.SAVE_SECONDS = 0.05  # a checkpoint so often that kills fall between two of them


class Work(Protocol):
    """One thing to compute through the store."""

    @property
    def spec(self) -> RunSpec | LabSpec: ...

    def compute(self, store: Store) -> None:
        """Compute it, going on with what is kept of it, and store it."""

    def check(self, store: Store) -> None:
        """Assert that what is stored equals what an uninterrupted computation gives."""


@dataclass(frozen=True)
class Sweep:
    """An exact sweep of a few pairs."""

    seed: int

    @cached_property
    def spec(self) -> RunSpec:
        pairs = PairSet(f"sweep {self.seed}", (PromptPair(str(self.seed), "b", "c", "d"),))
        kinds = ("q", "k", "v", "z")
        return make_spec(MODEL, pairs, metric="logit_diff", direction="noising", nodes=kinds, method="exact")

    def compute(self, store: Store) -> None:
        kept = Checkpoints(store.checkpoints(self.spec.digest))
        store.put(execute(self.spec, MODEL, self._pairs, checkpoints=kept))

    def check(self, store: Store) -> None:
        result = store.get(self.spec.digest)
        assert result is not None
        for kind, arrays in self._truth.effects.items():
            for x, y in zip(result.effects[kind], arrays):
                np.testing.assert_allclose(x, y, atol=2e-5)

    @property
    def _pairs(self) -> tuple:
        return random_pairs(PAIRS, LENGTH, FIRST, seed=self.seed)

    @cached_property
    def _truth(self) -> AttributionResult:
        return execute(self.spec, MODEL, self._pairs)


@dataclass(frozen=True)
class Training:
    """A row of two small transformers that learn sums."""

    seed: int

    @cached_property
    def settings(self) -> Settings:
        return Settings(
            regime="grok",
            operation="x + y",
            p=13,
            d_model=16,
            n_heads=2,
            d_mlp=32,
            lr=3e-3,
            steps=400,
            sizes=(60, 100),
            seeds=(self.seed,),
        )

    @cached_property
    def spec(self) -> LabSpec:
        return LabSpec("grokking", "Tiny", settings=self.settings.to_json())

    def compute(self, store: Store) -> None:
        def run(on_step: Any, cancelled: Any, scratch: Path, out: Path) -> None:
            run_experiment(self.settings, scratch=scratch, out=out, on_step=on_step, cancelled=cancelled)

        compute_lab(store, self.spec, run, items=2, on_step=lambda done, total: None, cancelled=lambda: False)

    def check(self, store: Store) -> None:
        folder = store.lab(self.spec.digest)
        assert folder is not None
        pd.testing.assert_frame_equal(pd.read_parquet(folder / CURVES), self._truth, rtol=1e-4, atol=1e-6)

    @cached_property
    def _truth(self) -> pd.DataFrame:
        with tempfile.TemporaryDirectory() as place:
            scratch, out = Path(place) / "scratch", Path(place) / "out"
            scratch.mkdir()
            out.mkdir()
            run_experiment(self.settings, scratch=scratch, out=out)
            return pd.read_parquet(out / CURVES)


def all_work() -> list[Work]:
    """Every job."""
    return [*map(Sweep, range(SWEEPS)), *map(Training, range(TRAININGS))]
