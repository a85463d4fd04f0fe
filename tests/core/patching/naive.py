"""Slow, independent patching: one full forward of the plain Hugging Face model per node, by module hooks.

It knows each family's modules by name and nothing of the engine, so that the two can disagree.
"""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import Tensor

WRITES = {
    "gemma2": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "gemma3": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "olmo2": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "gpt2": ("attn.c_proj", "mlp.c_proj"),
    "neox": ("attention.dense", "mlp.dense_4h_to_h"),
    "opt": ("self_attn.out_proj", "fc2"),
    "phi": ("self_attn.dense", "mlp.fc2"),
}
OUT = {  # head outputs enter, neurons enter
    "gpt2": ("attn.c_proj", "mlp.c_proj"),
    "neox": ("attention.dense", "mlp.dense_4h_to_h"),
    "opt": ("self_attn.out_proj", "fc2"),
    "phi": ("self_attn.dense", "mlp.fc2"),
}
BLOCKS = {"gpt2": "transformer.h", "neox": "gpt_neox.layers", "opt": "model.decoder.layers"}


class Naive:
    """Reads and patches nodes of one model by hooks on projections."""

    def __init__(self, family: str, model: torch.nn.Module):
        self.family, self.model = family, model
        self.blocks = model.get_submodule(BLOCKS.get(family, "model.layers"))
        config = model.config
        self.n_heads = config.num_attention_heads
        self.n_kv = getattr(config, "num_key_value_heads", None) or self.n_heads
        self.d_head = getattr(config, "head_dim", None) or config.hidden_size // self.n_heads

    def site(self, kind: str, layer: int):
        """Module, whether its input (else output) holds the node, and where head or unit u sits in it."""
        block = self.blocks[layer]
        z_in, neuron_in = OUT.get(self.family, ("self_attn.o_proj", "mlp.down_proj"))
        attn_write, mlp_write = WRITES.get(self.family, ("self_attn.o_proj", "mlp.down_proj"))
        d = self.d_head
        if kind == "z":
            return block.get_submodule(z_in), True, lambda u: slice(u * d, (u + 1) * d)
        if kind == "neuron":
            return block.get_submodule(neuron_in), True, lambda u: slice(u, u + 1)
        if kind == "attn_out":
            return block.get_submodule(attn_write), False, lambda u: slice(None)
        if kind == "mlp_out":
            return block.get_submodule(mlp_write), False, lambda u: slice(None)
        if kind == "resid_pre":
            return block, True, lambda u: slice(None)
        return self._projection(kind, block)

    def _projection(self, kind: str, block):
        d, heads, index = self.d_head, self.n_heads, "qkv".index(kind)
        if self.family == "gpt2":
            return block.attn.c_attn, False, lambda u: slice((index * heads + u) * d, (index * heads + u + 1) * d)
        if self.family == "neox":
            joint = block.attention.query_key_value
            return joint, False, lambda u: slice((3 * u + index) * d, (3 * u + index + 1) * d)
        if self.family == "phi3":
            first = (0, heads, heads + self.n_kv)[index]
            return block.self_attn.qkv_proj, False, lambda u: slice((first + u) * d, (first + u + 1) * d)
        norm = self.family == "olmo2" and kind != "v"  # normalises all heads together: the node lies after it
        return (
            block.self_attn.get_submodule(f"{kind}_norm" if norm else f"{kind}_proj"),
            False,
            lambda u: slice(u * d, (u + 1) * d),
        )

    def logits(self, ids: Tensor) -> Tensor:
        return self.all_logits(ids)[:, -1]

    def all_logits(self, ids: Tensor) -> Tensor:
        with torch.no_grad():
            return self.model(input_ids=ids, use_cache=False).logits

    def read(self, kind: str, layer: int, ids: Tensor) -> Tensor:
        """The module tensor that holds a kind, ``[1, position, width]``."""
        module, is_input, _ = self.site(kind, layer)
        kept: list[Tensor] = []
        hook = (
            module.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
            if is_input
            else module.register_forward_hook(lambda _, args, out: kept.append(out))
        )
        try:
            self.logits(ids)
        finally:
            hook.remove()
        return kept[0].reshape(1, ids.shape[1], -1)

    def patched_logits(self, ids: Tensor, patches: list[tuple[str, int, int, int, Tensor]]) -> Tensor:
        """Last logits with nodes (kind, layer, position, unit) replaced from donor tensors as ``read`` gives them."""
        return self.all_patched_logits(ids, patches)[:, -1]

    def all_patched_logits(self, ids: Tensor, patches: list[tuple[str, int, int, int, Tensor]]) -> Tensor:
        """The same at every position."""
        with ExitStack() as stack:
            for kind, layer, position, unit, donor in patches:
                module, is_input, where = self.site(kind, layer)

                columns = where(unit)

                def put(x: Tensor, position=position, columns=columns, donor=donor) -> Tensor:
                    new = x.clone().reshape(1, ids.shape[1], -1)
                    new[:, position, columns] = donor[:, position, columns]
                    return new.reshape(x.shape)

                if is_input:
                    hook = module.register_forward_pre_hook(lambda _, args, put=put: (put(args[0]), *args[1:]))
                else:
                    hook = module.register_forward_hook(lambda _, args, out, put=put: put(out))
                stack.callback(hook.remove)
            return self.all_logits(ids)
