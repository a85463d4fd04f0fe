"""Pairs of boards that differ in one thing: where the cheese is. Answer and distractor are actions.

In a pair, one action is the only best way to the cheese of the clean board, another one the only best way to that of
the corrupt board, and every agent given chooses so: an agent that ignores the cheese has no such pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.labs.goals.distill.measure import Scores
from core.labs.goals.distill.prompts import board_tokens, prompt
from core.prompts.pairs import PairSet, PromptPair
from core.worlds.tasks.corner import SIZE, Corner, CornerSettings
from core.worlds.tasks.world import MOVE_NAMES

COUNT, COPIES = 40, 40_000
NAME = "corner_cheese"


def move_cheese(world: Corner, rng: np.random.Generator) -> np.ndarray:
    """Put every copy's cheese on another free cell than its own and the mouse's; bool [copy], where there was one."""
    s, copy = world.state, np.arange(world.copies)
    free = ~s.blocks
    for place in (s.mouse, s.cheese):
        free[copy, place[:, 0], place[:, 1]] = False
    cell = (free.reshape(world.copies, -1) * rng.random((world.copies, SIZE * SIZE))).argmax(1)
    s.cheese = np.stack(np.divmod(cell, SIZE), axis=1)
    return np.asarray(free.any((1, 2)))


def cheese_pairs(agents: Sequence[Scores], *, count: int = COUNT, copies: int = COPIES, seed: int = 0) -> PairSet:
    """The first pairs that all agents solve among random boards."""
    rng = np.random.default_rng(seed)
    world = Corner(CornerSettings(random_levels=1.0, levels=copies), copies, rng)
    clean, answer, sound = board_tokens(world), *_only_best(world)
    moved = move_cheese(world, rng)
    corrupt, distractor, sound_too = board_tokens(world), *_only_best(world)
    usable = np.flatnonzero(moved & sound & sound_too & (answer != distractor))
    for scores in agents:
        solved = (scores(clean[usable]).argmax(1) == answer[usable]) & (
            scores(corrupt[usable]).argmax(1) == distractor[usable]
        )
        usable = usable[solved]
    return PairSet(
        NAME,
        tuple(
            PromptPair(
                prompt(clean[row]),
                prompt(corrupt[row]),
                f" {MOVE_NAMES[answer[row]]}",
                f" {MOVE_NAMES[distractor[row]]}",
                f"cheese-{number:03d}",
            )
            for number, row in enumerate(usable[:count].tolist(), 1)
        ),
    )


def _only_best(world: Corner) -> tuple[np.ndarray, np.ndarray]:
    """The best action to the cheese, and whether it is the only best one and leads there."""
    scores = world.scores("intended")
    ordered = np.sort(scores, axis=1)
    return scores.argmax(1), np.isfinite(ordered[:, -1]) & (ordered[:, -1] > ordered[:, -2])
