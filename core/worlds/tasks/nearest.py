"""Things on an open board: where the nearest one lies, as an agent sees it and as a goal counts it.

Everything is a number of moves, since moves go along rows and columns.
"""

from __future__ import annotations

import numpy as np

from core.worlds.tasks.world import moved


def length(towards: np.ndarray) -> np.ndarray:
    """Moves of ways given as (rows, columns), int [..., 2] -> int [...]."""
    far = np.abs(towards)
    return far[..., 0] + far[..., 1]


def same(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether two places are one, int [..., 2] each -> bool [...]."""
    return (places[..., 0] == others[..., 0]) & (places[..., 1] == others[..., 1])


def nearest(towards: np.ndarray, there: np.ndarray | bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of some things, the first of several.

    Args:
        towards: int [copy, thing, 2], where each lies from the agent, as (rows, columns).
        there: bool [copy, thing], which of them exist.

    Returns:
        Its ``towards`` int [copy, 2] and the moves to it float64 [copy]; (0, 0) and infinity where none exists.
    """
    moves = np.where(there, length(towards), np.inf)
    copy, first = np.arange(len(towards)), moves.argmin(1)
    left = moves[copy, first]
    return np.where(np.isfinite(left)[:, None], towards[copy, first], 0), left


def direction(towards: np.ndarray, size: int) -> np.ndarray:
    """How an agent sees a way, float64 [..., 5]: as parts of the board, its signs, whether rows are the longer part."""
    far = np.abs(towards)
    return np.concatenate([towards / (size - 1), np.sign(towards), far[..., :1] > far[..., 1:]], axis=-1)


def moves_after(
    place: np.ndarray, things: np.ndarray, size: int, *, actions: int = 4, there: np.ndarray | bool = True
) -> np.ndarray:
    """Moves to the nearest thing after each action, float64 [copy, action]; zeros where no thing exists.

    Args:
        place: of the agent, int [copy, 2].
        things: their places, int [copy, thing, 2].
        size: of the board.
        actions: four moves, or five with staying.
        there: bool [copy, thing], which things exist.
    """
    reached = np.stack([moved(place, np.full(len(place), action), size) for action in range(actions)], axis=1)
    moves = length(reached[:, :, None] - things[:, None])
    left = np.where(np.broadcast_to(there, things.shape[:2])[:, None], moves, np.inf).min(2)
    return np.where(np.isfinite(left), left, 0.0)
