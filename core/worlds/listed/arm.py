"""The arm (after JacoRobot of Bobu et al. 2023): seven joints carry a cup over a table with a laptop and a person.

A behaviour is a path of 21 waypoints from one pose to another: a straight line in the joints' angles, bent by half a
sine wave of its own in every joint. A learner sees 97 numbers a waypoint: the angles (7), the links' rotations (7 x 9)
and positions (7 x 3), and where the person and the laptop are (2 x 3). The four features are means along the path:
the hand's height over the table, the height of the cup's unit axis, and the distance in the table's plane to the
laptop and to the person, who needs twice as much room in front as at the sides.

The arm's lengths, the places, the paths and the number of behaviours are choices made here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.worlds.listed.behaviours import Behaviours, behaviours
from core.worlds.listed.kinematics import JOINTS, forward

COUNT, WAYPOINTS, SEED = 500, 21, 17
PERSON, LAPTOP = (1.0, 0.1, 0.0), (0.45, -0.3, 0.0)  # the person looks along -x, at the arm
FRONT = 0.5  # what a metre in front of the person counts, beside one at the side
REACHING = np.array([0, 0.5, 0, 1.4, 0, -0.33, 0])  # over the table, the cup upright
SPREAD = np.array([1.1, 0.45, 0.7, 0.6, 0.8, 0.7, 1.0])  # of both ends around it; a path bends by half as much at most
CLEARANCE = 0.05  # of every link over the table
NAMES = ("height over the table", "cup upright", "distance to the laptop", "room for the person")
_ROTATIONS, _POSITIONS = slice(JOINTS, 10 * JOINTS), slice(10 * JOINTS, 13 * JOINTS)  # of a waypoint's numbers


@lru_cache(maxsize=1)
def arm() -> Behaviours:
    """All behaviours, the same every time."""
    angles = _paths(np.random.default_rng(SEED), COUNT + COUNT // 10)
    positions, rotations = forward(angles.reshape(-1, JOINTS))
    links = positions.reshape(*angles.shape, 3)  # [behaviour, waypoint, joint, 3]
    turned = rotations.reshape(*angles.shape, 3, 3)
    free = np.flatnonzero(links[..., 2].min((1, 2)) > CLEARANCE)[:COUNT]
    angles, links, turned = angles[free], links[free], turned[free]
    objects = np.broadcast_to(np.array([*PERSON, *LAPTOP]), (*angles.shape[:2], 6))
    seen = (part.reshape(*angles.shape[:2], -1) for part in (angles, turned, links, objects))
    raw = np.concatenate(list(seen), axis=-1)
    return behaviours("arm", raw.reshape(len(raw), -1), features_of(links[:, :, -1], turned[:, :, -1]), NAMES)


def features_of(hand: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """The four features [behaviour, feature], in metres but for the cup's, which is 1 where it stands upright.

    Args:
        hand: its position [behaviour, waypoint, 3].
        turned: its rotation [behaviour, waypoint, 3, 3].
    """
    laptop = np.linalg.norm(hand[..., :2] - LAPTOP[:2], axis=-1)
    person = np.linalg.norm((hand[..., :2] - PERSON[:2]) * (FRONT, 1.0), axis=-1)
    return np.stack([hand[..., 2], cup_axis(turned)[..., 2], laptop, person], -1).mean(1)


def cup_axis(turned: np.ndarray) -> np.ndarray:
    """The direction [..., 3] in which the cup's top points, for rotations of the hand [..., 3, 3]."""
    return -turned[..., :, 0]


def links_of(raw: np.ndarray) -> np.ndarray:
    """The links' positions [waypoint, joint, 3] that a behaviour's numbers stand for; the last one is the hand."""
    return raw.reshape(WAYPOINTS, -1)[:, _POSITIONS].reshape(WAYPOINTS, JOINTS, 3)


def cup_of(raw: np.ndarray) -> np.ndarray:
    """The direction [waypoint, 3] in which the cup's top points along a behaviour."""
    return cup_axis(raw.reshape(WAYPOINTS, -1)[:, _ROTATIONS].reshape(WAYPOINTS, JOINTS, 3, 3)[:, -1])


def _paths(rng: np.random.Generator, count: int) -> np.ndarray:
    """Angles [path, waypoint, joint]."""
    start, end = REACHING + SPREAD * rng.uniform(-1, 1, (2, count, 1, JOINTS))
    bend = SPREAD * rng.uniform(-0.5, 0.5, (count, 1, JOINTS))
    passed = np.linspace(0, 1, WAYPOINTS)[:, None]
    return start + (end - start) * passed + bend * np.sin(np.pi * passed)
