"""Forwards of many prompts, and of their last token again with something changed.

Everything here patches the last token only. Nothing but later layers at the same token reads it, so a patched run is a
forward of one token over the keys and values of the unpatched run: exact, and as cheap as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from core.labs.multiple_choice.questions.tokens import Asked
from core.models.attention import AttentionPass, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, base_run, watched_writes
from core.patching.forward import block_kwargs, logits_at
from core.readouts.writes import heads_matrix, post_norm, stream_factor

TOKENS_A_FORWARD = 2048
ROWS_A_READOUT = 128


@dataclass(frozen=True)
class HeadInputs:
    """What a head's last token attends with: ``q`` ``[row, d_head]``, ``k`` and ``v`` ``[row, key, d_head]``, the
    additive ``mask`` ``[key]``, and how scores are made of them."""

    q: Tensor
    k: Tensor
    v: Tensor
    mask: Tensor
    scaling: float
    softcap: float | None

    def z(self) -> Tensor:
        """The head's output ``[row, d_head]``."""
        scores = torch.einsum("rd,rkd->rk", self.q.float(), self.k.float()) * self.scaling
        if self.softcap is not None:
            scores = self.softcap * torch.tanh(scores / self.softcap)
        return torch.einsum("rk,rkd->rd", (scores + self.mask.float()).softmax(-1), self.v.float())


Change = Callable[[HeadInputs], Tensor]  # a head's inputs -> its changed output [row, d_head]


