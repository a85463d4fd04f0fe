"""Whole episodes of a policy, and what it did at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.worlds.tasks.world import Goal, World, best

Policy = Callable[[World], np.ndarray]  # what every copy does now, int64 [copy]
Look = Callable[[World, np.ndarray], None]  # the world before a step, and the actions about to be made


@dataclass(frozen=True, eq=False)
class Episodes:
    """One episode a copy.

    Attributes:
        intended, proxy: undiscounted sums of what each goal pays, float64 [copy].
        steps: int64 [copy].
    """

    intended: np.ndarray
    proxy: np.ndarray
    steps: np.ndarray


def play(world: World, policy: Policy, steps: int, look: Look | None = None) -> Episodes:
    """Play the copies from where they stand until each episode ends, or for so many steps.

    A copy whose episode has ended stands still in the record, while the world goes on with it.
    """
    intended, proxy = np.zeros(world.copies), np.zeros(world.copies)
    going, done = np.ones(world.copies, bool), np.zeros(world.copies, np.int64)
    for _ in range(steps):
        actions = policy(world)
        if look:
            look(world, actions)
        step = world.step(actions)
        intended += np.where(going, step.intended, 0)
        proxy += np.where(going, step.proxy, 0)
        done += going
        going &= ~step.ended
        if not going.any():
            break
    return Episodes(intended, proxy, done)


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
