"""GridRobot: all behaviours, their features worked out by hand, and the two halves."""

import math

import numpy as np
import pytest

from core.errors import SpecError
from core.worlds.listed.catalogue import load_world
from core.worlds.listed.gridrobot import LAPTOP, cells_of, degrees_of, gridrobot


def test_every_behaviour_is_there_once():
    world = gridrobot()
    assert world.raw.shape == (490, 19)
    assert len({tuple(row) for row in world.raw.tolist()}) == 490
    assert {degrees_of(row) for row in world.raw} == {-90, -60, -30, 0, 30, 60, 90}
    for row in world.raw[::7]:
        steps = np.diff(cells_of(row), axis=0)
        assert cells_of(row)[0].tolist() == [0, 0]
        assert cells_of(row)[-1].tolist() == [4, 4]
        assert (steps.sum(1) == 1).all()
        assert (steps >= 0).all()


def test_features_are_mean_distances_and_the_size_of_the_angle():
    world = gridrobot()
    plain = []
    for row in world.raw:
        cells = row[:18].reshape(9, 2) * 4
        plain.append(sum(math.dist(cell, LAPTOP) for cell in cells) / 9)
    low, high = min(plain), max(plain)
    np.testing.assert_allclose(world.features[:, 2], (np.array(plain) - low) / (high - low), atol=1e-6)
    angles = np.abs([degrees_of(row) for row in world.raw]) / 90
    np.testing.assert_allclose(world.features[:, 3], angles, atol=1e-9)
    assert world.features.min() == 0
    assert world.features.max() == 1


def test_the_halves_share_nothing_and_leave_nothing_out():
    world = gridrobot()
    assert sorted([*world.seen, *world.held]) == list(range(490))
    assert len(world.seen) == 245


def test_an_unknown_world_is_refused():
    with pytest.raises(SpecError, match="no world 'moon'"):
        load_world("moon")