@dataclass(frozen=True, eq=False)
class LastToken:
    """One prompt's unpatched run, and forwards of its last token. ``row`` is the prompt's row in ``run``."""

    model: LoadedModel
    run: BaseRun
    row: int
    kwargs: list[dict[str, Any]]

    @property
    def final(self) -> Tensor:
        """The unpatched final residual stream, ``[1, d_model]``."""
        return self.run.inputs[-1][self.row : self.row + 1, -1]

    @cached_property
    def z(self) -> Tensor:
        """Head outputs, ``[layer, head, d_head]``."""
        return torch.stack([step.z[self.row, :, -1] for step in self.run.heads])

    @cached_property
    def mlp(self) -> Tensor:
        """MLP writes, ``[layer, d_model]``."""
        return torch.stack([write[self.row, -1] for write in self.run.writes["mlp_out"]])

    @cached_property
    def writes(self) -> Tensor:
        """What each node adds to the stream: float32 ``[layer, head or MLP last, d_model]``."""
        return self.written(self.z[None], self.mlp[None])[0]

    def written(self, z: Tensor, mlp: Tensor) -> Tensor:
        """The same for other outputs ``[case, layer, ...]``. Norms on the attention write keep their scale."""
        layers = []
        for layer, matrix in enumerate(self._matrices):
            heads = torch.einsum("chd,hde->che", z[:, layer].float(), matrix)
            norm = post_norm(self.model, layer, self.run.heads[layer].z[self.row : self.row + 1, :, -1:])
            if norm is not None:
                heads = norm.write(heads)
            layers.append(torch.cat([heads, mlp[:, layer, None].float()], 1))
        return stream_factor(self.model) * torch.stack(layers, 1)

    def totals(self, z: Tensor, mlp: Tensor) -> Tensor:
        """Final residual streams after replacing one node at a time, all later layers run again.

        Args:
            z, mlp: the replacements, ``[case, layer, head, d_head]`` and ``[case, layer, d_model]``.

        Returns:
            ``[case, layer, head or MLP last, d_model]``.
        """
        cases, n_layers, n_heads = z.shape[:3]
        units, width = n_heads + 1, self.model.shape.d_model
        hidden = self.final.new_empty(0, 1, width)
        for layer in range(n_layers):
            if len(hidden):
                hidden = self._block(layer, hidden)
            hidden = torch.cat([hidden, self._one_each(layer, z[:, layer], mlp[:, layer])])
        return hidden[:, 0].reshape(n_layers, cases, units, width).transpose(0, 1)

    def changed(self, changes: Mapping[int, Mapping[int, Change]], rows: int) -> Tensor:
        """Final residual streams ``[row, d_model]`` after changing heads, ``{layer: {head: change}}``, together."""
        lowest = min(changes)
        hidden = self.run.inputs[lowest][self.row : self.row + 1, -1:].repeat(rows, 1, 1)
        for layer in range(lowest, self.model.shape.n_layers):
            hidden = self._block(layer, hidden, changes.get(layer))
        return hidden[:, 0]

    @cached_property
    def _matrices(self) -> list[Tensor]:
        return [heads_matrix(self.model, layer) for layer in range(self.model.shape.n_layers)]

    @cached_property
    def _prefix(self) -> list[tuple[Tensor, Tensor]]:
        return self.run.prefix(slice(self.row, self.row + 1), self._length - 1)

    @cached_property
    def _masks(self) -> list[Tensor]:
        return self.run.mask_rows(self._length - 1, self._length)

    @property
    def _length(self) -> int:
        return self.run.inputs[0].shape[1]

    def _one_each(self, layer: int, z: Tensor, mlp: Tensor) -> Tensor:
        """The layer with one node replaced a row; rows by case, then head, the MLP last."""
        cases, n_heads = z.shape[:2]
        units = n_heads + 1
        x = self.run.inputs[layer][self.row : self.row + 1, -1:].repeat(cases * units, 1, 1)

        def heads(now: Tensor) -> Tensor:  # [row, head, 1, d_head]
            out = now.clone().unflatten(0, (cases, units))
            for head in range(n_heads):
                out[:, head, head, 0] = z[:, head].to(now.dtype)
            return out.flatten(0, 1)

        def write(now: Tensor) -> Tensor:  # [row, 1, d_model]
            out = now.clone().unflatten(0, (cases, units))
            out[:, -1, 0] = mlp.to(now.dtype)
            return out.flatten(0, 1)

        run = AttentionPass(self._prefix, self._masks, {"z": heads})
        with attention_pass(run), watched_writes(self.model, {"mlp_out": write}, len(x), layer):
            return self.model.parts.blocks[layer](x, **self.kwargs[layer])

    def _block(self, layer: int, hidden: Tensor, changes: Mapping[int, Change] | None = None) -> Tensor:
        run = AttentionPass(self._prefix, self._masks, self._edits(layer, changes) if changes else {})
        with attention_pass(run):
            return self.model.parts.blocks[layer](hidden, **self.kwargs[layer])

    def _edits(self, layer: int, changes: Mapping[int, Change]) -> dict[str, Callable[[Tensor], Tensor]]:
        seen: dict[str, Tensor] = {}
        step = self.run.heads[layer]
        group = step.q.shape[1] // step.k.shape[1]

        def keep(name: str) -> Callable[[Tensor], Tensor]:
            def kept(x: Tensor) -> Tensor:
                seen[name] = x
                return x

            return kept

        def all_keys(name: str, before: Tensor, head: int) -> Tensor:
            own = seen[name][:, head // group]
            return torch.cat([before[:, head // group].expand(len(own), -1, -1), own], 1)

        def replace(z: Tensor) -> Tensor:
            out, (k, v) = z.clone(), self._prefix[layer]
            for head, change in changes.items():
                inputs = HeadInputs(
                    seen["q"][:, head, 0],
                    all_keys("k", k, head),
                    all_keys("v", v, head),
                    self._masks[layer][0, 0, 0],
                    step.scaling,
                    step.softcap,
                )
                out[:, head, 0] = change(inputs).to(z.dtype)
            return out

        return {name: keep(name) for name in "qkv"} | {"z": replace}


def runs_of(model: LoadedModel, asked: Sequence[Asked]) -> Iterator[tuple[int, LastToken]]:
    """Every prompt's place in ``asked`` and its run; prompts of equal length share a forward."""
    by_length: dict[int, list[int]] = {}
    for i, prompt in enumerate(asked):
        by_length.setdefault(len(prompt), []).append(i)
    for length, places in by_length.items():
        kwargs = block_kwargs(model, length - 1, length)
        for start in range(0, len(places), step := max(1, TOKENS_A_FORWARD // length)):
            some = places[start : start + step]
            ids = torch.tensor([asked[i].ids for i in some], device=model.device)
            run = base_run(model, ids, ("mlp_out",))
            for row, i in enumerate(some):
                yield i, LastToken(model, run, row, kwargs)


@dataclass(frozen=True)
class Measured:
    """Per row: ``logits`` of the four labels by place ``[row, 4]`` and ``loss``, −log p(right label), in nats."""

    logits: Tensor
    loss: Tensor

    def centred(self, answer: int) -> Tensor:
        """Logit of the right label minus the mean of the four."""
        return self.logits[:, answer] - self.logits.mean(-1)


@torch.no_grad()
def measure(model: LoadedModel, residual: Tensor, asked: Asked) -> Measured:
    """Read final residual streams ``[row, d_model]`` of one prompt, by the model's own head."""
    labels, losses = [], []
    for rows in residual.to(model.dtype).split(ROWS_A_READOUT):
        logits = logits_at(model, rows).float()
        chosen = logits[:, list(asked.label_ids)]
        labels.append(chosen)
        losses.append(logits.logsumexp(-1) - chosen[:, asked.answer])
    return Measured(torch.cat(labels).cpu(), torch.cat(losses).cpu())
