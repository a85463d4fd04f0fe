"""The parts of a node's effect: straight to the logits, and through each later block.

Holding a block's write at its base value takes away what passes through it. With E the effect, and E_l the effect
while block l's write is held,

    through block l   E - E_l
    direct            the effect while every later block's write is held

and the same from estimates, with I_l of GradDrop. The parts are not a sum: a path through two blocks is in both. Where
large parts of opposite sign cancel, a small relative error of one is a large error of their sum, and AtP can miss the
node; GradDrop, which averages |I_l|, does not.
"""

from __future__ import annotations

import torch

from core.patching.exact import Batching, Site, enter_block, propagate
from core.patching.forward import block_kwargs
from core.patching.missed.findings import Parts
from core.patching.place import Node
from core.patching.plan import Join
from core.patching.question import Question
from core.progress import Progress


def exact_parts(question: Question, node: Node, pair: int = 0, *, progress: Progress | None = None) -> Parts:
    """One climb in which every row is the same patch, each with another block's write held.

    Args:
        node: q, k, v, z or a neuron, with unit and position.
    """
    model, run, t = question.model, question.run, int(node.position or 0)
    progress, length, n_layers = progress or Progress(0), question.length, model.shape.n_layers
    row = question.base_rows[pair]
    site = Site(model, run, question.donors, row, question.donor_rows[pair], t, Batching.for_model(model, length))
    join = Join(node.layer, node.kind, (int(node.unit or 0),))
    stop = t + 1 if join.stage == 1 else length
    suffix = block_kwargs(model, t, length)
    later = range(node.layer + 1, n_layers)
    with torch.inference_mode():
        entered = run.inputs[0].new_empty(1, length - t, model.shape.d_model)
        enter_block(site, [join], entered, block_kwargs(model, t, stop)[node.layer], stop, progress)
        hidden = entered.repeat(len(later) + 2, 1, 1)  # rows: none held, then each block, then all
        for i, layer in enumerate(later):
            held = [1 + i, len(hidden) - 1]
            still = hidden[held] + (run.inputs[layer + 1] - run.inputs[layer])[row, t:]
            propagate(site, layer, hidden, suffix[layer], progress)
            hidden[held] = still
        base = question.read(pair, run.inputs[-1][row : row + 1, -1])
        effects = (question.read(pair, hidden[:, -1]) - base).float().tolist()
    progress.advance(len(hidden))
    total, *dropped, direct = effects
    return Parts(total, direct, tuple(later), tuple(total - effect for effect in dropped))
