"""One episode with every state on the way, so that it can be shown, stepped through and gone on with from anywhere."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from core.agents.play import Policy, play
from core.worlds.tasks.world import World


@dataclass(frozen=True, eq=False)
class Film:
    """One copy's episode.

    Attributes:
        worlds: one copy each, as it stood before each step, and after the last.
        actions: what was done, int64 [step].
        intended, proxy: what each goal would have paid, float32 [step].
    """

    worlds: Sequence[World]
    actions: np.ndarray
    intended: np.ndarray
    proxy: np.ndarray

    def __len__(self) -> int:
        return len(self.actions)

    def until(self, step: int) -> Film:
        """The part before a step."""
        return Film(self.worlds[: step + 1], self.actions[:step], self.intended[:step], self.proxy[:step])

    def then(self, later: Film) -> Film:
        """This one, and another that goes on from its last state, edited or not."""
        worlds = [*self.worlds[:-1], *later.worlds]
        pairs = [(getattr(self, name), getattr(later, name)) for name in ("actions", "intended", "proxy")]
        return Film(worlds, *(np.concatenate(pair) for pair in pairs))


def film(world: World, policy: Policy, steps: int) -> Film:
    """Play one copy from where it stands until it ends, or for so many steps.

    Args:
        world: of one copy; it is left as it is, and its chances are drawn anew from a copy of its generator.
        policy: as in ``core.agents.play``.
    """
    played = standing(world, world.take(slice(0, 1)))
    if steps < 1:
        nothing = np.zeros(0, np.float32)
        return Film([played], np.zeros(0, np.int64), nothing, nothing)
    episode = play(played, policy, steps, note=_state)
    notes = episode.notes
    states = [{name: values[step] for name, values in notes.items()} for step in range(len(episode.actions))]
    worlds = [standing(world, type(world.state)(**state)) for state in states]
    return Film([*worlds, played], episode.actions[:, 0], episode.intended[:, 0], episode.proxy[:, 0])


def standing(world: World, state: Any) -> World:
    """A world of its own, of one copy, with the settings and chances of another, as a state says."""
    found = copy.copy(world)
    found.copies, found.state, found.rng = 1, state, copy.deepcopy(world.rng)
    return found


def _state(world: World) -> dict[str, np.ndarray]:
    return {field.name: getattr(world.state, field.name).copy() for field in fields(world.state)}
