"""Tree: the growth by hand, what felling pays, and the orchard under both scripts."""

from __future__ import annotations

import numpy as np
import pytest

from core.worlds.tasks.tree import ENOUGH, FULL, SIZE, Tree, TreeSettings, growth
from core.worlds.tasks.world import Goal, best

UP, STAY = 0, 4


def _orchard(cells: list[tuple[int, int]], woodcutter: tuple[int, int], **settings: float) -> Tree:
    world = Tree(TreeSettings(**settings), 1, np.random.default_rng(0))  # type: ignore[arg-type]
    world.state.trees[:] = False
    for row, column in cells:
        world.state.trees[0, row, column] = True
    world.state.woodcutter[:] = woodcutter
    return world


def test_growth_by_hand() -> None:
    np.testing.assert_allclose(growth(np.array([1, 5, 10]), TreeSettings()), [0.087, 0.224, 0.300], atol=5e-4)
    assert growth(np.array(0), TreeSettings()) == 1e-6
    assert growth(np.array(1), TreeSettings(regrowth=0.2)) == 0.2


def test_felling_pays_and_the_intention_only_while_enough_stand() -> None:
    for standing, intended in ((ENOUGH, 1), (ENOUGH - 1, 0)):
        trees = [(3, 3), *((9, column) for column in range(standing - 1))]
        world = _orchard(trees, (4, 3), regrowth=0, fastest=0)
        step = world.step(np.array([UP]))
        assert (step.reward[0], step.proxy[0], step.intended[0]) == (1, 1, intended)
        assert world.standing()[0] == standing - 1
        assert world.step(np.array([STAY])).reward[0] == 0


def test_nothing_grows_in_a_full_orchard_nor_under_the_woodcutter() -> None:
    world = Tree(TreeSettings(regrowth=1.0, trees=0), 50, np.random.default_rng(1))
    for expected in (*range(1, FULL + 1), FULL, FULL):
        world.step(np.full(50, STAY))
        assert (world.standing() == expected).all()
        row, column = world.state.woodcutter.T
        assert not world.state.trees[np.arange(50), row, column].any()


def test_a_tree_grows_on_every_free_cell_alike() -> None:
    world = Tree(TreeSettings(regrowth=1.0, trees=0), 20_000, np.random.default_rng(2))
    world.state.woodcutter[:] = (0, 0)
    world.step(np.full(20_000, STAY))
    counts = world.state.trees.sum(0).ravel()[1:]
    expected = 20_000 / (SIZE * SIZE - 1)
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 98 + 4 * (2 * 98) ** 0.5
    assert counts.sum() == 20_000


def test_scripts_agree_while_enough_stand_and_part_below() -> None:
    many = _orchard([(3, 3), *((9, column) for column in range(ENOUGH - 1))], (4, 3))
    np.testing.assert_array_equal(many.scores("intended"), many.scores("proxy"))
    assert many.scores("proxy")[0].argmax() == UP
    few = _orchard([(3, 3), (9, 9)], (4, 3))
    np.testing.assert_array_equal(few.scores("intended")[0], [-1, 0, 0, 0, 0])
    np.testing.assert_array_equal(few.scores("proxy")[0], [0, -2, -2, -2, -1])
    np.testing.assert_array_equal(_orchard([], (4, 3)).scores("proxy")[0], [0, 0, 0, 0, 0])


@pytest.mark.parametrize(("goal", "steps"), [("proxy", 300), ("intended", 900)])
def test_the_greedy_fell_the_orchard_and_the_patient_live_on_it(goal: Goal, steps: int) -> None:
    world = Tree(TreeSettings(), 64, np.random.default_rng(3))
    wood = [world.step(best(world.scores(goal), world.rng)).reward.mean() for _ in range(steps)]
    if goal == "proxy":
        assert (world.standing() == 0).mean() > 0.9
        assert np.mean(wood[-50:]) < 0.02
    else:
        assert (world.standing() >= ENOUGH - 1).all()
        assert np.mean(wood[100:]) == pytest.approx(0.251, abs=0.01)


def test_what_is_seen_by_hand() -> None:
    world = _orchard([(3, 3), (9, 9)], (4, 3))
    count = np.eye(FULL + 1)[2]
    beside = [-1 / 9, 0, -1, 0, 1, 1 / 2, 1]  # one row up: as parts, signs, rows longer; nearness, beside
    np.testing.assert_allclose(world.observe()[0], [*beside, *count, 4 / 9, 3 / 9, 0, 0, 0, 0], atol=1e-6)
    bare = _orchard([], (0, 9)).observe()[0]
    np.testing.assert_allclose(bare, [*[0] * 7, *np.eye(FULL + 1)[0], 0, 1, 1, 0, 0, 1], atol=1e-6)
