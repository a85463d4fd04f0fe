"""Two readings of a probe's direction in the model itself: which tokens it raises, and what adding it does.

Steering is the causal check. The direction is added to the residual stream at the last token before the answer, at the
probe's layer, and the model runs on from there; only that token has to run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.labs.knowledge.activations import TokenisedPair, continue_from, masks_for
from core.models.load import LoadedModel
from core.patching.forward import logits_at
from core.progress import IsCancelled, Progress
from core.prompts.tokens import token_texts

DOSES = (-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4)  # of the mean length of the residual stream there
ITEMS = 30
RANDOM = 5


@dataclass(frozen=True)
class Reading:
    """Tokens that a direction raises and lowers most, with the change of their logits (centred), strongest first."""

    raised: tuple[tuple[str, float], ...]
    lowered: tuple[tuple[str, float], ...]


def through_unembedding(
    model: LoadedModel, direction: np.ndarray, centre: np.ndarray, *, length: float, top: int = 8
) -> Reading:
    """Logits of ``centre + length · direction`` minus those of ``centre − length · direction``, by the model's own
    final norm and unembedding; both ``[d_model]``."""
    both = np.stack([centre + length * direction, centre - length * direction])
    with torch.no_grad():
        high, low = logits_at(model, torch.from_numpy(both).to(model.device, model.dtype)).float().cpu()
    shift = high - low
    shift = shift - shift.mean()
    sides = []
    for sign in (1, -1):
        values, ids = (sign * shift).topk(top)
        texts = token_texts(ids.tolist(), model.tokenizer)
        sides.append(tuple((text, sign * value) for text, value in zip(texts, values.tolist())))
    return Reading(sides[0], sides[1])


def steer(
    model: LoadedModel,
    pairs: Sequence[TokenisedPair],
    layer: int,
    directions: np.ndarray,
    *,
    cancelled: IsCancelled | None = None,
) -> np.ndarray:
    """Change of the logit difference between the answers (true-label minus false-label), ``[item, direction, dose]``.

    Args:
        pairs: of which the first ``ITEMS`` are taken.
        directions: unit vectors ``[direction, d_model]``.
    """
    units = torch.from_numpy(directions.astype(np.float32)).to(model.device, model.dtype)
    chosen = list(pairs)[:ITEMS]
    masks = masks_for(model, max(len(pair.shared) for pair in chosen))
    progress = Progress(len(chosen), None, cancelled)
    changes = []
    for pair in chosen:
        difference = _doses(model, pair, layer, units, masks).reshape(len(units), len(DOSES))
        changes.append(difference - difference[:, DOSES.index(0.0)][:, None])
        progress.advance(1)
    return np.stack(changes)


def with_random(directions: dict[str, np.ndarray], rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Names and unit vectors ``[direction, d_model]``, five random ones added for comparison."""
    units = [unit / max(float(np.linalg.norm(unit)), 1e-12) for unit in directions.values()]
    random = [unit / np.linalg.norm(unit) for unit in rng.normal(size=(RANDOM, len(units[0])))]
    return [*directions, *(f"random {k + 1}" for k in range(RANDOM))], np.stack([*units, *random])


def steering_table(names: list[str], changes: np.ndarray) -> pd.DataFrame:
    """Rows direction, dose, item, change."""
    index = pd.MultiIndex.from_product([range(len(changes)), names, DOSES], names=["item", "direction", "dose"])
    table = pd.Series(changes.reshape(-1), index=index, name="change").reset_index()
    return table[["direction", "dose", "item", "change"]]


def _doses(model: LoadedModel, pair: TokenisedPair, layer: int, units: Tensor, masks: list[Tensor]) -> np.ndarray:
    """Logit difference between the answers ``[direction * dose]`` of one item."""
    ids = torch.tensor([pair.shared], device=model.device)
    before = continue_from(model, ids[:, :-1], None, masks) if ids.shape[1] > 1 else None
    earlier = before.keys_values if before else None
    plain = continue_from(model, ids[:, -1:], earlier, masks)
    length = plain.last[layer].norm()
    added = (units[:, None] * torch.tensor(DOSES, device=units.device, dtype=units.dtype)[None, :, None]) * length
    added = added.reshape(-1, units.shape[1])
    with _added(model, layer, added):
        run = continue_from(model, ids[:, -1:].expand(len(added), -1), earlier, masks)
    final = run.last[-1] + (added if layer == model.shape.n_layers else 0)
    columns = torch.tensor([pair.endings[0][0], pair.endings[1][0]])
    with torch.no_grad():
        logits = logits_at(model, final, columns).float()
    return (logits[:, 1] - logits[:, 0]).cpu().numpy()


@contextmanager
def _added(model: LoadedModel, layer: int, added: Tensor) -> Any:
    """Add a row's vector to what block ``layer`` reads; nothing for the layer after the last block."""
    if layer == model.shape.n_layers:
        yield
        return
    handle = model.parts.blocks[layer].register_forward_pre_hook(lambda _, args: (args[0] + added[:, None], *args[1:]))
    try:
        yield
    finally:
        handle.remove()
