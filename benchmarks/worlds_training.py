"""The corner agent's training against stable-baselines3's DQN: equal steps of the world, equal network, one run.

Both learn in *corner* with two hidden layers of 128, the same rate, discount, memory and exploration. ``as it comes``:
one copy, a learning step of 32 transitions every 4 steps, as that library sets them. ``matched``: 64 copies and a
learning step of 256 transitions every two of theirs, as here, so that the learning costs as much and the rest is the
world's. Seconds are of the process; ratios are medians of alternating turns. It is needed for nothing else: ``pip
install stable-baselines3``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from core.agents.learning import Run
from core.agents.train import train
from core.labs.goals.presets import PRESETS
from core.worlds.tasks.corner import Corner, CornerSettings
from core.worlds.tasks.gym import register

STEPS, TURNS, LEVELS = 12_800, 3, 100  # few levels, so that making them in every copy of theirs hardly counts
LEARNING = replace(PRESETS["corner"]["small"].learning, steps=STEPS)


def training() -> dict[str, Any]:
    """Seconds of each, and how many times as fast ours is."""
    try:
        import stable_baselines3  # noqa: F401
    except ImportError as missing:
        raise SystemExit(
            "This part trains stable-baselines3's DQN too. Next step: pip install stable-baselines3."
        ) from missing
    register()
    torch.set_num_threads(1)
    turns = [tuple(map(_seconds, (_ours, _as_it_comes, _matched))) for _ in range(TURNS)]
    return {
        "steps": STEPS,
        "ours_s": round(statistics.median(ours for ours, _, _ in turns), 2),
        "as_it_comes_s": round(statistics.median(theirs for _, theirs, _ in turns), 2),
        "matched_s": round(statistics.median(theirs for _, _, theirs in turns), 2),
        "times_as_fast_as_it_comes": round(statistics.median(theirs / ours for ours, theirs, _ in turns), 2),
        "times_as_fast_matched": round(statistics.median(theirs / ours for ours, _, theirs in turns), 2),
    }


def _seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _ours() -> None:
    train((Run(Corner, CornerSettings(levels=LEVELS), 0),), LEARNING, points=1)


def _as_it_comes() -> None:
    _theirs(1, {"train_freq": 4, "batch_size": 32})


def _matched() -> None:
    _theirs(LEARNING.copies, {"train_freq": LEARNING.every, "batch_size": LEARNING.batch})


def _theirs(copies: int, often: dict[str, int]) -> None:
    from stable_baselines3 import DQN
    from stable_baselines3.common.env_util import make_vec_env

    world = {"settings": CornerSettings(levels=LEVELS), "disable_env_checker": True}
    envs = make_vec_env("circuitarium/corner-v0", copies, seed=0, env_kwargs=world)
    agent = DQN(
        "MlpPolicy",
        envs,
        learning_rate=LEARNING.rate,
        gamma=LEARNING.gamma,
        buffer_size=LEARNING.memory,
        learning_starts=LEARNING.warmup,
        exploration_fraction=LEARNING.exploring,
        exploration_final_eps=LEARNING.floor,
        policy_kwargs={"net_arch": [LEARNING.width, LEARNING.width]},
        device="cpu",
        seed=0,
        **often,
    )
    agent.learn(STEPS)
