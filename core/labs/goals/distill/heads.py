"""What the heads of a distilled agent read from its last token: the corner, the cheese, the mouse.

For boards with the cheese away from the corner, of every head:

    attention   weight of the last token on the cell of the corner, of the cheese and of the mouse, mean over boards;
                a head that looks everywhere alike puts 1/50 on each
    effect      how far the answer moves if the head's output at the last token is that of the same board with the
                cheese elsewhere: KL divergence of the next word, the board's own against patched, mean, in nats

Attention alone is no proof of use, and a head of a later layer may look at a cell that has itself read others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from core.labs.goals.distill.pairs import move_cheese
from core.labs.goals.distill.prompts import board_tokens, prompt
from core.models.load import LoadedModel
from core.patching.exact import node_effects
from core.patching.nodes import all_nodes
from core.patching.question import ask
from core.progress import IsCancelled, OnStep, Progress
from core.prompts.align import align
from core.prompts.pairs import PairSet, PromptPair
from core.readouts.attention import attention_patterns
from core.worlds.tasks.corner import CORNER, SIZE, Corner, CornerSettings
from core.worlds.tasks.world import MOVE_NAMES

CELL_NAMES = ("corner", "cheese", "mouse")
BOARDS = 100


@dataclass(frozen=True, eq=False)
class HeadReadings:
    """Means over boards.

    Attributes:
        attention: float64 [layer, head, cell], cells in the order of ``CELL_NAMES``.
        effect: float64 [layer, head], nats.
        gap: the same divergence between the two whole boards, which no head exceeds by much.
        boards: how many.
    """

    attention: np.ndarray
    effect: np.ndarray
    gap: float
    boards: int

    def table(self) -> pd.DataFrame:
        """Rows layer, head, corner, cheese, mouse, effect."""
        layers, heads = self.effect.shape
        layer, head = (grid.ravel() for grid in np.mgrid[:layers, :heads])
        cells = {name: self.attention[..., i].ravel() for i, name in enumerate(CELL_NAMES)}
        return pd.DataFrame({"layer": layer, "head": head, **cells, "effect": self.effect.ravel()})


def read_heads(
    model: LoadedModel,
    *,
    boards: int = BOARDS,
    seed: int = 0,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> HeadReadings:
    """Measure every head of a model that ``distill`` made, on boards drawn from the seed."""
    pairs, cells = boards_with_the_cheese_moved(boards, np.random.default_rng(seed))
    aligned = align(pairs, model.tokenizer).pairs
    question = ask(model, aligned, kinds=("z",), metric="kl", direction="noising")
    nodes = all_nodes(("z",), model.shape, question.length - 1, question.length)
    progress = Progress(boards, on_step, cancelled)
    attention = np.zeros((boards, model.shape.n_layers, model.shape.n_heads, len(CELL_NAMES)))
    effect = np.zeros((boards, len(nodes)))
    for i, pair in enumerate(aligned):
        attention[i] = attention_patterns(model, pair).clean[:, :, -1, cells[i]]
        effect[i] = node_effects(
            model,
            question.run,
            nodes,
            base_row=question.base_rows[i],
            donor_row=question.donor_rows[i],
            start=question.starts[i],
            read=partial(question.read, i),
        )
        progress.advance(1)
    gap = float(np.mean(question.values[boards:]) - np.mean(question.values[:boards]))
    return HeadReadings(attention.mean(0), effect.mean(0).reshape(attention.shape[1:3]), gap, boards)


def boards_with_the_cheese_moved(count: int, rng: np.random.Generator) -> tuple[PairSet, np.ndarray]:
    """Boards with the cheese away and nothing in the corner, each beside itself with the cheese elsewhere.

    Returns:
        the pairs (their answers are any two actions: the divergence reads neither), and for each clean board the
        positions of ``CELL_NAMES``, int64 [board, cell].
    """
    world = Corner(CornerSettings(away=True, levels=4 * count), 4 * count, rng)
    away = (world.state.mouse != CORNER).any(1)
    places = (np.broadcast_to(CORNER, world.state.mouse.shape), world.state.cheese, world.state.mouse)
    cells = np.stack([place[:, 0] * SIZE + place[:, 1] for place in places], axis=1)
    clean = board_tokens(world)
    rows = np.flatnonzero(away & move_cheese(world, rng))[:count]
    corrupt = board_tokens(world)
    answer, distractor = (f" {name}" for name in MOVE_NAMES[:2])
    pairs = [PromptPair(prompt(clean[row]), prompt(corrupt[row]), answer, distractor) for row in rows]
    return PairSet("cheese moved", tuple(pairs)), cells[rows]
