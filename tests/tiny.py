"""Tiny random models of many families, and pairs of random token ids for them."""

from __future__ import annotations

import os

import torch
import transformers as hf
from transformers import AutoModelForCausalLM

from core.models.load import LoadedModel, wrap
from core.prompts.pairs import TokenPair

VOCAB = 101
_COMMON = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_GQA = {**_COMMON, "num_key_value_heads": 2}
_GEMMA = {**_GQA, "head_dim": 16, "sliding_window": 4, "query_pre_attn_scalar": 16}
_GPT2 = {"vocab_size": VOCAB, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 64, "bos_token_id": 1}

CONFIGS = {
    "gpt2": lambda: hf.GPT2Config(**_GPT2, eos_token_id=2),
    "neox": lambda: hf.GPTNeoXConfig(**_COMMON),
    "llama": lambda: hf.LlamaConfig(**_GQA),
    "qwen2": lambda: hf.Qwen2Config(**_GQA),
    "qwen3": lambda: hf.Qwen3Config(**_GQA, head_dim=16),
    "opt": lambda: hf.OPTConfig(**_COMMON, ffn_dim=48, word_embed_proj_dim=32),
    "mistral": lambda: hf.MistralConfig(**_GQA, sliding_window=4),
    "phi": lambda: hf.PhiConfig(**_COMMON),
    "phi3": lambda: hf.Phi3Config(**_GQA),
    "gemma": lambda: hf.GemmaConfig(**_GQA, head_dim=16),
    "gemma2": lambda: hf.Gemma2Config(**_GEMMA),
    "gemma3": lambda: hf.Gemma3TextConfig(**_GEMMA),
    "olmo2": lambda: hf.Olmo2Config(**_GQA),
    "smollm3": lambda: hf.SmolLM3Config(**_GQA),
    "granite": lambda: hf.GraniteConfig(**_GQA, residual_multiplier=0.5),
}
FAMILIES = tuple(CONFIGS)


def tiny_hf(family: str, seed: int = 0, scale: float = 4.0):
    """A random causal language model; weights are scaled up so that effects are far above rounding."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(CONFIGS[family]())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "embed" not in name:
                parameter.mul_(scale)
    return model.eval()


def tiny_model(family: str, seed: int = 0) -> LoadedModel:
    """A random model on the CPU, or on the device that CIRCUITARIUM_TEST_DEVICE names."""
    device = os.environ.get("CIRCUITARIUM_TEST_DEVICE", "cpu")
    return wrap(tiny_hf(family, seed).to(device), None, model_id=f"tiny-{family}")


def random_pairs(count: int, length: int, first: int, seed: int = 0) -> tuple[TokenPair, ...]:
    """Pairs of random ids that first differ at ``first`` (and differ in about half of the later positions)."""
    generator = torch.Generator().manual_seed(seed)
    pairs = []
    for row in range(count):
        clean = torch.randint(3, VOCAB, (length,), generator=generator)
        corrupt = clean.clone()
        change = torch.rand(length, generator=generator) < 0.5
        change[: first + 1] = False
        change[first] = True
        corrupt[change] = (clean[change] - 3 + 17) % (VOCAB - 3) + 3
        answer, distractor = torch.randperm(VOCAB - 3, generator=generator)[:2] + 3
        pairs.append(token_pair(row, clean.tolist(), corrupt.tolist(), int(answer), int(distractor)))
    return tuple(pairs)


def token_pair(row: int, clean: list[int], corrupt: list[int], answer, distractor) -> TokenPair:
    """A pair whose texts name the ids; answer and distractor are an id, or a tuple of several that count alike."""

    def texts(ids) -> tuple[str, ...]:
        return tuple(f" t{i}" for i in ids)

    def named(target):
        return texts(target) if isinstance(target, tuple) else f" t{target}"

    return TokenPair(
        row,
        "",
        tuple(clean),
        tuple(corrupt),
        texts(clean),
        texts(corrupt),
        answer,
        distractor,
        named(answer),
        named(distractor),
    )
