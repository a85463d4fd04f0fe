"""What decides how an agent learns, and which agents learn together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import SpecError
from core.worlds.tasks.world import World


@dataclass(frozen=True)
class Learning:
    """Double DQN's constants, the same for all runs of a row.

    Attributes:
        steps: of the world, all copies together, for each run.
        copies: of the world that a run plays in.
        width: of the hidden layers.
        rate: of Adam.
        gamma: discount a step.
        ahead: rewards of so many steps are summed before Q is asked (n-step return).
        batch: transitions of one learning step.
        memory: transitions kept; the oldest are forgotten.
        warmup: transitions before learning begins.
        every: steps of all copies between learning steps.
        target_every: learning steps between copies of the network into its target.
        exploring: share of training over which exploration falls from 1 to ``floor``, in a straight line.
        floor: share of actions that explore from then on.
        follow: of the exploring actions, the share that does what the proxy goal's script would do, in stretches of
            about ``STRETCH`` steps; the others are uniform. This is an aid to training that must be told wherever its
            agents are shown: in the partner world it makes the agent see what following brings.
        bits: observations hold only 0 and 1, so that memory keeps eight numbers in a byte.
    """

    steps: int = 600_000
    copies: int = 64
    width: int = 128
    rate: float = 7e-4
    gamma: float = 0.95
    ahead: int = 1
    batch: int = 256
    memory: int = 60_000
    warmup: int = 3_000
    every: int = 2
    target_every: int = 150
    exploring: float = 0.3
    floor: float = 0.05
    follow: float = 0.0
    bits: bool = False

    def __post_init__(self) -> None:
        whole = (self.copies, self.width, self.ahead, self.batch, self.every, self.target_every)
        if min(whole) < 1 or self.steps < self.copies:
            raise SpecError("Sizes must be at least 1, and every copy must make a step.", where="learning")
        if not (0 < self.gamma <= 1 and self.rate > 0 and 0 <= self.floor <= 1 and 0 <= self.follow <= 1):
            raise SpecError("The discount, the rate or a share is out of range.", where="learning")
        if not 0 < self.exploring <= 1 or not 0 <= self.warmup <= self.memory or self.memory < self.copies:
            raise SpecError("Exploration or memory is out of range.", where="learning")

    @property
    def rounds(self) -> int:
        """Steps of all copies."""
        return self.steps // self.copies

    def explores(self, done: int) -> float:
        """Share of actions that explore after so many rounds."""
        return max(self.floor, 1 - done / (self.exploring * self.rounds))


@dataclass(frozen=True)
class Run:
    """One agent.

    Attributes:
        world: the class of its world.
        settings: of the world.
        seed: decides its levels, its weights and its exploration.
    """

    world: type[World]
    settings: Any
    seed: int
