"""A board as a picture: every kind of cell has a tile of 16 x 16 pixels, drawn here from shapes and nothing else."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.worlds.tasks.tiles import EDGE, FLOOR, SHAPES, TILE


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
        for colour, pixels in SHAPES[word]:
            tile[pixels] = colour
    return tile
