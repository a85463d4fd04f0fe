"""Output nodes: which heads and MLPs write the right label into the logits, and whether they are enough.

The net direct effect of a node is its part in the right label's logit minus the mean of its parts in the four labels'
(final norm held at its scale in the run), averaged over prompts that the model answers correctly. The output nodes
are the largest that together hold 80 % of the sum of the positive effects.

Effects of ablating one node are read on the centred logit of the right label and on the loss, patched minus
unpatched. *Direct*: only what the node writes into the final stream is exchanged. *Total*: later layers see the
change, too. The replacement is

    zero      0, which the model has never met: reported, not used to rank
    mean      the node's mean over the prompts
    resample  its output in another prompt whose right label is at another place
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.labs.multiple_choice.inside.runs import LastToken, Measured, measure, runs_of
from core.labs.multiple_choice.questions.tokens import Asked
from core.models.load import LoadedModel
from core.readouts.direct import direct_effects

Ablation = Literal["zero", "mean", "resample"]
ABLATIONS: tuple[Ablation, ...] = ("zero", "mean", "resample")
SHARE = 0.8
KEPT = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096)
RANDOM_ORDERS = 5


def net_direct(model: LoadedModel, asked: Sequence[Asked]) -> np.ndarray:
    """Net direct effect of every node, float32 ``[prompt, layer, head or MLP last]``."""
    found = np.zeros((len(asked), model.shape.n_layers, model.shape.n_heads + 1), np.float32)
    by_length: dict[int, list[int]] = {}
    for i, prompt in enumerate(asked):
        by_length.setdefault(len(prompt), []).append(i)
    for rows in by_length.values():
        ids = torch.tensor([asked[i].ids for i in rows])
        effects = direct_effects(model, ids, torch.tensor([asked[i].label_ids for i in rows]))
        parts = np.concatenate([effects.heads, effects.mlps[..., None, :]], 3)[..., 0]  # [row, label, layer, unit]
        for part, i in zip(parts, rows):
            found[i] = part[asked[i].answer] - part.mean(0)
    return found


def output_nodes(net: np.ndarray, *, share: float = SHARE) -> tuple[np.ndarray, int]:
    """Nodes by falling mean effect, and how many of the first are output nodes.

    Args:
        net: ``[prompt, layer, unit]``.

    Returns:
        flat indices of ``[layer, unit]``, all of them; and the size of the cut.
    """
    mean = net.mean(0).ravel()
    order = np.argsort(-mean, kind="stable")
    positive = np.clip(mean[order], 0, None)
    total = positive.sum()
    return order, int(np.searchsorted(positive.cumsum(), share * total * (1 - 1e-6)) + 1) if total > 0 else 0


@dataclass(frozen=True, eq=False)
class Donors:
    """What replaces a node's output. ``z`` ``[prompt, layer, head, d_head]`` and ``mlp`` ``[prompt, layer, d_model]``
    are every prompt's own; ``other`` ``[prompt]`` names the prompt that each takes its resampled outputs from."""

    z: Tensor
    mlp: Tensor
    other: np.ndarray

    def for_prompt(self, i: int) -> tuple[Tensor, Tensor]:
        """Replacements in the order of ``ABLATIONS``, a case each."""
        j = int(self.other[i])
        z = torch.stack([torch.zeros_like(self.z[i]), self.z.mean(0), self.z[j]])
        mlp = torch.stack([torch.zeros_like(self.mlp[i]), self.mlp.mean(0), self.mlp[j]])
        return z, mlp


def collect_donors(model: LoadedModel, asked: Sequence[Asked], *, seed: int = 0) -> Donors:
    """Run every prompt and keep what its nodes give out at the last token."""
    z: list[Tensor] = [torch.empty(0)] * len(asked)
    mlp: list[Tensor] = [torch.empty(0)] * len(asked)
    for i, last in runs_of(model, asked):
        z[i], mlp[i] = last.z, last.mlp
    return Donors(torch.stack(z), torch.stack(mlp), partners([prompt.answer for prompt in asked], seed=seed))


