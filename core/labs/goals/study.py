"""A study from its settings to its files: train, test under every shift, judge. Stopped or killed, it goes on."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.agents.agent import Agent, load_agents, save_agents
from core.agents.learning import Run
from core.agents.train import Record, train
from core.labs.goals import record as files
from core.labs.goals.extras import watch_of
from core.labs.goals.record import AGENT, SCRIPT_RUN, agent_name, curve_table, runs_of, write_table
from core.labs.goals.settings import Settings, world_settings
from core.labs.goals.trial import SCRIPTS, try_agent, try_script
from core.labs.goals.verdict import TRAINING, summarise
from core.progress import IsCancelled, OnStep

PARTS = 1000  # steps of the progress bar
TRAINING_SHARE = 0.9  # of the work


def run_study(
    settings: Settings,
    *,
    scratch: Path,
    out: Path,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> dict[str, Any]:
    """Train, test, judge; writes ``record.FILES`` but run.json into ``out`` and returns the summary.

    Args:
        scratch: a folder of this study alone: checkpoints, finished rows, and ``record.LIVE``, the curves so far.
        on_step: called with parts done of ``PARTS``.

    Raises:
        Cancelled: ``cancelled()`` became true; the same call goes on.
    """
    began = time.perf_counter()
    scratch.mkdir(parents=True, exist_ok=True)
    curves, agents = _train(settings, scratch, on_step, cancelled)
    write_table(curves, out / files.CURVES)
    write_table(_try(settings, agents), out / files.EPISODES)
    summary = {"settings": settings.to_json(), **summarise(pd.read_parquet(out / files.EPISODES))}
    summary["seconds"] = round(time.perf_counter() - began, 2)
    save_agents(agents, out / files.AGENTS)
    text = json.dumps(summary, indent=1, allow_nan=False)
    (out / files.SUMMARY).write_text(text + "\n", encoding="utf-8")
    if on_step:
        on_step(PARTS, PARTS)
    return summary


def rows_of(settings: Settings) -> list[list[int]]:
    """Numbers of the runs that train as one row: those whose worlds show equally much, at most one row a seed."""
    rows: dict[tuple[int, int], list[int]] = {}
    for number, variant in enumerate(settings.variants):
        world = settings.task.world(world_settings(settings.task, variant, TRAINING), 1, np.random.default_rng(0))
        shown = world.observe().shape[1]
        for i, seed in enumerate(settings.all_seeds):
            rows.setdefault((shown, seed), []).append(number * settings.seeds + i)
    return list(rows.values())


def _train(
    settings: Settings, scratch: Path, on_step: OnStep | None, cancelled: IsCancelled | None
) -> tuple[pd.DataFrame, dict[str, Agent]]:
    rows, done = rows_of(settings), 0
    tables: list[pd.DataFrame] = []
    agents: dict[str, Agent] = {}
    for number, members in enumerate(rows):
        table, found = _train_row(settings, scratch / f"row-{number}", members, tables, done, on_step, cancelled)
        tables.append(table)
        agents |= found
        done += len(members)
    return pd.concat(tables, ignore_index=True).sort_values(["run", "step"], ignore_index=True), agents


def _train_row(
    settings: Settings,
    folder: Path,
    members: list[int],
    before: list[pd.DataFrame],
    done: int,
    on_step: OnStep | None,
    cancelled: IsCancelled | None,
) -> tuple[pd.DataFrame, dict[str, Agent]]:
    """One row's curves and agents; read where an earlier call finished it."""
    folder.mkdir(exist_ok=True)
    if (folder / files.AGENTS).exists():
        return pd.read_parquet(folder / files.CURVES), load_agents(folder / files.AGENTS)

    def report(record: Record, share: float) -> None:
        live = pd.concat([*before, curve_table(settings, members, record)], ignore_index=True)
        write_table(live, folder.parent / files.LIVE)
        if on_step:
            trained = (done + share * len(members)) / settings.agents
            on_step(round(PARTS * TRAINING_SHARE * trained), PARTS)

    checkpoint = folder / "row.safetensors"
    record = train(
        tuple(_run(settings, run) for run in members),
        settings.learning,
        points=settings.made_from.points,
        watch=watch_of(settings.world),
        scratch=checkpoint,
        on_curve=report,
        cancelled=cancelled,
    )
    table = curve_table(settings, members, record)
    agents = {agent_name(run): Agent(record.net, record.flat[i : i + 1]) for i, run in enumerate(members)}
    write_table(table, folder / files.CURVES)
    save_agents(agents, folder / files.AGENTS)
    checkpoint.unlink()
    return table, agents


def _run(settings: Settings, run: int) -> Run:
    variant, seed = settings.variants[run // settings.seeds], settings.all_seeds[run % settings.seeds]
    return Run(settings.task.world, world_settings(settings.task, variant, TRAINING), seed)


def _try(settings: Settings, agents: dict[str, Agent]) -> pd.DataFrame:
    """Episodes of every agent under every shift, and of the scripts with the first seed."""
    parts, task, preset = [], settings.task, settings.made_from
    for run, setting, seed in runs_of(settings):
        variant = settings.variants[run // settings.seeds]
        for shift in task.shifts:
            world, who = world_settings(task, variant, shift), {"seed": seed, "setting": setting, "shift": shift}
            agent = agents[agent_name(run)]
            parts.append(try_agent(task, world, agent, seed, preset).assign(run=run, policy=AGENT, **who))
            if seed == settings.seed:
                parts += [
                    try_script(task, world, name, seed, preset).assign(run=SCRIPT_RUN, policy=name, **who)
                    for name in SCRIPTS
                ]
    table = pd.concat(parts, ignore_index=True)
    first = ["run", "policy", "seed", "setting", "shift", "episode", "return_reward", "return_intended", "return_proxy"]
    return table[[*first, *(name for name in table.columns if name not in first)]]
