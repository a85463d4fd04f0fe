"""The arm: its kinematics against plain rotation matrices, its numbers, its features, its room over the table."""

import numpy as np
import pytest

from core.worlds.listed.arm import CLEARANCE, LAPTOP, PERSON, arm, cup_of, features_of, links_of
from core.worlds.listed.catalogue import load_world
from core.worlds.listed.kinematics import forward

OFFSETS = (0.1, 0.2, 0.2, 0.2, 0.18, 0.18, 0.16)  # from link to link, along the link before
AXES = "zyzyzyz"


def turn(axis, angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]] if axis == "z" else [[c, 0, s], [0, 1, 0], [-s, 0, c]])


def plain_forward(angles):
    place, turned, places, turns = np.zeros(3), np.eye(3), [], []
    for offset, axis, angle in zip(OFFSETS, AXES, angles):
        place = place + turned @ [0, 0, offset]
        turned = turned @ turn(axis, angle)
        places.append(place)
        turns.append(turned)
    return np.array(places), np.array(turns)


def test_the_kinematics_are_a_product_of_rotation_matrices():
    angles = np.random.default_rng(0).uniform(-2.5, 2.5, (40, 7))
    positions, rotations = forward(angles)
    for pose, turned in enumerate(angles):
        places, turns = plain_forward(turned)
        np.testing.assert_allclose(positions[pose], places, atol=1e-9)
        np.testing.assert_allclose(rotations[pose], turns, atol=1e-9)


def test_at_rest_the_arm_points_straight_up():
    positions, rotations = forward(np.zeros((1, 7)))
    np.testing.assert_allclose(positions[0, :, 2], np.cumsum(OFFSETS), atol=1e-12)
    np.testing.assert_allclose(positions[0, :, :2], 0, atol=1e-12)
    np.testing.assert_allclose(rotations[0], np.broadcast_to(np.eye(3), (7, 3, 3)), atol=1e-12)


def test_a_waypoint_is_angles_rotations_positions_and_places():
    world = arm()
    assert world.raw.shape == (500, 21 * 97)
    assert len({row.tobytes() for row in world.raw}) == 500
    for row in world.raw[::100]:
        for point in row.reshape(21, 97)[::5]:
            places, turns = plain_forward(point[:7].astype(float))
            np.testing.assert_allclose(point[7:], [*turns.ravel(), *places.ravel(), *PERSON, *LAPTOP], atol=1e-5)


def test_features_by_hand():
    turned = np.eye(3)[None, None].repeat(2, 1)
    turned[0, 1] = turn("y", np.pi / 2)  # the hand reaches forward, so that the cup stands upright
    hand = np.array([[[LAPTOP[0], LAPTOP[1], 0.2], [LAPTOP[0] + 0.3, LAPTOP[1] - 0.4, 0.6]]])
    height, upright, laptop, _ = features_of(hand, turned)[0]
    assert (height, upright, laptop) == pytest.approx((0.4, 0.5, 0.25))
    front, side = np.array([[[0.6, 0.1, 0.3]]]), np.array([[[1.0, -0.3, 0.3]]])
    assert features_of(front, turned[:, :1])[0, 3] == pytest.approx(0.2)
    assert features_of(side, turned[:, :1])[0, 3] == pytest.approx(0.4)


def test_features_are_means_of_what_the_numbers_say():
    world = load_world("arm")
    found = np.array([[links_of(row)[:, -1, 2].mean(), cup_of(row)[:, 2].mean()] for row in world.raw])
    scaled = (found - found.min(0)) / np.ptp(found, axis=0)
    np.testing.assert_allclose(world.features[:, :2], scaled, atol=1e-5)
    assert min(links_of(row)[..., 2].min() for row in world.raw) > CLEARANCE - 1e-6
    assert sorted([*world.seen, *world.held]) == list(range(500))


def test_features_are_four_different_things():
    between = np.corrcoef(arm().features.T)[np.triu_indices(4, 1)]
    assert abs(between).max() < 0.3
