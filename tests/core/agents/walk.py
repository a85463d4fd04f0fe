"""A tiny world with known values: five places in a row, paid at the right end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.worlds.tasks.world import Goal, Step, World

PLACES = 5


@dataclass(frozen=True)
class WalkSettings:
    horizon: int = 20


@dataclass
class WalkState:
    place: np.ndarray
    steps: np.ndarray


class Walk(World[WalkState, WalkSettings]):
    """Left or right; the right end pays 1 and ends the episode. Episodes begin anywhere but there."""

    actions = ("left", "right")
    tiles = ("floor",)

    def fresh(self, count: int) -> WalkState:
        return WalkState(self.rng.integers(0, PLACES - 1, count), np.zeros(count, np.int64))

    def step(self, actions: np.ndarray) -> Step:
        s = self.state
        s.place = np.clip(s.place + 2 * actions - 1, 0, PLACES - 1)
        s.steps = s.steps + 1
        end = s.place == PLACES - 1
        paid = end.astype(np.float32)
        return Step(paid, paid, (s.place == 0).astype(np.float32), end, (s.steps >= self.settings.horizon) & ~end)

    def observe(self) -> np.ndarray:
        return np.eye(PLACES, dtype=np.float32)[self.state.place]

    def scores(self, goal: Goal) -> np.ndarray:
        way = 1.0 if goal == "intended" else -1.0
        return np.tile([-way, way], (self.copies, 1))

    def board(self) -> np.ndarray:
        return np.zeros((self.copies, 1, 1), np.int64)
