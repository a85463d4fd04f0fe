"""GridRobot (Bobu et al. 2023): a robot's hand crosses a 5 x 5 grid with two obstacles and a laptop.

A behaviour is a monotone path of 9 cells between opposite corners, held at one of 7 angles of the hand: C(8, 4) = 70
paths x 7 angles = 490 behaviours. A learner sees 19 numbers: x and y of each cell, divided by 4, and the angle in
radians. The four features are the mean distance along the path to each object, and the size of the angle.

The places of the objects, and the mean as the distance of a whole path, are choices made here.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np

from core.worlds.listed.behaviours import Behaviours, behaviours

SIZE = 5
MOVES = 2 * (SIZE - 1)
OBSTACLES = ((1, 1), (3, 2))
LAPTOP = (2, 3)
DEGREES = (-90, -60, -30, 0, 30, 60, 90)
NAMES = ("distance to obstacle 1", "distance to obstacle 2", "distance to the laptop", "angle of the hand")


@lru_cache(maxsize=1)
def gridrobot() -> Behaviours:
    """All 490 behaviours; neighbours share a path and differ in the angle."""
    paths = np.array([_path(right) for right in combinations(range(MOVES), MOVES // 2)], dtype=float)
    cells = np.repeat(paths, len(DEGREES), axis=0)  # [behaviour, 9, 2]
    angles = np.tile(np.deg2rad(DEGREES), len(paths))
    objects = np.array([*OBSTACLES, LAPTOP])
    distances = np.linalg.norm(cells[:, :, None] - objects, axis=-1).mean(1)
    raw = np.column_stack([cells.reshape(len(cells), -1) / (SIZE - 1), angles])
    return behaviours("grid", raw, np.column_stack([distances, np.abs(angles)]), NAMES)


def cells_of(raw: np.ndarray) -> np.ndarray:
    """The cells [9, 2] that a behaviour's 19 numbers stand for."""
    return raw[:-1].reshape(-1, 2) * (SIZE - 1)


def degrees_of(raw: np.ndarray) -> int:
    """The angle of the hand."""
    return round(float(np.rad2deg(raw[-1])))


def _path(right: tuple[int, ...]) -> list[tuple[int, int]]:
    """The cells of a path from (0, 0) that goes right at these moves and up at the others."""
    cells = [(0, 0)]
    for move in range(MOVES):
        x, y = cells[-1]
        cells.append((x + 1, y) if move in right else (x, y + 1))
    return cells
