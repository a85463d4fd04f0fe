"""The unpatched runs: one forward that keeps every activation the engine may patch, read or differentiate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from core.errors import PromptError
from core.models.attention import AttentionPass, AttentionStep, attention_pass
from core.models.load import LoadedModel
from core.terms import HEAD_KINDS, NodeKind

Watcher = Callable[[Tensor], Tensor | None]


@dataclass
class BaseRun:
    """Activations of unpatched forwards of equal length; row i is prompt i.

    ``inputs[l]`` is what block l reads (resid_pre), ``inputs[L]`` the final residual stream, each
    ``[row, position, d_model]``. ``heads[l]`` holds q, k, v, z and the mask of layer l. ``writes`` holds the
    other requested kinds (neuron, attn_out, mlp_out), one ``[row, position, unit]`` a layer. The last ``forced``
    positions hold tokens of an answer that follow the prompt; they are read, but not patched.
    """

    inputs: list[Tensor] = field(default_factory=list)
    heads: list[AttentionStep] = field(default_factory=list)
    writes: dict[NodeKind, list[Tensor]] = field(default_factory=dict)
    forced: int = 0

    @property
    def n_layers(self) -> int:
        return len(self.heads)

    @property
    def masks(self) -> list[Tensor]:
        return [step.mask for step in self.heads]

    @property
    def length(self) -> int:
        """Number of positions, forced ones included."""
        return self.inputs[0].shape[1]

    @property
    def prompt(self) -> int:
        """Number of positions of the prompt, which are those that are patched."""
        return self.length - self.forced

    def final(self, stream: Tensor) -> Tensor:
        """What the metric reads of streams ``[row, position, d_model]`` that end where the run ends: the prompt's last
        position and the forced ones, ``[row * read, d_model]``, those of a row next to each other."""
        return stream[:, -1 - self.forced :].flatten(0, 1)

    def node(self, kind: NodeKind, layer: int) -> Tensor:
        """Activations of one kind: heads ``[row, head, position, d_head]``, others ``[row, position, unit]``."""
        if kind in HEAD_KINDS:
            return getattr(self.heads[layer], kind)
        return self.inputs[layer] if kind == "resid_pre" else self.writes[kind][layer]

    @classmethod
    def combined(cls, change: Callable[..., Tensor], *runs: BaseRun) -> BaseRun:
        """Every activation computed from the same activation of one or several runs, each ``[row, ..., position,
        width]``; masks are the first run's."""
        steps = zip(*(run.heads for run in runs))
        heads = [replace(s[0], **{kind: change(*(getattr(x, kind) for x in s)) for kind in HEAD_KINDS}) for s in steps]
        writes = {kind: [change(*x) for x in zip(*(run.writes[kind] for run in runs))] for kind in runs[0].writes}
        return cls([change(*x) for x in zip(*(run.inputs for run in runs))], heads, writes)

    def prefix(self, rows: slice, stop: int) -> list[tuple[Tensor, Tensor]]:
        """Each layer's keys and values of positions before ``stop``."""
        return [(step.k[rows, :, :stop], step.v[rows, :, :stop]) for step in self.heads]

    def mask_rows(self, start: int, stop: int) -> list[Tensor]:
        """Each layer's mask for queries ``start`` to ``stop - 1`` over keys up to ``stop - 1``."""
        return [mask[:, :, start:stop, :stop] for mask in self.masks]


def check_vocabulary(model: LoadedModel, ids: Tensor) -> None:
    """Raise PromptError where a token is none of the model's, as the unknown token of a tokenizer may be."""
    known, highest = model.hf.get_input_embeddings().weight.shape[0], int(ids.max())
    if highest >= known:
        raise PromptError(
            f"A pair holds token {highest}; the model has {known} tokens.",
            next_step="Write other words, or give the ids of this model's tokenizer.",
        )


def base_run(model: LoadedModel, ids: Tensor, kinds: Sequence[NodeKind]) -> BaseRun:
    """Run ``ids`` ``[row, position]`` once, unpatched, keeping what patching ``kinds`` needs.

    Raises:
        PromptError: a token that the model does not have.
    """
    check_vocabulary(model, ids)
    run = BaseRun(writes={kind: [] for kind in ("neuron", "attn_out", "mlp_out") if kind in kinds})  # type: ignore[misc]
    blocks = model.parts.blocks

    def keep_input(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        run.inputs.append(args[0])

    def keep_output(_: nn.Module, __: tuple[Tensor, ...], out: Tensor) -> None:
        run.inputs.append(out)

    handles = [block.register_forward_pre_hook(keep_input) for block in blocks]
    handles.append(blocks[-1].register_forward_hook(keep_output))
    try:
        watchers: dict[NodeKind, Watcher] = {kind: kept.append for kind, kept in run.writes.items()}
        heads = attention_pass(AttentionPass(record=run.heads.append))
        with torch.no_grad(), heads, watched_writes(model, watchers, len(ids)):
            model.hf.base_model(input_ids=ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return run


@contextmanager
def watched_writes(
    model: LoadedModel, watchers: dict[NodeKind, Watcher], batch: int, layer: int | None = None
) -> Iterator[None]:
    """Show neurons, attention writes and MLP writes to functions while forwards run; what a function returns
    replaces the tensor. Tensors are ``[batch, position, unit]`` whatever shape the module uses. ``layer``
    limits it to one layer."""
    layers = range(len(model.parts.blocks)) if layer is None else [layer]

    def shown(watch: Watcher, x: Tensor) -> Tensor | None:
        new = watch(x.reshape(batch, -1, x.shape[-1]))
        return None if new is None else new.reshape(x.shape)

    def before(watch: Watcher) -> Callable[..., tuple[Tensor, ...] | None]:
        def hook(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            new = shown(watch, args[0])
            return None if new is None else (new,)

        return hook

    def after(watch: Watcher) -> Callable[..., Tensor | None]:
        return lambda _, args, out: shown(watch, out)

    handles = []
    for kind, watch in watchers.items():
        for i in layers:
            if kind == "neuron":
                handles.append(model.parts.mlp_out[i].register_forward_pre_hook(before(watch)))
            else:
                write = model.parts.attn_write if kind == "attn_out" else model.parts.mlp_write
                handles.append(write[i].register_forward_hook(after(watch)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
