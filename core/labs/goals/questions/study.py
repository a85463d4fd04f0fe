"""A study of questions, from its settings to its files: a helper for every share and seed, and what each then says.

It leaves the files of ``core.labs.goals.record`` with these columns:

``curves.parquet``    run, setting, seed, step, loss (of what the helper says itself, mean since the row before)
``episodes.parquet``  run, policy (``agent``), seed, setting, shift, episode, steps (questions asked), redundant (of
                      those, asked for what was known), and as 1 or 0: asks (any redundant one), right (the answer),
                      able (told to answer at once, it would be right; says nothing where there are unknowns)
``summary.json``      settings; ``means``: a row a setting and shift, with an interval of every measure; seconds
``agents.safetensors``  weights by ``run-0/<GPT-2's name>``

This is an analogue of the paper's example: a tiny model trained from nothing, where the paper prompts a large one.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.torch import load_file, save_file

from core.labs.goals import record as files
from core.labs.goals.interval import interval, means
from core.labs.goals.questions.helper import fresh_helper, talk, train_helper
from core.labs.goals.questions.settings import QuestionSettings, setting_name
from core.labs.goals.record import AGENT, agent_name, write_table
from core.progress import IsCancelled, OnStep, Progress
from core.worlds.tasks.questions import draw

SHIFTS = {"training": 2, "one unknown": 1, "no unknown": 0}  # unknowns of each test
EVERY = 50  # steps a row of the curves
MEASURES = ("steps", "redundant", "asks", "right", "able")


def run_questions(
    settings: QuestionSettings,
    *,
    scratch: Path,
    out: Path,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> dict[str, Any]:
    """Train, talk, summarise; writes ``record.FILES`` but run.json into ``out`` and returns the summary.

    Args:
        scratch: a folder of this study alone, for helpers that are done.
        on_step: called with training steps done of all.

    Raises:
        Cancelled: ``cancelled()`` became true; the same call goes on with the first helper that was not done.
    """
    began = time.perf_counter()
    scratch.mkdir(parents=True, exist_ok=True)
    progress = Progress(settings.steps * len(settings.runs), on_step, cancelled)
    curves, episodes, weights = [], [], dict[str, Any]()
    for run, share, seed in settings.runs:
        who = {"run": run, "setting": setting_name(share), "seed": seed}
        hf, curve = _helper(settings, run, share, seed, scratch, progress)
        curves.append(curve.assign(**who))
        episodes += [_tried(hf, settings, shift, seed).assign(policy=AGENT, **who) for shift in SHIFTS]
        weights |= {f"{agent_name(run)}/{name}": tensor for name, tensor in hf.state_dict().items()}
    table = pd.concat(episodes, ignore_index=True)
    summary = {"settings": settings.to_json(), "means": _means(table), "seconds": round(time.perf_counter() - began, 2)}
    write_table(pd.concat(curves, ignore_index=True), out / files.CURVES)
    write_table(table, out / files.EPISODES)
    save_file(weights, out / files.AGENTS)
    (out / files.SUMMARY).write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return summary


def _helper(
    settings: QuestionSettings, run: int, share: float, seed: int, scratch: Path, progress: Progress
) -> tuple[Any, pd.DataFrame]:
    """A helper and its curve; read where an earlier call finished it."""
    import torch

    kept, curve_file = scratch / f"{agent_name(run)}.safetensors", scratch / f"{agent_name(run)}.parquet"
    if kept.exists():
        hf = fresh_helper(settings, torch.Generator())
        hf.load_state_dict(load_file(kept))
        progress.advance(settings.steps)
        return hf, pd.read_parquet(curve_file)
    losses: list[float] = []

    def step(_: int, loss: float) -> None:
        losses.append(loss)
        progress.advance(1)

    hf = train_helper(settings, share, seed, step)
    at = np.arange(EVERY, len(losses) + 1, EVERY)
    curve = pd.DataFrame({"step": at, "loss": [float(np.mean(losses[end - EVERY : end])) for end in at]})
    write_table(curve, curve_file)
    save_file(hf.state_dict(), kept)
    return hf, curve


def _tried(hf: Any, settings: QuestionSettings, shift: str, seed: int) -> pd.DataFrame:
    """Dialogues with one number of unknowns, one a row."""
    rng = np.random.default_rng((seed, 2, SHIFTS[shift]))
    found = talk(hf, draw(np.full(settings.dialogues, SHIFTS[shift]), rng), rng)
    return pd.DataFrame(
        {
            "shift": shift,
            "episode": np.arange(settings.dialogues),
            "steps": found.questions,
            "redundant": found.redundant,
            "asks": (found.redundant > 0).astype(np.int64),
            "right": found.right.astype(np.int64),
            "able": found.able.astype(np.int64),
        }
    )


def _means(episodes: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for (setting, shift), part in episodes.groupby(["setting", "shift"], sort=False):
        seeds = [own for _, own in part.groupby("seed")]
        found = {name: interval(means([own[name].to_numpy(np.float64) for own in seeds])) for name in MEASURES}
        rows.append({"setting": setting, "shift": shift, "policy": AGENT, "seeds": len(seeds), **found})
    return rows
