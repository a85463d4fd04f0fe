"""An experiment's curves as a table, and its weights as tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from core.errors import ResultError
from core.labs.grokking.settings import Settings
from core.labs.grokking.training.row import COLUMNS

if TYPE_CHECKING:
    from core.labs.grokking.training.train import Record

CURVES, LIVE, PRE = "curves.parquet", "live.parquet", "pretraining.parquet"
SUMMARY, WEIGHTS, MEASURES = "summary.json", "checkpoints.safetensors", "measures.parquet"
FILES = (CURVES, PRE, SUMMARY, WEIGHTS, MEASURES)


def curve_table(record: Record) -> pd.DataFrame:
    """One row a run and measured step: run, seed, n_train, weight_decay, labels, step, ``COLUMNS``."""
    at = np.array(record.row.training.measured_at())
    parts = []
    for i, (run, measured) in enumerate(zip(record.row.runs, record.measured)):
        values = np.asarray(measured).reshape(-1, len(COLUMNS))
        part = pd.DataFrame(values, columns=list(COLUMNS))
        who = {"run": i, "seed": run.seed, "n_train": run.n_train, "weight_decay": run.weight_decay}
        parts.append(part.assign(**who, labels=run.labels, step=at[: len(values)]))
    order = ["run", "seed", "n_train", "weight_decay", "labels", "step", *COLUMNS]
    return pd.concat(parts, ignore_index=True)[order]


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Parquet, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.new")
    table.to_parquet(unfinished, index=False)
    unfinished.replace(path)


def write_weights(record: Record, path: Path) -> None:
    """``final`` [run, size]; where checkpoints were kept, ``kept`` [run, moment, size] and ``step`` [moment]."""
    tensors = {"final": record.final}
    if record.row.kept_at:
        tensors |= {"kept": np.stack(record.kept), "step": np.array(record.row.kept_at)}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)


class Weights:
    """The weights that an experiment kept.

    Args:
        path: what ``write_weights`` wrote.

    Raises:
        ResultError: the file is missing or not of this experiment.
    """

    def __init__(self, path: Path, settings: Settings):
        try:
            stored = load_file(path)
            self.final = stored["final"]
        except (OSError, ValueError, KeyError) as error:
            raise ResultError("The checkpoints cannot be read.", where=path.name) from error
        self._kept = stored.get("kept")
        self.steps: tuple[int, ...] = tuple(stored["step"].tolist()) if "step" in stored else (settings.steps,)
        if self.final.shape != (len(settings.runs), settings.net.size):
            raise ResultError("The checkpoints are of another experiment.", where=path.name)

    def at(self, run: int, step: int) -> np.ndarray:
        """Weights [1, size] of a run at one of ``steps``, float32."""
        if step not in self.steps or not 0 <= run < len(self.final):
            raise ResultError(f"There is no checkpoint of run {run} at step {step}.")
        weights = self.final if self._kept is None else self._kept[:, self.steps.index(step)]
        return weights[run : run + 1].astype(np.float32)


def steps_to(table: pd.DataFrame, column: str, level: float) -> int | None:
    """First measured step at which a run's curve reaches a level; None: never."""
    reached = table.loc[table[column] >= level, "step"]
    return None if reached.empty else int(reached.iloc[0])


def finals(table: pd.DataFrame) -> pd.DataFrame:
    """The last row of every run, with ``step_train_100`` and ``step_test_95`` (missing where never reached)."""
    last = table.groupby("run").tail(1).set_index("run")
    runs = dict(list(table.groupby("run")))
    for name, column, level in (("step_train_100", "train_acc", 1.0), ("step_test_95", "test_acc", 0.95)):
        steps = [steps_to(runs[run], column, level) for run in last.index]
        last[name] = pd.array(steps, dtype="Int64")
    return last.reset_index()


def model_name(run: int, step: int) -> str:
    """The name of a checkpoint as a model."""
    return f"run-{run}-step-{step}"
