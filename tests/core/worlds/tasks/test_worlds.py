"""What holds for every task world: Gymnasium's own check, copies alone or together, states that come back, pictures."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from core.worlds.tasks.catalogue import TASKS, Task
from core.worlds.tasks.gym import register
from core.worlds.tasks.picture import picture
from core.worlds.tasks.world import GOALS, World, best

register()


def _world(task: Task, copies: int, seed: int = 0) -> World:
    return task.world(task.training, copies, np.random.default_rng(seed))


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def task(request: pytest.FixtureRequest) -> Task:
    return request.param


@pytest.mark.filterwarnings("error")
def test_gymnasium_accepts_it(task: Task) -> None:
    check_env(gymnasium.make(f"circuitarium/{task.name}-v0").unwrapped, skip_render_check=True)


def test_every_shift_can_be_played(task: Task) -> None:
    for change in task.shifts.values():
        world = task.world(replace(task.training, **change), 8, np.random.default_rng(1))
        seen = world.observe()
        assert seen.dtype == np.float32 and (np.abs(seen) <= 1).all()
        assert seen.shape[0] == 8
        for _ in range(20):
            step = world.step(best(world.scores("intended"), world.rng))
            world.reset(step.ended)


def test_a_state_that_was_taken_comes_back(task: Task) -> None:
    world, rng = _world(task, 6), np.random.default_rng(2)
    for _ in range(5):
        world.step(rng.integers(0, len(world.actions), 6))
    kept, seen, board = world.take(slice(None)), world.observe(), world.board()
    for _ in range(5):
        world.step(rng.integers(0, len(world.actions), 6))
    world.put(slice(None), kept)
    np.testing.assert_array_equal(world.observe(), seen)
    np.testing.assert_array_equal(world.board(), board)


def test_a_reset_leaves_the_other_copies_alone(task: Task) -> None:
    world = _world(task, 4)
    seen = world.observe()
    world.reset(np.array([False, True, False, False]))
    np.testing.assert_array_equal(world.observe()[[0, 2, 3]], seen[[0, 2, 3]])


def test_goals_score_every_action(task: Task) -> None:
    world = _world(task, 16)
    for goal in GOALS:
        assert world.scores(goal).shape == (16, len(world.actions))
    chosen = best(world.scores("intended"), world.rng)
    assert chosen.shape == (16,)
    assert (chosen < len(world.actions)).all()


def test_every_tile_has_its_own_picture(task: Task) -> None:
    tiles = task.world.tiles
    drawn = [picture(np.full((1, 1), code), tiles) for code in range(len(tiles))]
    for first in range(len(tiles)):
        for second in range(first):
            assert not np.array_equal(drawn[first], drawn[second]), (tiles[first], tiles[second])
