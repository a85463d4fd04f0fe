"""Tests of a trained agent, and of the scripts as references: episodes in a world, one row each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from core.agents.play import Episodes, Policy, at_random, play, scripted, sometimes_random
from core.labs.goals.explain import log_likelihoods
from core.labs.goals.extras import extras, note_of
from core.labs.goals.presets import Preset
from core.worlds.tasks.catalogue import Task
from core.worlds.tasks.world import GOALS, World

EXPLAINED = 64  # episodes of a test whose actions are explained
REFERENCES = 200  # episodes of a script at most
SCRIPTS: dict[str, Callable[[np.random.Generator], Policy]] = {
    "intended": lambda rng: scripted("intended", rng),
    "proxy": lambda rng: scripted("proxy", rng),
    "random": at_random,
}


def try_agent(task: Task, settings: Any, agent: Policy, seed: int, preset: Preset) -> pd.DataFrame:
    """Episodes of an agent, see ``core.labs.goals.record``; the first ``EXPLAINED`` with their likelihoods.

    Levels and chances come from the seed, and are the same for every agent that is tested with it.
    """
    policy = sometimes_random(agent, preset.slips, np.random.default_rng([seed, 11]))
    few = min(EXPLAINED, preset.episodes)
    first = play(_world(task, settings, few, [seed, 12]), policy, preset.steps, note=_goals)
    told = _explained(first)
    rows = _rows(first).assign(loglik_intended=told[:, 0], loglik_proxy=told[:, 1])
    if preset.episodes > few:
        others = _world(task, settings, preset.episodes - few, [seed, 13])
        rows = pd.concat([rows, _rows(play(others, policy, preset.steps, note=note_of))], ignore_index=True)
    return rows.assign(episode=np.arange(len(rows)))


def try_script(task: Task, settings: Any, name: str, seed: int, preset: Preset) -> pd.DataFrame:
    """Episodes of a script, with the same share of slips; without likelihoods."""
    rng = np.random.default_rng([seed, 14])
    policy = sometimes_random(SCRIPTS[name](rng), preset.slips, rng)
    world = _world(task, settings, min(REFERENCES, preset.episodes), [seed, 15])
    rows = _rows(play(world, policy, preset.steps, note=note_of))
    return rows.assign(episode=np.arange(len(rows)))


def _world(task: Task, settings: Any, copies: int, seed: list[int]) -> World:
    return task.world(settings, copies, np.random.default_rng(seed))


def _goals(world: World) -> dict[str, np.ndarray]:
    return {"scores": np.stack([world.scores(goal) for goal in GOALS], axis=1), **note_of(world)}


def _rows(episodes: Episodes) -> pd.DataFrame:
    paid = {name: getattr(episodes, name).sum(0, dtype=np.float64) for name in ("reward", "intended", "proxy")}
    table = pd.DataFrame({f"return_{name}": values for name, values in paid.items()})
    return table.assign(steps=episodes.steps, **extras(episodes))


def _explained(episodes: Episodes) -> np.ndarray:
    """Mean log-likelihood an action of each episode under each goal, float64 [episode, goal]; NaN where none tells."""
    going, scores = episodes.going, episodes.notes["scores"]
    found = np.full((*going.shape, len(GOALS)), np.nan)
    found[going] = log_likelihoods(scores[going], episodes.actions[going])
    told = np.isfinite(found[..., 0])  # both goals tell, or neither
    sums, count = np.where(told[..., None], found, 0).sum(0), told.sum(0)
    return np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], np.nan)
