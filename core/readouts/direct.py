"""Direct logit attribution: what every component writes straight into the logits.

The final residual stream is a sum of writes: the embedding, one a head, the heads' biases, one an MLP. With the scale
of the final norm held at the run's own value, each write has its own part in every logit, at every position t:

    logit_t[token] = Σ_writes  write_t · direction_t[token]  +  bias[token]

and the parts of a logit difference (answer minus distractor; the mean over each where several tokens count alike) sum
to it: positive parts favour the answer. A constant logit scale, or a soft-cap, is held at its ratio in the run.
Indirect effects (through later components) are not in these numbers; for them there is patching.

TransformerLens's ``direct_logit_attribution`` gives the same numbers where it runs. It needs its compatibility mode,
which rewrites (so: copies) the weights, leaves out the bias, and does not split a head's write in families that
normalise it; hence our own, on the weights as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.models.architecture import replaced_forward
from core.models.attention import scores
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, base_run
from core.patching.forward import logits_at
from core.prompts.pairs import TokenPair, refuse_linked, refuse_rest
from core.readouts.linear import FrozenNorm, freeze, matrix_of
from core.readouts.writes import joined, mlp_writes, post_norm, stream_factor
from core.terms import NodeKind

RunName = Literal["clean", "corrupt"]
SMALLEST = 1e-6  # a logit under this has no meaningful ratio to what it was before a soft-cap


@dataclass(frozen=True, eq=False)
class Directions:
    """Per row, token and position: ``read`` float32 ``[row, token, position, d_model]``, the direction of the stream
    that the logit reads; ``bias`` and ``logits`` ``[row, token, position]``, its constant part and the logit itself."""

    read: Tensor
    bias: Tensor
    logits: Tensor

    def mixed(self, weights: Tensor) -> Directions:
        """Weighted sum over the tokens, ``[row, token]``: one direction a row, its token axis of length 1."""
        found = (self.read, self.bias, self.logits)
        return Directions(*((x * weights.reshape(*weights.shape, *[1] * (x.ndim - 2))).sum(1, True) for x in found))


@dataclass(frozen=True, eq=False)
class DirectEffects:
    """Parts of logits (or of one logit difference), float32; ``token`` is the axis of what was read.

    Attributes:
        embed: ``[row, token, position]``, token and position embedding together.
        heads: ``[row, token, layer, head, position]``.
        mlps: ``[row, token, layer, position]``.
        bias: ``[row, token, position]``: projection, norm and unembedding biases, which belong to no head or MLP.
        logits: ``[row, token, position]``: what the parts sum to, read off the model itself.
    """

    embed: np.ndarray
    heads: np.ndarray
    mlps: np.ndarray
    bias: np.ndarray
    logits: np.ndarray

    def total(self) -> np.ndarray:
        """The sum of all parts, ``[row, token, position]``."""
        return self.embed + self.heads.sum((2, 3)) + self.mlps.sum(2) + self.bias


def direct_logit_attribution(
    model: LoadedModel, pairs: Sequence[TokenPair], *, run: RunName = "clean", last: bool = False
) -> DirectEffects:
    """Parts of the logit difference of pairs of equal length, in one of their runs; the token axis has length 1.

    Args:
        last: only the last position, where the metric is read.
    """
    ids = _ids(pairs, run)
    held = _run(model, ids)
    return _effects(model, held, _differences(model, held, pairs, last), last)


def direct_effects(model: LoadedModel, ids: Tensor, tokens: Tensor, *, last: bool = True) -> DirectEffects:
    """Parts of the logits of chosen tokens.

    Args:
        ids: prompts of equal length, ``[row, position]``.
        tokens: vocabulary ids, ``[row, token]``.
    """
    held = _run(model, ids)
    return _effects(model, held, directions(model, held.inputs[-1], tokens, last=last), last)


def neuron_effects(
    model: LoadedModel, pairs: Sequence[TokenPair], layer: int, *, run: RunName = "clean", last: bool = False
) -> np.ndarray:
    """Parts of the logit difference by neuron of one layer, ``[row, position, unit]``; with the projection's bias they
    sum to the MLP's part."""
    ids = _ids(pairs, run)
    held = _run(model, ids, ("mlp_out", "neuron"))
    read = _differences(model, held, pairs, last).read[:, 0]
    neurons = _at(held.writes["neuron"][layer], last)
    project, write = model.parts.mlp_out[layer], model.parts.mlp_write[layer]
    if write is not project:
        with torch.no_grad():
            read = freeze(write, project(neurons)).read(read)
    parts = neurons.float() * (read @ matrix_of(project).T) * stream_factor(model)
    return parts.cpu().numpy()


