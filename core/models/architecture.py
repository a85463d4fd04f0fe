"""Finding a model's parts by TransformerLens's names, and refusing models whose parts behave differently.

TransformerLens's architecture adapters know where each family keeps its blocks, attention, MLP and norms. The
engine works on those modules of the plain Hugging Face model: its forwards carry no hooks unless a run needs
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from core.errors import ModelError
from core.models.attention import AttentionPass, AttentionStep, attention_pass
from core.terms import ModelShape


@dataclass(frozen=True)
class Parts:
    """Modules of one decoder, one entry a layer.

    ``attn_write`` and ``mlp_write`` produce what is added to the residual stream (after a post-norm where the
    family has one). The input of ``attn_out`` holds the head outputs z, that of ``mlp_out`` the neurons.
    """

    blocks: tuple[nn.Module, ...]
    attn_write: tuple[nn.Module, ...]
    mlp_write: tuple[nn.Module, ...]
    attn_out: tuple[nn.Module, ...]
    mlp_out: tuple[nn.Module, ...]
    unembed: nn.Module


def find_parts(model: Any) -> Parts:
    """Locate the parts of a Hugging Face causal language model.

    Raises:
        ModelError: TransformerLens has no adapter for the architecture, or it is not a plain decoder.
    """
    family = type(model).__name__
    adapter = _adapter(model, family)

    def part(path: str) -> Any:
        try:
            return adapter.get_component(model, path)
        except (AttributeError, ValueError, KeyError, IndexError) as error:
            raise _unsupported(family, f"it has no {path}") from error

    blocks: tuple[nn.Module, ...] = tuple(part("blocks"))
    names = adapter.component_mapping["blocks"].submodules
    layers = [f"blocks.{layer}" for layer in range(len(blocks))]
    return Parts(
        blocks=blocks,
        attn_write=tuple(part(f"{p}.ln1_post" if "ln1_post" in names else f"{p}.attn.o") for p in layers),
        mlp_write=tuple(part(f"{p}.ln2_post" if "ln2_post" in names else f"{p}.mlp.out") for p in layers),
        attn_out=tuple(part(f"{p}.attn.o") for p in layers),
        mlp_out=tuple(part(f"{p}.mlp.out") for p in layers),
        unembed=model.get_output_embeddings(),
    )


def _adapter(model: Any, family: str) -> Any:
    from transformer_lens.factories.architecture_adapter_factory import ArchitectureAdapterFactory
    from transformer_lens.model_bridge.sources.transformers.source import (
        build_bridge_config_from_hf,
        determine_architecture_from_hf_config,
    )

    if not model.config.architectures:
        model.config.architectures = [family]
    try:
        architecture = determine_architecture_from_hf_config(model.config)
        config = build_bridge_config_from_hf(model.config, architecture, family, torch.float32)
        return ArchitectureAdapterFactory.select_architecture_adapter(config)
    except ValueError as error:
        raise _unsupported(family, "TransformerLens has no adapter for it") from error


def read_shape(model: Any, parts: Parts) -> ModelShape:
    """Sizes of the model, read off one two-token forward, which also proves that the engine can see it.

    Raises:
        ModelError: attention does not pass through the engine's attention function, the residual stream is
            normalised in place (post-norm), or layers differ in shape.
    """
    steps: list[AttentionStep] = []
    widths: list[int] = []
    ends: list[tuple[torch.Tensor, torch.Tensor]] = []
    writes: list[torch.Tensor] = []
    ids = torch.zeros(1, 2, dtype=torch.long, device=model.device)
    hooks = [m.register_forward_pre_hook(lambda _, args: widths.append(args[0].shape[-1])) for m in parts.mlp_out]
    block = parts.blocks[0]
    hooks.append(block.register_forward_hook(lambda _, a, k, out: ends.append((a[0], out)), with_kwargs=True))
    for module in (parts.attn_write[0], parts.mlp_write[0]):
        hooks.append(module.register_forward_hook(lambda _, args, out: writes.append(out)))
    try:
        with torch.no_grad(), attention_pass(AttentionPass(record=steps.append)):
            model(input_ids=ids, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    family = type(model).__name__
    if [step.layer for step in steps] != list(range(len(parts.blocks))):
        raise _unsupported(family, "its attention bypasses transformers' attention interface")
    shapes = {(s.q.shape[1], s.k.shape[1], s.q.shape[3], s.v.shape[3]) for s in steps} | {(w,) for w in widths}
    if len(shapes) != 2 or len(widths) != len(parts.blocks):
        raise _unsupported(family, "its layers differ in shape")
    _require_residual_stream(family, *ends[0], writes)
    first = steps[0]
    return ModelShape(
        n_layers=len(steps),
        n_heads=first.q.shape[1],
        n_kv_heads=first.k.shape[1],
        d_model=ends[0][0].shape[-1],
        d_head=first.q.shape[3],
        d_mlp=widths[0],
    )


def _require_residual_stream(family: str, x: torch.Tensor, out: Any, writes: list[torch.Tensor]) -> None:
    """A block must add its two writes (up to one common factor) to what it was given."""
    if not isinstance(out, torch.Tensor):
        raise _unsupported(family, "its blocks return more than the residual stream")
    added = (out - x).double().flatten()
    written = sum(write.double().reshape(x.shape) for write in writes).flatten()  # type: ignore[union-attr]
    factor = (added @ written) / (written @ written)
    if (added - factor * written).norm() > 1e-2 * added.norm():
        raise _unsupported(family, "its blocks do not simply add to the residual stream")


def _unsupported(family: str, why: str) -> ModelError:
    return ModelError(
        f"{family} is not supported: {why}.",
        next_step="Supported: GPT-2, GPT-NeoX (Pythia), Llama, Mistral, Qwen2/3, Gemma 1-3, OPT, Phi, OLMo and kin.",
    )


@contextmanager
def replaced_forward(replacements: dict[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Let modules compute something else inside the block; they are as before afterwards."""
    try:
        for module, forward in replacements.items():
            module.forward = forward  # type: ignore[method-assign]
        yield
    finally:
        for module in replacements:
            module.__dict__.pop("forward", None)
