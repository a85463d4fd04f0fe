"""Attribution patching and AtP*: estimates of all effects from one clean backward sweep.

    AtP       I(n) = (n_donor - n_base) . dm/dn                           AtP* paper, eq. 4
    QK fix    q and k: softmax recomputed exactly, linear after it        eq. 6-10, see ``qk_fix``
    GradDrop  1/(L-1) sum_l |I(n) with block l's write held fixed|        eq. 11

One sweep from the top block down serves all four methods. At block j it re-runs the block on the positions
from the first difference on and multiplies a stack of cotangents through it: the plain one and, for GradDrop,
one for every block above that was dropped. Dropping block j itself leaves the identity skip, so the plain
cotangent joins the stack unchanged. Blocks below a node do not see its drop, hence (L+1)/2 backward passes in
all and, with I_0 the plain estimate at a node of layer j (counted from 0),

    sum_l |I_l| = j |I_0| + 0 + sum_{l>j} |I_l|.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.models.attention import AttentionPass, AttentionStep, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun, Watcher, watched_writes
from core.patching.forward import block_kwargs
from core.patching.qk_fix import fixed_key_effect, fixed_query_effect
from core.progress import Progress
from core.terms import HEAD_KINDS, Method, NodeKind


@dataclass(frozen=True)
class Layer:
    """Gradients at one layer: kind -> ``[cotangent, pair, ...]`` shaped as the node, suffix positions only."""

    index: int
    gradients: dict[NodeKind, Tensor]


def atp_scores(
    model: LoadedModel,
    run: BaseRun,
    *,
    base_rows: Sequence[int],
    donor_rows: Sequence[int],
    starts: Sequence[int],
    gradient: Callable[[Tensor], Tensor],
    kinds: Sequence[NodeKind],
    method: Method,
    donors: BaseRun | None = None,
    progress: Progress | None = None,
) -> dict[NodeKind, np.ndarray]:
    """Estimates for every node of several pairs of equal length at once.

    Args:
        run: the base runs, and the donors too unless ``donors`` holds them (at the base's positions).
        base_rows, donor_rows: per pair, its base and its donor.
        starts: per pair, the first position at which a patch changes anything; scores before it are 0.
        gradient: of each pair's metric by its final residual stream at the last position, ``[pair, d_model]``
            to ``[pair, d_model]``; where answer tokens follow the prompt, at all positions ``BaseRun.final`` gives.
        method: ``"atp"`` and ``"atp-qk"`` give signed estimates; ``"atp-graddrop"`` and ``"atp-star"``
            (QK fix and GradDrop) give non-negative scores.

    Returns:
        kind -> float32 ``[pair, layer, position, unit]``.
    """
    start, length = min(starts), run.prompt
    fix = method in ("atp-qk", "atp-star")
    drop = method in ("atp-graddrop", "atp-star")
    base, donor = torch.tensor(base_rows), torch.tensor(donor_rows)
    shape = model.shape
    out = {k: np.zeros((len(base), shape.n_layers, length, shape.units(k)), np.float32) for k in kinds}
    before = torch.arange(start, length)[None] < torch.tensor(starts)[:, None]  # [pair, position]
    top = torch.zeros_like(run.inputs[-1][base, start:])
    read = slice(-1 - run.forced, None)
    top[:, read] = gradient(run.inputs[-1][base, read].flatten(0, 1)).unflatten(0, (len(base), -1))
    for layer in backward_sweep(model, run, base, start, top, _read_kinds(kinds, fix), drop=drop, progress=progress):
        for kind in kinds:
            # [cotangent, pair, position, unit]
            estimate = estimates_at(run, donors or run, layer, kind, base, donor, start, fix)
            score = drop_mean(estimate, layer.index, shape.n_layers, kind) if drop else estimate[0]
            score = score[:, : length - start].masked_fill(before[..., None].to(score.device), 0)
            out[kind][:, layer.index, start:] = score.float().cpu().numpy()
    return out


def _read_kinds(kinds: Sequence[NodeKind], fix: bool) -> tuple[NodeKind, ...]:
    """Kinds whose gradient is needed: the QK fix reads the head outputs' instead of q's and k's."""
    needed = {"z" if fix and kind in ("q", "k") else kind for kind in kinds}
    return tuple(sorted(needed))  # type: ignore[arg-type]


def backward_sweep(
    model: LoadedModel,
    run: BaseRun,
    rows: Tensor,
    start: int,
    top: Tensor,
    kinds: Sequence[NodeKind],
    *,
    drop: bool,
    progress: Progress | None = None,
) -> Iterator[Layer]:
    """Gradients at each layer, top layer first.

    The cotangents of layer j are the plain one, then one for each dropped layer L-1, L-2, ..., j+1
    (``drop`` only); for resid_pre, which layer j reads, one more for j itself.
    """
    kwargs = block_kwargs(model, start, run.inputs[0].shape[1])
    progress = progress or Progress(model.shape.n_layers)
    stack = top[None]  # [cotangent, pair, position, d_model]
    for j in reversed(range(model.shape.n_layers)):
        x = run.inputs[j][rows, start:].detach().requires_grad_()
        nodes = _run_block(model, run, rows, start, j, x, kwargs[j], [k for k in kinds if k != "resid_pre"])
        wanted = [x, *nodes.tensors.values()]
        gradients = torch.autograd.grad(nodes.out, wanted, grad_outputs=stack, is_grads_batched=True, allow_unused=True)
        below = torch.cat([gradients[0], stack[:1]]) if drop else gradients[0]
        found = {k: _filled(g, t, len(stack)) for (k, t), g in zip(nodes.tensors.items(), gradients[1:])}
        if "resid_pre" in kinds:
            found["resid_pre"] = below
        yield Layer(j, found)
        stack = below
        progress.advance(1)


def _filled(gradient: Tensor | None, node: Tensor, cotangents: int) -> Tensor:
    return node.new_zeros(cotangents, *node.shape) if gradient is None else gradient


@dataclass(frozen=True)
class _BlockGraph:
    out: Tensor
    tensors: dict[NodeKind, Tensor]


def _run_block(
    model: LoadedModel,
    run: BaseRun,
    rows: Tensor,
    start: int,
    layer: int,
    x: Tensor,
    kwargs: dict,
    kinds: list[NodeKind],
) -> _BlockGraph:
    """One block on the suffix, with a graph through the node tensors."""
    tensors: dict[NodeKind, Tensor] = {}
    prefix = {layer: (run.heads[layer].k[rows, :, :start], run.heads[layer].v[rows, :, :start])}
    mask = {layer: run.masks[layer][:, :, start:]}

    def keep_heads(step: AttentionStep) -> None:
        tensors.update({kind: getattr(step, kind) for kind in kinds if kind in HEAD_KINDS})

    def keep(kind: NodeKind) -> Callable[[Tensor], Tensor]:
        def watch(value: Tensor) -> Tensor:
            tensors[kind] = value
            return value  # the graph must run through the very tensor that is kept

        return watch

    watchers: dict[NodeKind, Watcher] = {kind: keep(kind) for kind in kinds if kind not in HEAD_KINDS}
    attention = AttentionPass(prefix, mask, record=keep_heads)  # type: ignore[arg-type]
    with torch.enable_grad(), attention_pass(attention), watched_writes(model, watchers, len(x), layer):
        out = model.parts.blocks[layer](x, **kwargs)
    return _BlockGraph(out, tensors)


def estimates_at(
    run: BaseRun,
    donors: BaseRun,
    layer: Layer,
    kind: NodeKind,
    base: Tensor,
    donor: Tensor,
    start: int,
    fix: bool,
) -> Tensor:
    """Estimates of one kind at one layer, ``[cotangent, pair, position, unit]``, in float32."""
    if fix and kind in ("q", "k"):
        heads = run.heads[layer.index]
        effect = fixed_query_effect if kind == "q" else fixed_key_effect
        return effect(heads, donors.heads[layer.index], base, donor, start, layer.gradients["z"]).transpose(-1, -2)
    gradient = layer.gradients[kind].float()
    node, other = run.node(kind, layer.index), donors.node(kind, layer.index)
    if kind in HEAD_KINDS:
        change = (other[donor, :, start:] - node[base, :, start:]).float()
        return (gradient[..., -change.shape[-2] :, :] * change).sum(-1).transpose(-1, -2)
    change = (other[donor, start:] - node[base, start:]).float()
    product = gradient * change
    return product if kind == "neuron" else product.sum(-1, keepdim=True)


def drop_mean(estimate: Tensor, layer: int, n_layers: int, kind: NodeKind) -> Tensor:
    """GradDrop score (eq. 11): the mean absolute estimate over the drops in which a node is seen. A block's
    nodes are not seen when their own block is dropped (L-1 drops); the stream below a block always is (L)."""
    total = layer * estimate[0].abs() + estimate[1:].abs().sum(0)
    return total / (n_layers if kind == "resid_pre" else n_layers - 1)
