"""Steering: does an agent act on what a probe reads off it?

The last hidden layer is moved along a probe's direction, so that the reading changes by a known amount, everywhere and
at every step; what the agent then does is compared with the same agent moved as far along random directions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from core.agents.agent import Agent
from core.labs.goals.apart.probes import Probe, steered
from core.worlds.tasks.world import World

RANDOM_DIRECTIONS = 5


def action_shares(values: Callable[[World], np.ndarray], world: World) -> np.ndarray:
    """How often each action is the best, float64 [action], in the states of a world's copies."""
    return np.bincount(values(world).argmax(1), minlength=len(world.actions)) / world.copies


def steer(
    agent: Agent, world: World, probe: Probe, number: int, amounts: tuple[float, ...], *, seed: int = 0
) -> pd.DataFrame:
    """Shares of actions under steering, in the states that a world's copies are in.

    Args:
        probe: of the last hidden layer. number: which of its readings is changed.
        amounts: changes of that reading, in its own unit.

    Returns:
        rows amount, direction (``probe``, or ``random 0`` ...), action, share. All directions of one amount are
        equally long.
    """
    direction = probe.direction(number)
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((RANDOM_DIRECTIONS, len(direction)))
    drawn *= np.linalg.norm(direction) / np.linalg.norm(drawn, axis=1, keepdims=True)
    ways = {"probe": direction, **{f"random {i}": way for i, way in enumerate(drawn)}}
    rows = []
    for amount in amounts:
        for name, way in ways.items():
            shares = action_shares(steered(agent, amount * way), world)
            rows += [(amount, name, action, share) for action, share in zip(world.actions, shares, strict=True)]
    return pd.DataFrame(rows, columns=["amount", "direction", "action", "share"])
