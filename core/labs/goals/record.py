"""What a study leaves, and how its files read.

``curves.parquet``: one row an agent and point: run, setting, seed, step (of its world, all copies together), reward,
intended, proxy (means a step since the point before), loss, explores (the share of exploring actions), and in the
orchard trees, bare and affinity_1 to affinity_10.

``episodes.parquet``: one row an episode: run, policy (``agent``, or the scripts ``intended``, ``proxy``, ``random``
with run -1 and the first seed), seed, setting (``settings.variant_name``), shift (a name of the task's ``shifts``),
episode, return_reward, return_intended, return_proxy, steps; of agents' first 64 episodes also loglik_intended and
loglik_proxy, the mean log-likelihood an action in nats (NaN elsewhere); and the world's own columns
(``extras.extras``).

``summary.json``: settings, means, verdicts, seconds: see ``verdict.summarise``. ``agents.safetensors``: agents by
``agent_name``, read by ``core.agents.agent.load_agents``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core.labs.goals.settings import Settings, variant_name

if TYPE_CHECKING:
    from core.agents.train import Record  # torch comes with it, and a page reads this file

CURVES, EPISODES, SUMMARY, AGENTS = "curves.parquet", "episodes.parquet", "summary.json", "agents.safetensors"
LIVE = "live.parquet"  # the curves so far, in the scratch folder
FILES = (CURVES, EPISODES, SUMMARY, AGENTS, "run.json")
AGENT = "agent"
SCRIPT_RUN = -1


def runs_of(settings: Settings) -> list[tuple[int, str, int]]:
    """Number, setting and seed of every agent: settings in order, seeds within each."""
    pairs = [(variant_name(variant), seed) for variant in settings.variants for seed in settings.all_seeds]
    return [(run, setting, seed) for run, (setting, seed) in enumerate(pairs)]


def agent_name(run: int) -> str:
    """The name of a run's agent in ``AGENTS``."""
    return f"run-{run}"


def curve_table(settings: Settings, members: list[int], record: Record) -> pd.DataFrame:
    """The curves of some runs that trained as one row, see the module."""
    names, parts = runs_of(settings), []
    for i, run in enumerate(members):
        _, setting, seed = names[run]
        part = pd.DataFrame(record.curve[:, i], columns=list(record.columns))
        part.insert(0, "step", record.at)
        for place, (name, value) in enumerate((("run", run), ("setting", setting), ("seed", seed))):
            part.insert(place, name, value)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Parquet, whole or not at all; parts of one number become single precision, which halves the file."""
    unfinished = path.with_name(f".{path.name}.new")
    floats = table.select_dtypes("float64").columns
    table.astype(dict.fromkeys(floats, "float32")).to_parquet(unfinished, index=False, compression="zstd")
    unfinished.replace(path)
