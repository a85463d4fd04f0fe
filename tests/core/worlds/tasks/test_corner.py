"""Corner: where training puts the cheese, what a step does, ways against slow search, and both scripts."""

from __future__ import annotations

from collections import deque

import numpy as np

from core.worlds.tasks.corner import FAR, SIZE, Corner, CornerSettings
from core.worlds.tasks.paths import distances
from core.worlds.tasks.world import MOVES, best

UP, RIGHT, DOWN, LEFT = range(4)


def _open(mouse: tuple[int, int], cheese: tuple[int, int], horizon: int = 40) -> Corner:
    world = Corner(CornerSettings(levels=1, horizon=horizon), 1, np.random.default_rng(0))
    world.state.blocks[:] = False
    world.state.mouse[0], world.state.cheese[0] = mouse, cheese
    return world


def _cheese(**settings: float) -> np.ndarray:
    return Corner(CornerSettings(levels=600, **settings), 1, np.random.default_rng(1)).levels[2]  # type: ignore[arg-type]


def test_where_training_puts_the_cheese() -> None:
    assert not _cheese(corner=1).any()
    assert set(_cheese(corner=3).ravel()) == {0, 1, 2}
    assert len(np.unique(_cheese(corner=7), axis=0)) > 40
    mixed = _cheese(corner=1, random_levels=0.1)
    assert 50 <= (mixed.sum(1) > 0).sum() <= 60  # sixty anywhere, few of which happen to be the corner
    assert (_cheese(away=True).sum(1) >= FAR).all()


def test_every_level_can_be_solved_and_begins_off_the_cheese() -> None:
    blocks, mouse, cheese = Corner(CornerSettings(corner=7, levels=300), 1, np.random.default_rng(2)).levels
    left = distances(blocks, cheese)[np.arange(300), mouse[:, 0], mouse[:, 1]]
    assert np.isfinite(left).all()
    assert (left > 0).all()
    assert not blocks[:, 0, 0].any()


def test_ways_against_slow_search() -> None:
    rng = np.random.default_rng(3)
    blocks, targets = rng.random((20, SIZE, SIZE)) < 0.3, rng.integers(0, SIZE, (20, 2))
    blocks[np.arange(20), targets[:, 0], targets[:, 1]] = False
    expected = np.full(blocks.shape, np.inf)
    for copy, target in enumerate(targets):
        queue = deque([(tuple(target), 0)])
        while queue:
            (row, column), moves = queue.popleft()
            inside = 0 <= row < SIZE and 0 <= column < SIZE
            if not inside or blocks[copy, row, column] or expected[copy, row, column] <= moves:
                continue
            expected[copy, row, column] = moves
            queue += [((row + down, column + right), moves + 1) for down, right in MOVES]
    np.testing.assert_array_equal(distances(blocks, targets), expected)


def test_the_corner_pays_the_proxy_once_and_cheese_ends() -> None:
    world = _open((0, 1), (0, 2))
    steps = [world.step(np.array([action])) for action in (LEFT, LEFT, RIGHT, RIGHT)]
    assert [step.proxy[0] for step in steps] == [1, 0, 0, 0]
    assert [step.intended[0] for step in steps] == [0, 0, 0, 1]
    assert [step.terminated[0] for step in steps] == [False, False, False, True]
    assert not steps[-1].truncated[0]


def test_blocks_stop_and_time_cuts_off() -> None:
    world = _open((3, 3), (6, 6), horizon=2)
    world.state.blocks[0, 3, 4] = True
    steps = [world.step(np.array([RIGHT])) for _ in range(2)]
    np.testing.assert_array_equal(world.state.mouse[0], (3, 3))
    assert [step.truncated[0] for step in steps] == [False, True]
    assert not steps[-1].terminated[0]


def test_scripts_reach_what_they_want() -> None:
    for goal in ("intended", "proxy"):
        world = Corner(CornerSettings(away=True, levels=200), 100, np.random.default_rng(4))
        steps = [world.step(best(world.scores(goal), world.rng)) for _ in range(40)]  # type: ignore[arg-type]
        paid = {
            "intended": np.max([step.intended for step in steps], axis=0).mean(),
            "proxy": np.max([step.proxy for step in steps], axis=0).mean(),
        }
        assert paid[goal] > 0.9
