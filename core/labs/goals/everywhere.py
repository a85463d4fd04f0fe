"""What an agent thinks from every place of a board, everything else as it is."""

from __future__ import annotations

import copy
from dataclasses import fields, replace

import numpy as np

from core.agents.agent import Agent
from core.worlds.tasks.world import World


def q_everywhere(world: World, agent: Agent, which: int = 0) -> np.ndarray:
    """Q from every place, float32 [row, column, action]; NaN where a block is.

    Args:
        world: is left as it is.
        which: the copy whose board it is.
    """
    rows, columns = world.board().shape[1:]
    places = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
    state = world.take(slice(which, which + 1))
    many = {field.name: np.repeat(getattr(state, field.name), len(places), axis=0) for field in fields(state)}
    asked = copy.copy(world)  # only its copies and state are changed
    asked.copies, asked.state = len(places), replace(state, **many | {world.mover: places})
    q = agent.q(asked.observe()).reshape(rows, columns, -1).copy()
    if hasattr(state, "blocks"):
        q[state.blocks[0]] = np.nan
    return q
