"""A board as a picture: every kind of cell has a tile of 16 x 16 pixels, drawn here from shapes and nothing else."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

TILE = 16
Colour = tuple[int, int, int]
FLOOR: Colour = (238, 236, 228)
EDGE: Colour = (214, 210, 198)
BLOCK: Colour = (92, 96, 104)
CHEESE: Colour = (240, 190, 40)
MOUSE: Colour = (86, 90, 160)


def picture(board: np.ndarray, tiles: tuple[str, ...]) -> np.ndarray:
    """The board [row, column] of numbers of ``tiles`` as RGB, uint8 [16 x rows, 16 x columns, 3]."""
    drawn = np.stack([_tile(name) for name in tiles])[board]
    rows, columns = board.shape
    return drawn.transpose(0, 2, 1, 3, 4).reshape(rows * TILE, columns * TILE, 3)


@lru_cache(maxsize=256)
def _tile(name: str) -> np.ndarray:
    """One kind of cell: the shapes of its words, one over the other; "mouse on cheese" is a mouse over cheese."""
    tile = np.broadcast_to(np.array(FLOOR, np.uint8), (TILE, TILE, 3)).copy()
    tile[-1], tile[:, -1] = EDGE, EDGE
    for word in reversed(name.split(" on ")):
        for colour, where in SHAPES[word]:
            tile[where] = colour
    return tile


def _disc(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:TILE, :TILE] + 0.5
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def _box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    where = np.zeros((TILE, TILE), bool)
    where[top:bottom, left:right] = True
    return where


def _wedge() -> np.ndarray:
    """A triangle that stands on its short side, as a piece of cheese does."""
    rows, columns = np.mgrid[:TILE, :TILE]
    return (rows >= 13 - columns * 0.7) & (rows <= 12) & (columns >= 3) & (columns <= 13)


SHAPES: dict[str, list[tuple[Colour, np.ndarray]]] = {
    "floor": [],
    "block": [(BLOCK, _box(0, 0, TILE, TILE)), ((122, 126, 134), _box(1, 1, 3, TILE - 1))],
    "cheese": [(CHEESE, _wedge()), ((196, 146, 20), _disc(10, 8, 1.3) | _disc(8, 11, 1.1))],
    "mouse": [
        (MOUSE, _disc(9, 8, 4.6) | _disc(5, 4.5, 2.2) | _disc(5, 11.5, 2.2)),
        (FLOOR, _disc(8.5, 6.5, 0.9) | _disc(8.5, 9.5, 0.9)),
    ],
}
