"""The worlds of a row: every run plays copies of its own, with random numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.agents.learning import Learning, Run
from core.errors import SpecError
from core.worlds.tasks.world import World, best

STRETCH = 10  # steps after which, on average, exploration draws anew whether it follows

PAID = ("reward", "intended", "proxy", "terminated", "ended")  # fields of a step that a moment holds


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of all runs, arrays [run, copy, ..]: see ``core.worlds.tasks.world.Step``; ``later`` is what each copy
    reached, before those that ended began anew."""

    reward: np.ndarray
    intended: np.ndarray
    proxy: np.ndarray
    terminated: np.ndarray
    ended: np.ndarray
    later: np.ndarray


class Players:
    """Worlds, and what they show.

    Attributes:
        worlds: one a run.
        rngs: of exploration and of drawing from memory, one a run.
        seen: what every copy shows now, float32 [run, copy, number].
        following: which copies would follow if they explored, bool [run, copy].

    Raises:
        SpecError: the worlds show or allow different numbers of things.
    """

    def __init__(self, runs: tuple[Run, ...], learning: Learning):
        self.learning = learning
        self.worlds: list[World] = [
            run.world(run.settings, learning.copies, np.random.default_rng([run.seed, 1])) for run in runs
        ]
        if len({(world.observe().shape[1], len(world.actions)) for world in self.worlds}) != 1:
            raise SpecError(
                "Agents whose worlds show or allow different things cannot learn in one row.",
                where="world",
                next_step="Train them one row after another.",
            )
        self.rngs = [np.random.default_rng([run.seed, 2]) for run in runs]
        self.seen = self._look()
        self.following = np.zeros(self.seen.shape[:2], bool)

    def explore(self, chosen: np.ndarray, share: float) -> np.ndarray:
        """Actions int64 [run, copy]: of the chosen ones, about a share gives way to exploration."""
        actions = chosen.copy()
        for i, (world, rng) in enumerate(zip(self.worlds, self.rngs, strict=True)):
            tries = rng.random(world.copies) < share
            other = rng.integers(0, len(world.actions), world.copies)
            if self.learning.follow:
                other = np.where(self._follows(i), best(world.scores("proxy"), rng), other)
            actions[i, tries] = other[tries]
        return actions

    def step(self, actions: np.ndarray) -> Moment:
        """Step every world, begin the ended episodes anew, look again."""
        steps = [world.step(own) for world, own in zip(self.worlds, actions, strict=True)]
        columns = {name: np.stack([getattr(step, name) for step in steps]) for name in PAID}
        later = self._look()
        self.seen = later.copy()
        for i, (world, step) in enumerate(zip(self.worlds, steps, strict=True)):
            if step.ended.any():
                world.reset(step.ended)
                self.seen[i] = world.observe()
        return Moment(**columns, later=later)

    def _look(self) -> np.ndarray:
        return np.stack([world.observe() for world in self.worlds])

    def _follows(self, run: int) -> np.ndarray:
        """Copies that follow; each now and then begins, or gives it up, so that a share ``follow`` does at any time."""
        rng, share = self.rngs[run], self.learning.follow
        again = rng.random(len(self.following[run])) < 1 / STRETCH
        drawn = rng.random(len(again)) < share
        self.following[run] = np.where(again, drawn, self.following[run])
        return self.following[run]
