"""The attention of one block, and nothing else of it: queries, keys, values as the block itself computes them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from core.models.attention import AttentionPass, AttentionStep, attention_pass
from core.models.load import LoadedModel


class _Seen(Exception):
    """Carries what the attention computed out of the block."""

    def __init__(self, step: AttentionStep):
        self.step = step


def attention_of(
    model: LoadedModel, layer: int, x: Tensor, kwargs: dict[str, Any], run: AttentionPass
) -> AttentionStep:
    """The attention of a block that reads ``x`` ``[row, position, d_model]``; output projection and MLP are not run.

    Args:
        kwargs: of the block, see ``core.patching.forward.block_kwargs``.
        run: prefix, mask and edits, see ``AttentionPass``; its ``record`` is not called.
    """

    def stop(step: AttentionStep) -> None:
        raise _Seen(step)

    try:
        with attention_pass(AttentionPass(run.prefix, run.mask, run.edits, record=stop)):
            model.parts.blocks[layer](x.contiguous(), **kwargs)
    except _Seen as seen:
        return seen.step
    raise AssertionError("a block without attention is refused when its model is loaded")
