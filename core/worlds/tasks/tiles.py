"""What the words of a tile look like: shapes of 16 x 16 pixels in colours that most eyes tell apart (Okabe, Ito 2008).

Where colours alone would tell things apart, such as the four spheres, marks do so too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TILE = 16
Colour = tuple[int, int, int]
Shapes = list[tuple[Colour, np.ndarray]]
FLOOR: Colour = (238, 236, 228)
EDGE: Colour = (214, 210, 198)
BLOCK: Colour = (92, 96, 104)
CHEESE: Colour = (240, 190, 40)
AGENT: Colour = (66, 70, 140)
DARK: Colour = (40, 42, 50)
WHITE: Colour = (255, 255, 255)
ORANGE: Colour = (230, 159, 0)
SKY: Colour = (86, 180, 233)
GREEN: Colour = (0, 158, 115)
VERMILION: Colour = (213, 94, 0)
PURPLE: Colour = (204, 121, 167)
WOOD: Colour = (120, 82, 48)
RED: Colour = (190, 40, 50)

ROWS, COLUMNS = np.mgrid[:TILE, :TILE] + 0.5


def where(inside: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Pixels bool [16, 16] whose middle (row, column) lies inside."""
    return inside(ROWS, COLUMNS)


def disc(row: float, column: float, radius: float) -> np.ndarray:
    """Round, with its middle at a point in pixels."""
    return (ROWS - row) ** 2 + (COLUMNS - column) ** 2 <= radius**2


def box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    """A rectangle, without its last row and column."""
    inside = np.zeros((TILE, TILE), bool)
    inside[top:bottom, left:right] = True
    return inside


def _sphere(colour: Colour, mark: np.ndarray) -> Shapes:
    return [(DARK, disc(8, 8, 7.2)), (colour, disc(8, 8, 6.3)), (WHITE, mark)]


def _person(colour: Colour) -> Shapes:
    """A head over shoulders, outlined in white so that it stands out from what it stands on."""
    shoulders = disc(14, 8, 4.4) & (ROWS < 14)
    outline = disc(5, 8, 3.8) | (disc(14, 8, 5.4) & (ROWS < 15))
    return [(WHITE, outline), (colour, disc(5, 8, 2.9) | shoulders)]


HEATER = where(lambda r, c: (abs(c - 8) <= 5.5) & (r >= 2) & (r <= 14 - (c - 8) ** 2 * 0.22))
INNER = where(lambda r, c: (abs(c - 8) <= 4.3) & (r >= 3.3) & (r <= 12.5 - (c - 8) ** 2 * 0.24))
SMALL = where(lambda r, c: (abs(c - 12) <= 3) & (r >= 8) & (r <= 15 - (c - 12) ** 2 * 0.3))
AXE = where(lambda r, c: (abs(r + c - 22) <= 1) & (r >= 6) & (r <= 14))
BLADE = disc(6.5, 14, 2.6) & (COLUMNS > 11.5)

SHAPES: dict[str, Shapes] = {
    "floor": [],
    "block": [(BLOCK, box(0, 0, TILE, TILE)), ((122, 126, 134), box(1, 1, 3, TILE - 1))],
    "cheese": [
        (CHEESE, where(lambda r, c: (r >= 13.85 - c * 0.7) & (r < 13) & (c > 3) & (c < 14))),
        ((196, 146, 20), disc(10, 8, 1.3) | disc(8, 11, 1.1)),
    ],
    "mouse": [
        (AGENT, disc(9, 8, 4.6) | disc(5, 4.5, 2.2) | disc(5, 11.5, 2.2)),
        (FLOOR, disc(8.5, 6.5, 0.9) | disc(8.5, 9.5, 0.9)),
    ],
    "tree": [
        (WOOD, box(10, 7, 15, 9)),
        (GREEN, disc(5, 8, 4.2) | disc(8, 5.2, 3.6) | disc(8, 10.8, 3.6)),
        ((90, 200, 160), disc(4.5, 7, 1.4)),
    ],
    "woodcutter": [*_person(VERMILION), (WOOD, AXE), (DARK, BLADE)],
    "sphere 1": _sphere(ORANGE, box(7, 4, 9, 12)),
    "sphere 2": _sphere(SKY, box(4, 7, 12, 9)),
    "sphere 3": _sphere(GREEN, box(7, 4, 9, 12) | box(4, 7, 12, 9)),
    "sphere 4": _sphere(PURPLE, disc(8, 8, 3.8) & ~disc(8, 8, 2)),
    "learner": _person(AGENT),
    "partner": [
        (WHITE, where(lambda r, c: (r >= 1) & (r < 16) & (abs(c - 8) <= r * 0.5 + 0.5))),
        (DARK, where(lambda r, c: (r >= 2) & (r < 15) & (abs(c - 8) <= (r - 1) * 0.52))),
    ],
    "apple": [
        (RED, disc(9.6, 5.9, 4.4) | disc(9.6, 10.1, 4.4)),
        (WOOD, box(2, 7, 7, 9)),
        (GREEN, disc(3.5, 10.5, 1.8)),
    ],
    "shield": [(DARK, HEATER), (SKY, INNER), (WHITE, INNER & (box(6, 0, 8, TILE) | box(0, 7, TILE, 9)))],
    "monster": [
        (WHITE, (disc(6, 8, 5.9) | box(6, 2, 13, 14)) & (ROWS < 13)),
        (PURPLE, disc(6, 8, 5) | box(6, 3, 10, 13) | box(10, 3, 12, 5) | box(10, 7, 12, 9) | box(10, 11, 12, 13)),
        (WHITE, disc(6, 6, 1.6) | disc(6, 10, 1.6)),
        (DARK, box(6, 6, 7, 7) | box(6, 9, 7, 10)),
    ],
    "hero": _person(AGENT),
    "hero with shield": [*_person(AGENT), (WHITE, disc(11, 12, 4.2) & (COLUMNS > 8.5)), (SKY, SMALL)],
}
