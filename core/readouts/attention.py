"""Attention patterns of a pair's two runs, and how much each attended position then writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.models.attention import AttentionStep, scores
from core.models.load import LoadedModel
from core.patching.base_run import base_run
from core.prompts.pairs import TokenPair, refuse_linked

Which = Literal["clean", "corrupt", "difference"]


@dataclass(frozen=True)
class AttentionPatterns:
    """Attention of both runs of one pair.

    ``clean`` and ``corrupt`` are float32 ``[layer, head, query, key]``, rows sum to 1. ``*_value_norm`` is
    ``[layer, head, key]``: the length of what the head would write if it attended to that key alone.
    """

    clean: np.ndarray
    corrupt: np.ndarray
    clean_value_norm: np.ndarray
    corrupt_value_norm: np.ndarray
    clean_tokens: tuple[str, ...]
    corrupt_tokens: tuple[str, ...]

    def pattern(self, which: Which, *, value_weighted: bool = False) -> np.ndarray:
        """``[layer, head, query, key]``: a run's weights, or clean minus corrupt; value-weighted: each weight
        times the length of what is written from there."""
        if which == "difference":
            return self.pattern("clean", value_weighted=value_weighted) - self.pattern(
                "corrupt", value_weighted=value_weighted
            )
        weights = self.clean if which == "clean" else self.corrupt
        norm = self.clean_value_norm if which == "clean" else self.corrupt_value_norm
        return weights * norm[:, :, None, :] if value_weighted else weights


def attention_patterns(model: LoadedModel, pair: TokenPair) -> AttentionPatterns:
    """Run both prompts of a pair once and read every head's attention."""
    refuse_linked((pair,))
    ids = torch.tensor([pair.clean_ids, pair.corrupt_ids], device=model.device)
    with torch.no_grad():
        steps = base_run(model, ids, ("z",)).heads
        patterns = np.stack([_pattern(step) for step in steps], axis=1)
        norms = np.stack([_value_norm(model, step) for step in steps], axis=1)
    return AttentionPatterns(
        clean=patterns[0],
        corrupt=patterns[1],
        clean_value_norm=norms[0],
        corrupt_value_norm=norms[1],
        clean_tokens=pair.clean_tokens,
        corrupt_tokens=pair.corrupt_tokens,
    )


def _pattern(step: AttentionStep) -> np.ndarray:
    """``[run, head, query, key]``."""
    return scores(step.q, step.k, step.mask, step.scaling, step.softcap).softmax(-1).cpu().numpy()


def _value_norm(model: LoadedModel, step: AttentionStep) -> np.ndarray:
    """``[run, head, key]``: norm of v times the head's slice of the output projection, from projecting one
    head at a time through the projection itself (its bias subtracted)."""
    n_heads, n_kv, d_head = step.q.shape[1], step.v.shape[1], step.q.shape[3]
    project = model.parts.attn_out[step.layer]
    bias = project(step.v.new_zeros(1, n_heads * d_head))
    norms: list[Tensor] = []
    for head in range(n_heads):
        v = step.v[:, head // (n_heads // n_kv)]  # [run, key, d_head]
        alone = v.new_zeros(*v.shape[:2], n_heads * d_head)
        alone[..., head * d_head : (head + 1) * d_head] = v
        norms.append((project(alone) - bias).float().norm(dim=-1))
    return torch.stack(norms, dim=1).cpu().numpy()
