"""Whole episodes of a policy, and what it did at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.worlds.tasks.world import Goal, World, best

Policy = Callable[[World], np.ndarray]  # what every copy does now, int64 [copy]
Note = Callable[[World], dict[str, np.ndarray]]  # anything about every copy before its step, each [copy, ..]


@dataclass(frozen=True, eq=False)
class Episodes:
    """One episode a copy, step by step; arrays are [step, copy], 0 after a copy's end.

    Attributes:
        going: whether the episode had not ended before the step, bool.
        actions: what was done, int64.
        reward, intended, proxy: what training and either goal paid, float32.
        notes: what was noted before the step, by name, each [step, copy, ..].
    """

    going: np.ndarray
    actions: np.ndarray
    reward: np.ndarray
    intended: np.ndarray
    proxy: np.ndarray
    notes: dict[str, np.ndarray]

    @property
    def steps(self) -> np.ndarray:
        """Of each episode, int64 [copy]."""
        return self.going.sum(0)


def play(world: World, policy: Policy, steps: int, note: Note | None = None) -> Episodes:
    """Play the copies from where they stand until each episode ends, or for so many steps."""
    going, rows = np.ones(world.copies, bool), []
    for _ in range(steps):
        notes = note(world) if note else {}
        actions = policy(world)
        step = world.step(actions)
        rows.append((going, actions, *(paid * going for paid in (step.reward, step.intended, step.proxy)), notes))
        going = going & ~step.ended
        if not going.any():
            break
    *columns, noted = zip(*rows, strict=True)
    alive, actions, reward, intended, proxy = (np.stack(column) for column in columns)
    notes = {name: np.stack([now[name] for now in noted]) for name in noted[0]}
    return Episodes(alive, actions, reward, intended, proxy, notes)


def scripted(goal: Goal, rng: np.random.Generator) -> Policy:
    """The policy of a goal's script."""
    return lambda world: best(world.scores(goal), rng)


def at_random(rng: np.random.Generator) -> Policy:
    """Every action alike."""
    return lambda world: rng.integers(0, len(world.actions), world.copies)


def sometimes_random(policy: Policy, share: float, rng: np.random.Generator) -> Policy:
    """Another policy, of whose actions a share is uniform."""

    def act(world: World) -> np.ndarray:
        other = rng.integers(0, len(world.actions), world.copies)
        return np.where(rng.random(world.copies) < share, other, policy(world))

    return act
