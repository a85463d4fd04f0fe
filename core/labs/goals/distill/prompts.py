"""A board as a prompt: one word a cell, row by row, then ``move``; the next word is an action.

    . # . . cheese . . ... mouse ... . move   ->   up

A model of these words is an ordinary causal language model: every page reads its boards.
"""

from __future__ import annotations

import numpy as np

from core.worlds.tasks.corner import SIZE, Corner
from core.worlds.tasks.world import MOVE_NAMES

ASKS = "move"
TILE_WORDS = (".", "#", "cheese", "mouse")  # in the order of Corner.tiles; "mouse on cheese" ends an episode
WORDS = (*TILE_WORDS, ASKS, *MOVE_NAMES)
ACTIONS = slice(len(TILE_WORDS) + 1, len(WORDS))  # their token ids
CELLS = SIZE * SIZE
LENGTH = CELLS + 1


def board_tokens(world: Corner) -> np.ndarray:
    """The prompts of all copies as token ids, int64 [copy, 50]."""
    cells = world.board().reshape(world.copies, CELLS)
    return np.concatenate([cells, np.full((world.copies, 1), WORDS.index(ASKS))], axis=1)


def prompt(tokens: np.ndarray) -> str:
    """Token ids [50] as text."""
    return " ".join(WORDS[token] for token in tokens)
