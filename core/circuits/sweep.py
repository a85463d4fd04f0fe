"""Gradients of the metric by every reader's own input, from one sweep down the blocks.

A reader's input is the residual stream where it enters that reader alone: changing it changes nothing else. One
backward pass gives the gradient by the queries, keys, values and the MLP's write of a layer; each head's is then taken
through norm and projection to the stream by one batched product, a cotangent a head. The MLP's input is reached
through the attention's write, which is added to it (where it is not, attention and MLP are parallel).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from core.circuits.graph import Graph
from core.models.attention import AttentionPass, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, Watcher, watched_writes
from core.patching.forward import block_kwargs
from core.progress import Progress
from core.readouts.writes import stream_factor
from core.terms import NodeKind


@dataclass(frozen=True)
class LayerGradients:
    """Gradients at one layer, suffix positions; ``q``, ``k``, ``v`` are ``[pair, head, position, d_model]`` by the
    readers' inputs, ``mlp`` ``[pair, position, d_model]``, ``z`` ``[pair, head, position, d_head]`` by head outputs."""

    layer: int
    q: Tensor
    k: Tensor
    v: Tensor
    mlp: Tensor
    z: Tensor


def is_parallel(model: LoadedModel) -> bool:
    """Whether attention and MLP of a block read the same stream."""
    x = torch.linspace(-1, 1, model.shape.d_model, device=model.device, dtype=model.dtype).repeat(1, 1, 1)
    alone = AttentionPass(mask=[torch.zeros(1, 1, 1, 1, device=model.device)] * model.shape.n_layers)
    _, kept = _run(model, 0, x.requires_grad_(), block_kwargs(model, 0, 1)[0], alone)
    return torch.autograd.grad(kept["mlp_out"].sum(), kept["attn_out"], allow_unused=True)[0] is None


def graph_of(model: LoadedModel) -> Graph:
    """The graph of a loaded model."""
    coupled = any(write is not out for write, out in zip(model.parts.attn_write, model.parts.attn_out))
    return Graph.of(model.shape, parallel=is_parallel(model), coupled=coupled)


def reader_gradients(
    model: LoadedModel, run: BaseRun, rows: Tensor, start: int, top: Tensor, progress: Progress | None = None
) -> Iterator[LayerGradients]:
    """Gradients at each layer, the top layer first.

    Args:
        rows: which rows of the run, ``[pair]``.
        start: first position; earlier ones are not touched.
        top: gradient of the metric by the final residual stream, ``[pair, position from start, d_model]``.
    """
    kwargs = block_kwargs(model, start, run.inputs[0].shape[1])
    progress = progress or Progress(model.shape.n_layers)
    for layer in reversed(range(model.shape.n_layers)):
        x = run.inputs[layer][rows, start:].detach().requires_grad_()
        step = run.heads[layer]
        prefix = {layer: (step.k[rows, :, :start], step.v[rows, :, :start])}
        attention = AttentionPass(prefix, {layer: step.mask[:, :, start:]})  # type: ignore[arg-type]
        out, kept = _run(model, layer, x, kwargs[layer], attention)
        suffix = [kept["q"], kept["k"], kept["v"], kept["z"], kept["mlp_out"], x]
        q, k, v, z, mlp, below = torch.autograd.grad(out, suffix, top, retain_graph=True)
        yield LayerGradients(
            layer,
            q=_by_head(kept["q"], q, x),
            k=_by_head(kept["k"], k, x),
            v=_by_head(kept["v"], v, x),
            mlp=_by_mlp(model, kept, mlp, x),
            z=z,
        )
        top = below
        progress.advance(1)


def _run(
    model: LoadedModel, layer: int, x: Tensor, kwargs: dict, attention: AttentionPass
) -> tuple[Tensor, dict[str, Tensor]]:
    """One block with a graph through its parts; queries, keys and values are those of the positions run."""
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[Tensor], Tensor]:
        def watch(value: Tensor) -> Tensor:
            kept[name] = value
            return value  # the graph must run through the very tensor that is kept

        return watch

    attention.edits = {name: keep(name) for name in ("q", "k", "v", "z")}
    watchers: dict[NodeKind, Watcher] = {"attn_out": keep("attn_out"), "mlp_out": keep("mlp_out")}
    with torch.enable_grad(), attention_pass(attention), watched_writes(model, watchers, len(x), layer):
        out = model.parts.blocks[layer](x, **kwargs)
    return out, kept


def _by_head(heads: Tensor, gradient: Tensor, x: Tensor) -> Tensor:
    """From gradients by heads ``[pair, head, position, d_head]`` to those by each head's own input."""
    n = heads.shape[1]
    stack = torch.zeros(n, *gradient.shape, dtype=gradient.dtype, device=gradient.device)
    stack[torch.arange(n), :, torch.arange(n)] = gradient.transpose(0, 1)
    (found,) = torch.autograd.grad(heads, x, stack, is_grads_batched=True, retain_graph=True)
    return found.transpose(0, 1)  # [pair, head, position, d_model]


def _by_mlp(model: LoadedModel, kept: dict[str, Tensor], gradient: Tensor, x: Tensor) -> Tensor:
    through = torch.autograd.grad(kept["mlp_out"], kept["attn_out"], gradient, retain_graph=True, allow_unused=True)[0]
    if through is not None:
        return through / stream_factor(model)
    return torch.autograd.grad(kept["mlp_out"], x, gradient, retain_graph=True)[0]