def partners(answers: Sequence[int], *, seed: int = 0) -> np.ndarray:
    """For each prompt another one, drawn from those whose right place differs; itself where there is none."""
    generator = np.random.default_rng(seed)
    places = np.array(answers)
    return np.array([_drawn(np.flatnonzero(places != place), i, generator) for i, place in enumerate(places)])


def _drawn(among: np.ndarray, otherwise: int, generator: np.random.Generator) -> int:
    return int(generator.choice(among)) if len(among) else otherwise


@dataclass(frozen=True, eq=False)
class Ablated:
    """Effects, patched minus unpatched: float32 ``[prompt, ablation, layer, unit, (direct, total)]`` of the centred
    logit and of the loss."""

    logit: np.ndarray
    loss: np.ndarray


def ablate_each(
    model: LoadedModel, asked: Sequence[Asked], donors: Donors, *, on_prompt: Callable[[], None] | None = None
) -> Ablated:
    """Ablate every node alone, in every prompt, in all three ways."""
    shape = (len(asked), len(ABLATIONS), model.shape.n_layers, model.shape.n_heads + 1, 2)
    logit, loss = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for i, last in runs_of(model, asked):
        z, mlp = donors.for_prompt(i)
        with torch.no_grad():
            direct = last.final.float() + last.written(z, mlp) - last.writes
            streams = torch.stack([direct, last.totals(z, mlp).float()], 3)  # [case, layer, unit, 2, d_model]
            found = measure(model, torch.cat([last.final.float(), streams.flatten(0, 3)]), asked[i])
        centred = found.centred(asked[i].answer)
        logit[i] = (centred[1:] - centred[0]).reshape(shape[1:]).numpy()
        loss[i] = (found.loss[1:] - found.loss[0]).reshape(shape[1:]).numpy()
        if on_prompt is not None:
            on_prompt()
    return Ablated(logit, loss)


@dataclass(frozen=True, eq=False)
class Kept:
    """What is left when only the first ``sizes[k]`` nodes of an order keep what they write and all others write what
    they wrote in another prompt. ``loss`` and ``right`` are ``[prompt, order, size]``; order 0 is the given one, the
    others are random."""

    sizes: tuple[int, ...]
    loss: np.ndarray
    right: np.ndarray


def keep_only(
    model: LoadedModel, asked: Sequence[Asked], donors: Donors, order: np.ndarray, *, cut: int, seed: int = 0
) -> Kept:
    """Sufficiency of the first nodes of an order, and of as many random ones (direct paths only).

    Args:
        order: flat indices of ``[layer, unit]``.
        cut: number of output nodes; one of the sizes.
    """
    generator = np.random.default_rng(seed)
    orders = np.stack([order, *(generator.permutation(order) for _ in range(RANDOM_ORDERS))])
    n = len(order)
    sizes = tuple(sorted({k for k in (*KEPT, cut, n) if k <= n}))
    ranks = torch.tensor(np.argsort(orders, axis=1))  # [order, node]
    kept = (ranks[:, None, :] < torch.tensor(sizes)[None, :, None]).float()  # [order, size, node]
    loss = np.zeros((len(asked), *kept.shape[:2]), np.float32)
    right = np.zeros(loss.shape, bool)
    for i, last in runs_of(model, asked):
        found = _kept(last, donors, i, kept.to(model.device), asked[i])
        loss[i] = found.loss.reshape(loss.shape[1:]).numpy()
        right[i] = (found.logits.argmax(-1) == asked[i].answer).reshape(right.shape[1:]).numpy()
    return Kept(sizes, loss, right)


@torch.no_grad()
def _kept(last: LastToken, donors: Donors, i: int, kept: Tensor, asked: Asked) -> Measured:
    j = int(donors.other[i])
    change = last.written(donors.z[j][None], donors.mlp[j][None])[0] - last.writes  # [layer, unit, d_model]
    streams = last.final.float() + (1 - kept.flatten(0, 1)) @ change.flatten(0, 1)
    return measure(last.model, streams, asked)
