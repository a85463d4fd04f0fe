"""Ways on a board with blocks."""

from __future__ import annotations

import numpy as np

from core.worlds.tasks.world import MOVES


def distances(blocks: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Moves from every cell to a target, breadth first in all copies at once.

    Args:
        blocks: bool [copy, row, column], cells that cannot be entered.
        targets: int [copy, 2] as (row, column).

    Returns:
        float64 [copy, row, column]; infinite where no way leads, blocks included.
    """
    copies, rows, columns = blocks.shape
    left = np.full((copies, rows + 2, columns + 2), np.inf)
    left[np.arange(copies), targets[:, 0] + 1, targets[:, 1] + 1] = 0
    inside = left[:, 1:-1, 1:-1]
    while True:
        near = np.min([left[:, 1 + r : rows + 1 + r, 1 + c : columns + 1 + c] for r, c in MOVES], axis=0) + 1
        better = np.where(blocks, np.inf, np.minimum(inside, near))
        if np.array_equal(better, inside):
            return better
        inside[:] = better
