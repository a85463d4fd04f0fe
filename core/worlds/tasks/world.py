"""A task world: many copies of one small simulation, stepped as arrays.

A world knows what is rewarded in training, what was meant (the *intended* goal) and what else the training levels
reward just as well (the *proxy* goal). Each goal is a table of how good every action is now; its scripted policy takes
the best, and how likely it makes an agent's actions is how well it explains them.

State, observations and goals are arrays with the copy in front; random numbers come from the generator given at the
start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

Goal = Literal["intended", "proxy"]
GOALS: tuple[Goal, ...] = ("intended", "proxy")
# Up, right, down, left, as (row, column).
MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
MOVE_NAMES = ("up", "right", "down", "left")


@dataclass(frozen=True, eq=False)
class Step:
    """What one step did to every copy.

    Attributes:
        reward: what training pays, float32 [copy].
        intended, proxy: what each goal would pay, float32 [copy].
        terminated: the episode is over, bool [copy]; nothing follows.
        truncated: the episode was cut off, bool [copy]; the world would go on.
    """

    reward: np.ndarray
    intended: np.ndarray
    proxy: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray

    @property
    def ended(self) -> np.ndarray:
        return self.terminated | self.truncated


StateT = TypeVar("StateT")
SettingsT = TypeVar("SettingsT")


class World(ABC, Generic[StateT, SettingsT]):
    """Copies of one world. ``step`` never begins a new episode: ``reset`` does, for the copies that it is given.

    Args:
        settings: of the world, the same for all copies.
        copies: how many.
        rng: all that is random.
    """

    actions: ClassVar[tuple[str, ...]]
    mover: ClassVar[str]  # the field of ``state`` that holds the agent's place, int64 [copy, 2]
    tiles: ClassVar[tuple[str, ...]]  # names of the numbers in ``board``, drawn by core.worlds.tasks.picture
    state: StateT  # a dataclass of arrays [copy, ...]

    def __init__(self, settings: SettingsT, copies: int, rng: np.random.Generator) -> None:
        self.settings, self.copies, self.rng = settings, copies, rng
        self.prepare()
        self.state = self.fresh(copies)

    def prepare(self) -> None:
        """Make what all episodes share, such as the levels; before the first one."""

    @abstractmethod
    def fresh(self, count: int) -> StateT:
        """The first states of so many new episodes."""

    @abstractmethod
    def step(self, actions: np.ndarray) -> Step:
        """Change the state of every copy by its action, int64 [copy]."""

    @abstractmethod
    def observe(self) -> np.ndarray:
        """What the agent sees, float32 [copy, number], each within -1 and 1."""

    @abstractmethod
    def scores(self, goal: Goal) -> np.ndarray:
        """How good each action is for a goal, float64 [copy, action]; the best action is what its script does."""

    @abstractmethod
    def board(self) -> np.ndarray:
        """What lies in each cell, int64 [copy, row, column], as numbers of ``tiles``."""

    def reset(self, which: np.ndarray | None = None) -> None:
        """Begin new episodes in these copies (bool or int [..]), or in all."""
        index = np.arange(self.copies) if which is None else np.arange(self.copies)[which]
        if len(index):
            self.put(index, self.fresh(len(index)))

    def take(self, which: Any) -> StateT:
        """A copy of the states of these copies."""
        return type(self.state)(**{field: value[which].copy() for field, value in self._arrays()})

    def put(self, which: Any, state: StateT) -> None:
        """Set the states of these copies; what ``take`` gave comes back exactly."""
        for field, value in self._arrays():
            value[which] = getattr(state, field)

    def _arrays(self) -> list[tuple[str, np.ndarray]]:
        return [(field.name, getattr(self.state, field.name)) for field in fields(self.state)]  # type: ignore[arg-type]


def best(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The best action of each row [copy, action] -> [copy], one of them at random where several are."""
    ties = scores >= scores.max(1, keepdims=True) - 1e-9
    return (ties * rng.random(scores.shape)).argmax(1)


def reached(places: np.ndarray, size: int, actions: int = len(MOVES)) -> np.ndarray:
    """Where each action would lead on an open square board, int64 [copy, action, 2]."""
    return np.stack([moved(places, np.full(len(places), action), size) for action in range(actions)], axis=1)


def moved(places: np.ndarray, actions: np.ndarray, size: int) -> np.ndarray:
    """Places [copy, 2] after a move each, kept inside a square board; an action beyond the moves stays."""
    ways = np.concatenate([MOVES, np.zeros((1, 2), dtype=MOVES.dtype)])
    return np.clip(places + ways[np.minimum(actions, len(MOVES))], 0, size - 1)
