"""An experiment from its settings to its files, resumable at any moment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from core.labs.grokking import record as files
from core.labs.grokking.inside.measures import final_fractions, measure
from core.labs.grokking.record import Weights, curve_table, finals, model_name, write_table, write_weights
from core.labs.grokking.settings import Settings
from core.labs.grokking.training.train import Record, train
from core.labs.grokking.verdict import measured
from core.progress import IsCancelled, OnStep

LIVE_SECONDS = 1.0
PARTS = 1000  # steps of the progress bar


def run_experiment(
    settings: Settings,
    *,
    scratch: Path,
    out: Path,
    device: str = "cpu",
    models: bool = False,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> dict[str, Any]:
    """Train, measure, judge; writes ``record.FILES`` into ``out`` and returns the summary.

    Args:
        scratch: a folder of this experiment alone. Checkpoints go there, and ``live.parquet``: the curves so far.
        models: also write every checkpoint as a model that all pages take, see ``save_models``.
        on_step: called with parts done of ``PARTS``.

    Raises:
        Cancelled: ``cancelled()`` became true; the same call goes on.
    """
    started = time.perf_counter()
    row, start, share = settings.row(), None, settings.pre_share
    pre = settings.pre_rows()
    tables = []
    for phase, part in enumerate(pre):
        before = train(
            part,
            start=start,
            scratch=_folder(scratch / f"pre-{phase}"),
            device=device,
            on_progress=_reporter(on_step, None, share * phase / len(pre), share * (phase + 1) / len(pre)),
            cancelled=cancelled,
        )
        tables.append(curve_table(before).assign(phase=phase))
        start = torch.tensor(before.final)
    if start is not None:
        write_table(pd.concat(tables, ignore_index=True), out / files.PRE)
        start = start[[settings.seeds.index(run.seed) for run in row.runs]]
    record = train(
        row,
        start=start,
        scratch=_folder(scratch / "row"),
        device=device,
        on_progress=_reporter(on_step, scratch / files.LIVE, share, 1.0),
        cancelled=cancelled,
    )
    summary = _write(settings, record, out, seconds=time.perf_counter() - started)
    if models:
        save_models(settings, out)
    return summary


def save_models(settings: Settings, out: Path) -> None:
    """Every kept checkpoint of an experiment's folder as ``models/<model_name>``, which ``load_model`` reads."""
    from core.labs.grokking.toy import save_model  # transformers comes with it

    row, weights = settings.row(), Weights(out / files.WEIGHTS, settings)
    for run in range(len(row.runs)):
        for step in weights.steps:
            save_model(row.net, weights.at(run, step), row.task, out / "models" / model_name(run, step))


def _write(settings: Settings, record: Record, out: Path, *, seconds: float) -> dict[str, Any]:
    table = curve_table(record)
    write_table(table, out / files.CURVES)
    write_weights(record, out / files.WEIGHTS)
    if record.row.task.periodic and record.row.kept_at:
        write_table(measure(record), out / files.MEASURES)
    trig = final_fractions(record) if record.row.task.periodic else {}
    ends = finals(table).assign(trig_fraction=lambda rows: rows["run"].map(trig))
    summary = {
        "settings": settings.to_json(),
        "runs": [_plain(row) for row in ends.to_dict("records")],
        "verdict": measured(settings, table, trig),
        "seconds": round(seconds, 2),
    }
    text = json.dumps(summary, indent=1, allow_nan=False)
    (out / files.SUMMARY).write_text(text + "\n", encoding="utf-8")
    return summary


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Plain JSON values; what is missing is null."""
    return {
        str(name): None if pd.isna(cell) else getattr(cell, "item", lambda c=cell: c)() for name, cell in row.items()
    }


def _reporter(on_step: OnStep | None, live: Path | None, first: float, last: float) -> Callable[[Record, float], None]:
    """Progress between two shares of the whole; the curves so far into ``live``, at most once a second."""
    written = 0.0

    def report(record: Record, fraction: float) -> None:
        nonlocal written
        if on_step:
            on_step(round(PARTS * (first + (last - first) * fraction)), PARTS)
        if live is not None and time.monotonic() - written > LIVE_SECONDS:
            write_table(curve_table(record), live)
            written = time.monotonic()

    return report


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
