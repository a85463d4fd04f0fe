"""A film is the episode that ``play`` plays, state by state, and goes on from any of them."""

import numpy as np
import pytest

from core.agents.film import film, standing
from core.agents.play import play, scripted
from core.worlds.tasks.catalogue import TASKS, find_task


def _world(task, copies=1):
    return task.world(task.training, copies, np.random.default_rng(3))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_film_is_what_play_plays_state_by_state(task):
    shot = film(_world(task), scripted("proxy", np.random.default_rng(1)), 12)
    world = _world(task)
    played = play(world, scripted("proxy", np.random.default_rng(1)), 12, note=lambda w: {"board": w.board()})
    np.testing.assert_array_equal(shot.actions, played.actions[:, 0])
    np.testing.assert_array_equal(shot.intended, played.intended[:, 0])
    boards = np.concatenate([one.board() for one in shot.worlds])
    np.testing.assert_array_equal(boards[:-1], played.notes["board"][:, 0])
    np.testing.assert_array_equal(boards[-1], world.board()[0])


def test_filming_leaves_the_world_as_it_is():
    world = _world(find_task("monsters"))
    before = world.board()
    film(world, scripted("proxy", np.random.default_rng(1)), 9)
    np.testing.assert_array_equal(world.board(), before)
    film(world, scripted("proxy", np.random.default_rng(1)), 0)


def test_it_goes_on_from_any_state():
    policy = scripted("proxy", np.random.default_rng(1))
    shot = film(_world(find_task("tree")), policy, 9)
    again = shot.until(4).then(film(shot.worlds[4], policy, 5))
    assert len(again) == len(shot) == 9
    assert len(again.worlds) == 10
    np.testing.assert_array_equal(again.worlds[4].board(), shot.worlds[4].board())
    np.testing.assert_array_equal(again.actions[:4], shot.actions[:4])


def test_a_state_set_apart_is_changed_alone():
    world = _world(find_task("tree"))
    other = standing(world, world.take(slice(0, 1)))
    other.state.trees[0] = False
    assert world.standing() == 10
    assert other.standing() == 0
