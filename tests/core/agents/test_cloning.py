"""Episodes of policies against a loop; a clone does what was shown."""

import numpy as np
import pytest

from core.agents.cloning import clone, shown
from core.agents.net import Net
from core.agents.play import at_random, play, scripted, sometimes_random
from core.errors import SpecError
from tests.core.agents.walk import Walk, WalkSettings


def _walk(copies: int, horizon: int = 20) -> Walk:
    return Walk(WalkSettings(horizon), copies, np.random.default_rng(0))


def test_an_episode_ends_once():
    world = _walk(50)
    left = 4 - world.state.place
    episodes = play(world, scripted("intended", world.rng), 20)
    np.testing.assert_array_equal(episodes.steps, left)
    np.testing.assert_array_equal(episodes.intended.sum(0), 1)
    assert episodes.notes == {}
    world = _walk(50, horizon=7)
    place = world.state.place.copy()
    episodes = play(world, scripted("proxy", world.rng), 20, note=lambda world: {"place": world.state.place})
    np.testing.assert_array_equal(episodes.steps, 7)
    np.testing.assert_array_equal(episodes.proxy.sum(0), 7 - np.maximum(place - 1, 0))
    np.testing.assert_array_equal(episodes.notes["place"][:5], np.maximum(place - np.arange(5)[:, None], 0))


def test_a_share_of_random_actions():
    world, rng = _walk(4000), np.random.default_rng(1)
    assert at_random(rng)(world).mean() == pytest.approx(0.5, abs=0.03)
    mixed = sometimes_random(scripted("intended", rng), 0.2, rng)(world)
    assert mixed.mean() == pytest.approx(0.9, abs=0.02)


def test_a_clone_of_the_script():
    world, rng = _walk(32), np.random.default_rng(1)
    seen, done = shown(world, scripted("proxy", rng), 20)
    assert seen.shape == (20 * 32, 5)
    agent = clone(seen, done, Net(5, 2, 16), steps=100, batch=64)
    fresh = _walk(200, horizon=8)
    expected = 8 - np.maximum(fresh.state.place - 1, 0)
    np.testing.assert_array_equal(play(fresh, agent, 20).proxy.sum(0), expected)
    with pytest.raises(SpecError, match="do not fit"):
        clone(seen, done, Net(4, 2, 8))
    with pytest.raises(SpecError, match="one at least"):
        clone(seen[:0], done[:0], Net(5, 2, 8))
