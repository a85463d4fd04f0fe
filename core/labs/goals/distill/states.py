"""Boards and what the teacher thinks of them: from its own behaviour, and at random.

A third of the boards come from the training distribution, a third from levels with the cheese away, a third from
levels with the cheese anywhere. The copies follow the teacher, but for one move in five at random, so that the pupil
also learns what to do after a mistake; one in ten begins anew at every step, so that few boards repeat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.labs.goals.distill.prompts import board_tokens
from core.worlds.tasks.corner import Corner, CornerSettings
from core.worlds.tasks.world import MOVES, best

Teacher = Callable[[Corner], np.ndarray]  # how good each action is, [copy, action]
PARTS: dict[str, dict[str, Any]] = {"training": {}, "away": {"away": True}, "anywhere": {"random_levels": 1.0}}
STRAYS, RESTARTS = 0.2, 0.1  # shares of random moves, and of copies that begin anew
COPIES, LEVELS = 2000, 30_000
# A wasted move and the way back cost 1 - .95^2, a tenth of what is still to be had. Half of that is a clear choice.
CLEAR = 0.05


@dataclass(frozen=True, eq=False)
class States:
    """Boards with the teacher's values.

    Attributes:
        tokens: int8 [board, 50].
        values: float32 [board, action].
        part: int8 [board], number in ``PARTS``.
    """

    tokens: np.ndarray
    values: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def clear(self) -> np.ndarray:
        """Where the teacher's best two actions differ by at least ``CLEAR``, bool [board]."""
        second, first = np.sort(self.values, axis=1)[:, -2:].T
        return first - second >= CLEAR


def gather(teacher: Teacher, settings: CornerSettings, count: int, rng: np.random.Generator) -> States:
    """Boards that the teacher met, in no order.

    Args:
        settings: of its training.
        count: boards, about; each part gives as many whole steps of its copies as that needs.
    """
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    copies = min(COPIES, max(1, count // len(PARTS)))
    for number, change in enumerate(PARTS.values()):
        world = Corner(replace(settings, levels=LEVELS if count > LEVELS else count, **change), copies, rng)
        for _ in range(-(-count // (copies * len(PARTS)))):
            values = teacher(world)
            kept.append((board_tokens(world).astype(np.int8), values, np.full(copies, number, np.int8)))
            strays = rng.random(copies) < STRAYS
            actions = np.where(strays, rng.integers(0, len(MOVES), copies), best(values, rng))
            world.reset(world.step(actions).ended | (rng.random(copies) < RESTARTS))
    tokens, values, part = (np.concatenate(column) for column in zip(*kept, strict=True))
    order = rng.permutation(len(tokens))
    return States(tokens[order], values[order].astype(np.float32), part[order])