def head_sources(
    model: LoadedModel, pairs: Sequence[TokenPair], layer: int, head: int, *, run: RunName = "clean"
) -> np.ndarray:
    """A head's part in the logit difference by query and attended position, ``[row, query, key]``: attention times what
    the value there would write. Rows of queries sum to the head's part at that position."""
    ids = _ids(pairs, run)
    held = _run(model, ids)
    read = _differences(model, held, pairs, last=False).read[:, 0]
    norm = post_norm(model, layer, held.heads[layer].z)
    read = read if norm is None else norm.read(read)
    step, group = held.heads[layer], model.shape.n_heads // model.shape.n_kv_heads
    pattern = scores(step.q, step.k, step.mask, step.scaling, step.softcap).softmax(-1)[:, head]
    reads = read @ _head_matrix(model, layer, head).T  # [row, query, d_head]
    parts = pattern * (reads @ step.v[:, head // group].float().transpose(-1, -2)) * stream_factor(model)
    return parts.float().cpu().numpy()


def directions(model: LoadedModel, stream: Tensor, tokens: Tensor, *, last: bool = False) -> Directions:
    """What the logits of ``tokens`` ``[row, token]`` read of final streams ``[row, position, d_model]``."""
    stream, tokens = _at(stream, last), tokens.to(model.device)
    n, length, width = stream.shape
    rows = stream.reshape(-1, width)
    norm = freeze(lambda x: final_hidden(model, x), rows)
    unembed = model.parts.unembed
    weight = unembed.weight.detach()[tokens].float()  # type: ignore[index,operator,union-attr]
    constant = torch.zeros(tokens.shape, device=model.device)
    if isinstance(unembed.bias, Tensor):
        constant = unembed.bias.detach()[tokens].float()
    gain = FrozenNorm(norm.gain.reshape(n, 1, length, width), norm.bias, norm.centred)
    read = gain.read(weight[:, :, None])  # [row, token, position, d_model]
    bias = (constant + weight @ norm.bias)[..., None]
    linear = (read * stream[:, None].float()).sum(-1) + bias
    logits = _logits(model, rows, tokens, length)
    ratio = torch.where(linear.abs() > SMALLEST, logits / linear, 1)
    return Directions(read * ratio[..., None], bias * ratio, logits)


def _differences(model: LoadedModel, held: BaseRun, pairs: Sequence[TokenPair], last: bool) -> Directions:
    """What the logit difference of each pair reads: the mean over its answers minus the mean over its distractors."""
    refuse_rest(pairs, "direct attribution")
    width = max(len(pair.answer_ids) + len(pair.distractor_ids) for pair in pairs)
    tokens, weights = torch.zeros(len(pairs), width, dtype=torch.long), torch.zeros(len(pairs), width)
    for row, pair in enumerate(pairs):
        ids, right = [*pair.answer_ids, *pair.distractor_ids], len(pair.answer_ids)
        tokens[row, : len(ids)] = torch.tensor(ids)
        weights[row, :right] = 1 / right
        weights[row, right : len(ids)] = -1 / (len(ids) - right)
    return directions(model, held.inputs[-1], tokens, last=last).mixed(weights.to(model.device))


def final_hidden(model: LoadedModel, rows: Tensor) -> Tensor:
    """What the unembedding reads for final residual streams ``[row, d_model]``: the model's own final norm."""
    kept: list[Tensor] = []

    def keep(hidden: Tensor) -> Tensor:
        kept.append(hidden[:, -1])
        return hidden[..., :1]

    with replaced_forward({model.parts.unembed: keep}):
        logits_at(model, rows)
    return kept[0]


def _logits(model: LoadedModel, rows: Tensor, tokens: Tensor, length: int) -> Tensor:
    """The model's own logits ``[row, token, position]``."""
    columns, places = tokens.unique(return_inverse=True)
    with torch.no_grad():
        found = logits_at(model, rows, columns).float().reshape(len(tokens), length, -1)
    return found.gather(-1, places[:, None].expand(-1, length, -1)).transpose(1, 2)


def _ids(pairs: Sequence[TokenPair], run: RunName) -> Tensor:
    refuse_linked(pairs)
    return torch.tensor([getattr(pair, f"{run}_ids") for pair in pairs])


def _run(model: LoadedModel, ids: Tensor, kinds: tuple[NodeKind, ...] = ("mlp_out",)) -> BaseRun:
    return base_run(model, ids.to(model.device), kinds)


def _at(x: Tensor, last: bool) -> Tensor:
    return x[:, -1:] if last else x


def _head_matrix(model: LoadedModel, layer: int, head: int) -> Tensor:
    width = model.shape.d_head
    return matrix_of(model.parts.attn_out[layer])[head * width : (head + 1) * width]


def _effects(model: LoadedModel, run: BaseRun, aims: Directions, last: bool) -> DirectEffects:
    def part(write: Tensor) -> Tensor:  # [row, position, d_model] -> [row, token, position]
        return (aims.read * _at(write, last).float()[:, None]).sum(-1)

    layers = range(model.shape.n_layers)
    heads, biases = [], []
    for layer in layers:
        found, bias = _head_parts(model, run, layer, aims, last)
        heads.append(found)
        biases.append(bias)
    mlps = [part(mlp_writes(model, run, layer)) for layer in layers]
    return DirectEffects(
        embed=_array(part(run.inputs[0])),
        heads=_array(torch.stack(heads, dim=2)),
        mlps=_array(torch.stack(mlps, dim=2)),
        bias=_array(aims.bias + sum(biases)),
        logits=_array(aims.logits),
    )


def _head_parts(model: LoadedModel, run: BaseRun, layer: int, aims: Directions, last: bool) -> tuple[Tensor, Tensor]:
    """Parts of a layer's heads ``[row, token, head, position]`` and of its biases ``[row, token, position]``."""
    z = run.heads[layer].z
    norm, factor, project = post_norm(model, layer, z), stream_factor(model), model.parts.attn_out[layer]
    read, constant = aims.read, torch.zeros((), device=model.device)
    if norm is not None:
        constant = read @ norm.bias
        gain = _at(norm.gain, last)
        read = FrozenNorm(gain[:, None], norm.bias, norm.centred).read(read)
    with torch.no_grad():
        bias = project(torch.zeros_like(joined(z)[:1, :1]))[0, 0].float()
    seen = read @ matrix_of(project).T  # [row, token, position, head * d_head]
    parts = seen * _at(joined(z), last).float()[:, None]
    parts = parts.unflatten(-1, (model.shape.n_heads, -1)).sum(-1).transpose(-1, -2)
    return factor * parts, factor * (constant + read @ bias)


def _array(x: Tensor) -> np.ndarray:
    return x.float().cpu().numpy()
