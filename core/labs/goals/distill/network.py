"""The pupil: a small GPT-2 that reads a board and answers with an action, as functions of named parameters.

Parameters are named and shaped as GPT-2's, so that ``as_hf`` copies nothing. Only the last token is asked, so in the
last layer only its query, its MLP and its logits are computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from core.labs.goals.distill.prompts import LENGTH, WORDS
from core.models.toy import toy_hf
from core.worlds.tasks.corner import SIZE

Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Size:
    """Layers, heads a layer, width of the residual stream and neurons a layer."""

    layers: int = 3
    heads: int = 4
    width: int = 64
    neurons: int = 256


def fresh(size: Size, generator: torch.Generator) -> Parameters:
    """Random parameters. A cell's position begins as the sum of a vector of its row and one of its column."""

    def normal(*shape: int, std: float) -> Tensor:
        return torch.randn(*shape, generator=generator) * std

    rows, columns = normal(SIZE, 1, size.width, std=0.3), normal(1, SIZE, size.width, std=0.3)
    places = torch.cat([(rows + columns).flatten(0, 1), normal(1, size.width, std=0.3)])
    out = {
        "transformer.wte.weight": normal(len(WORDS), size.width, std=0.5),
        "transformer.wpe.weight": places,
        "lm_head.weight": normal(len(WORDS), size.width, std=0.1),
    }
    narrow, deep = size.width**-0.5, 1 / math.sqrt(2 * size.layers)
    for layer in range(size.layers):
        block = f"transformer.h.{layer}"
        maps = {
            "attn.c_attn": (size.width, 3 * size.width, narrow),
            "attn.c_proj": (size.width, size.width, narrow * deep),
            "mlp.c_fc": (size.width, size.neurons, narrow),
            "mlp.c_proj": (size.neurons, size.width, size.neurons**-0.5 * deep),
        }
        for name, (wide_in, wide_out, std) in maps.items():
            out[f"{block}.{name}.weight"] = normal(wide_in, wide_out, std=std)
            out[f"{block}.{name}.bias"] = torch.zeros(wide_out)
        out |= _plain_norm(f"{block}.ln_1", size.width) | _plain_norm(f"{block}.ln_2", size.width)
    return out | _plain_norm("transformer.ln_f", size.width)


def logits(weights: Parameters, tokens: Tensor, size: Size) -> Tensor:
    """Logits after each prompt, [board, word], of token ids [board, 50]."""
    x = weights["transformer.wte.weight"][tokens] + weights["transformer.wpe.weight"]  # [board, position, width]
    for layer in range(size.layers):
        x = _block(weights, f"transformer.h.{layer}", x, size.heads, last=layer == size.layers - 1)
    return _norm(weights, "transformer.ln_f", x[:, -1]) @ weights["lm_head.weight"].T


def as_hf(weights: Parameters, size: Size) -> Any:
    """The same network as a ``GPT2LMHeadModel``."""
    hf = toy_hf(
        vocab_size=len(WORDS),
        n_ctx=LENGTH,
        d_model=size.width,
        n_heads=size.heads,
        n_layers=size.layers,
        d_mlp=size.neurons,
        norms=True,
    )
    hf.load_state_dict(weights)
    return hf


def _block(weights: Parameters, name: str, x: Tensor, heads: int, *, last: bool) -> Tensor:
    """One layer on [board, position, width]; the last one gives only the last position."""
    asked = x[:, -1:] if last else x
    seen = _norm(weights, f"{name}.ln_1", x)
    width = x.shape[-1]
    w, b = weights[f"{name}.attn.c_attn.weight"], weights[f"{name}.attn.c_attn.bias"]
    q = _heads((seen[:, -1:] if last else seen) @ w[:, :width] + b[:width], heads)
    k, v = (_heads(part, heads) for part in (seen @ w[:, width:] + b[width:]).chunk(2, dim=-1))
    z = F.scaled_dot_product_attention(q, k, v, is_causal=not last)  # [board, head, position, d_head]
    x = asked + _linear(weights, f"{name}.attn.c_proj", z.transpose(1, 2).flatten(2))
    hidden = _linear(weights, f"{name}.mlp.c_fc", _norm(weights, f"{name}.ln_2", x)).relu()
    return x + _linear(weights, f"{name}.mlp.c_proj", hidden)


def _heads(x: Tensor, heads: int) -> Tensor:
    """[board, position, width] -> [board, head, position, d_head]."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _linear(weights: Parameters, name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _norm(weights: Parameters, name: str, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])


def _plain_norm(name: str, width: int) -> Parameters:
    return {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}
