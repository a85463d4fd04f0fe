"""How well the pupil took over the teacher's policy: the same choice, and the same behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.labs.goals.distill.network import Parameters, Size, logits
from core.labs.goals.distill.prompts import ACTIONS, board_tokens
from core.labs.goals.distill.states import PARTS, States, Teacher
from core.worlds.tasks.corner import Corner, CornerSettings
from core.worlds.tasks.world import best

STRAYS = 0.05  # share of random moves while behaviour is measured, so that nobody runs against a wall for ever
CALL = 500  # boards in one call
Scores = Callable[[np.ndarray], np.ndarray]  # of token ids [board, 50], values [board, action]


@dataclass(frozen=True)
class Agreement:
    """Shares of boards on which the pupil chooses as the teacher does.

    Attributes:
        clear: of boards where the teacher's best two actions differ clearly; ``by_part`` of those of each part.
        all: of all boards.
        share_clear: of boards that are clear.
        boards: how many, in all.
    """

    clear: float
    by_part: dict[str, float]
    all: float
    share_clear: float
    boards: int


@dataclass(frozen=True)
class Behaviour:
    """Shares of episodes that reach the cheese, and that visit the corner; the number of episodes."""

    cheese: float
    corner: float
    episodes: int


def pupil_scores(weights: Parameters, size: Size) -> Scores:
    """The pupil's logits of the four actions."""

    @torch.no_grad()
    def scores(tokens: np.ndarray) -> np.ndarray:
        calls = torch.from_numpy(tokens).long().split(CALL)
        return torch.cat([logits(weights, call, size)[:, ACTIONS] for call in calls]).numpy()

    return scores


def agreement(scores: Scores, states: States) -> Agreement:
    """Compare choices on boards that the pupil was not trained on."""
    same, clear = scores(states.tokens).argmax(1) == states.values.argmax(1), states.clear
    by_part = {name: float(same[clear & (states.part == number)].mean()) for number, name in enumerate(PARTS)}
    return Agreement(float(same[clear].mean()), by_part, float(same.mean()), float(clear.mean()), len(states))


def as_policy(scores: Scores) -> Teacher:
    """The pupil as a teacher is: values of every copy of a world."""
    return lambda world: scores(board_tokens(world))


def behave(values: Teacher, settings: CornerSettings, episodes: int, seed: int) -> Behaviour:
    """One episode on each of so many levels, the best action but for a few random moves."""
    rng = np.random.default_rng(seed)
    world = Corner(replace(settings, levels=episodes), episodes, rng)
    cheese, over = np.zeros(episodes, bool), np.zeros(episodes, bool)
    corner = np.zeros(episodes, bool)
    for _ in range(settings.horizon):
        strays, drawn = rng.random(episodes) < STRAYS, rng.integers(0, len(world.actions), episodes)
        step = world.step(np.where(strays, drawn, best(values(world), rng)))
        corner |= ~over & world.state.visited
        cheese |= ~over & step.terminated
        over |= step.ended
    return Behaviour(float(cheese.mean()), float(corner.mean()), episodes)
