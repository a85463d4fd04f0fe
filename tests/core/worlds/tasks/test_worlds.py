"""What holds for every task world: Gymnasium's own check, copies alone or together, states that come back, pictures."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from core.errors import SpecError
from core.worlds.tasks.catalogue import TASKS, Task, find_task
from core.worlds.tasks.examples import EXAMPLES
from core.worlds.tasks.gym import register
from core.worlds.tasks.picture import picture
from core.worlds.tasks.world import GOALS, Step, World, best

register()


def _world(task: Task, copies: int, seed: int = 0) -> World:
    return task.world(task.training, copies, np.random.default_rng(seed))


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def task(request: pytest.FixtureRequest) -> Task:
    task: Task = request.param
    return replace(task, training=replace(task.training, levels=40)) if task.name == "corner" else task


@pytest.mark.filterwarnings("error")
def test_gymnasium_accepts_it(task: Task) -> None:
    check_env(gymnasium.make(f"circuitarium/{task.name}-v0").unwrapped, skip_render_check=True)


@pytest.mark.filterwarnings("error")
def test_copies_under_gymnasium_begin_anew_after_their_end(task: Task) -> None:
    settings = replace(task.training, **({"horizon": 5} if hasattr(task.training, "horizon") else {}))
    envs = gymnasium.make_vec(f"circuitarium/{task.name}-v0", 6, settings=settings, render_mode="rgb_array")
    seen, _ = envs.reset(seed=3)
    envs.action_space.seed(4)
    assert seen in envs.observation_space
    over = np.zeros(6, bool)
    for _ in range(15):
        seen, reward, terminated, truncated, paid = envs.step(envs.action_space.sample())
        assert seen in envs.observation_space
        for nothing in (reward, terminated, truncated, paid["intended"], paid["proxy"]):
            assert not nothing[over].any()
        over = terminated | truncated
    if hasattr(settings, "horizon"):
        assert (envs.unwrapped.world.state.steps[~over] < 5).all()  # type: ignore[attr-defined]
    expected = picture(envs.unwrapped.world.board()[5], task.world.tiles)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(envs.render()[5], expected)  # type: ignore[index]


def test_every_shift_can_be_played(task: Task) -> None:
    for change in task.shifts.values():
        world = task.world(replace(task.training, **change), 8, np.random.default_rng(1))
        seen = world.observe()
        assert seen.dtype == np.float32
        assert (np.abs(seen) <= 1).all()
        assert seen.shape[0] == 8
        for _ in range(20):
            step = world.step(best(world.scores("intended"), world.rng))
            world.reset(step.ended)


class _OneOf:
    """Stands for a generator in a world of one copy: draws for all copies of a batch, gives the row of this one."""

    def __init__(self, seed: int, copies: int, row: int) -> None:
        self.rng, self.copies, self.row = np.random.default_rng(seed), copies, row

    def random(self, shape: Any) -> np.ndarray:
        return self.rng.random(self._all(shape))[[self.row]]

    def integers(self, low: int, high: int, shape: Any) -> np.ndarray:
        return self.rng.integers(low, high, self._all(shape))[[self.row]]

    def _all(self, shape: Any) -> tuple[int, ...]:
        one, *rest = np.atleast_1d(shape)
        assert one == 1
        return (self.copies, *rest)


def test_copies_in_a_batch_are_the_copies_alone(task: Task) -> None:
    for change in task.shifts.values():
        worlds = [
            task.world(replace(task.training, **change), copies, np.random.default_rng(3)) for copies in (3, 1, 1, 1)
        ]
        together, *alone = worlds
        together.rng = np.random.default_rng(4)
        for row, world in enumerate(alone):
            world.rng = _OneOf(4, 3, row)  # type: ignore[assignment]
        for world in worlds:
            world.reset()
        for actions in np.random.default_rng(5).integers(0, len(together.actions), (60, 3)):
            step, steps = together.step(actions), [world.step(actions[[row]]) for row, world in enumerate(alone)]
            for field in fields(Step):
                _same_rows(getattr(step, field.name), [getattr(one, field.name) for one in steps])
            _same_rows(together.observe(), [world.observe() for world in alone])
            for goal in GOALS:
                _same_rows(together.scores(goal), [world.scores(goal) for world in alone])


def _same_rows(together: np.ndarray, alone: list[np.ndarray]) -> None:
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_a_seed_gives_the_same_world_again(task: Task) -> None:
    first, second = _world(task, 4, seed=8), _world(task, 4, seed=8)
    for actions in np.random.default_rng(9).integers(0, len(first.actions), (20, 4)):
        for world in (first, second):
            world.reset(world.step(actions).ended)
        np.testing.assert_array_equal(first.observe(), second.observe())


def test_knobs_turn_settings_of_the_training(task: Task) -> None:
    for knob in task.knobs:
        assert knob.values[0] == getattr(task.training, knob.field)
        for value in knob.values:
            assert task.world(replace(task.training, **{knob.field: value}), 2, np.random.default_rng(0)).copies == 2


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


def test_every_example_says_where_it_is_or_why_not() -> None:
    worlds = {example.world for example in EXAMPLES}
    assert {task.name for task in TASKS} <= worlds
    assert {example.name for example in EXAMPLES if example.world is None} >= {"InstructGPT", "CoinRun"}
    assert all(example.here.startswith("Not here") == (example.world is None) for example in EXAMPLES)


def test_an_unknown_world_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match="no world 'coinrun'") as refused:
        find_task("coinrun")
    assert "corner" in str(refused.value)
