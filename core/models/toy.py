"""Small GPT-2s, with or without norms, for models that are trained or built here; kept as ordinary folders.

A toy is a ``GPT2LMHeadModel``: every page and engine takes it like any other model. Weights start at 0, and the
unembedding is separate from the embedding. A linear map here is GPT-2's ``Conv1D``: weight ``[in, out]``, so that
the queries, keys and values of head ``h`` are the columns ``h * d_head`` onwards of the three parts of ``c_attn``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from core.errors import ModelError
from core.models.toy_folder import MARK

UNKNOWN = "[UNK]"
_WEIGHTS = "model.safetensors"


def toy_hf(
    *,
    vocab_size: int,
    n_ctx: int,
    d_model: int,
    n_heads: int,
    n_layers: int,
    d_mlp: int,
    activation: str = "relu",
    norms: bool = False,
) -> Any:
    """A GPT-2 whose weights are all 0 (its norms, if any, are plain).

    Args:
        n_ctx: longest prompt in tokens.
        d_mlp: neurons a layer; 0 gives an attention-only model (one neuron that writes nothing).
        activation: by its name in transformers, such as ``relu``, ``gelu`` or ``gelu_new``.
        norms: False puts identities in place of every LayerNorm.
    """
    config = GPT2Config(
        vocab_size=vocab_size,
        n_positions=n_ctx,
        n_embd=d_model,
        n_head=n_heads,
        n_layer=n_layers,
        n_inner=max(1, d_mlp),
        activation_function=activation,
        tie_word_embeddings=False,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
    )
    setattr(config, MARK, norms)
    hf = GPT2LMHeadModel(config).eval().requires_grad_(False)
    for name, parameter in hf.named_parameters():
        if not ("ln_" in name and name.endswith("weight")):
            parameter.zero_()
    if not norms:
        hf.transformer.ln_f = nn.Identity()
        for block in hf.transformer.h:
            block.ln_1 = block.ln_2 = nn.Identity()
    return hf


def word_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """Texts are split at white space, and the id of a word is its place in ``words``.

    An unknown word's id comes after them, where a model of these words has nothing: prompts with one are refused.
    """
    inner = Tokenizer(WordLevel({word: i for i, word in enumerate((*words, UNKNOWN))}, unk_token=UNKNOWN))
    inner.pre_tokenizer = WhitespaceSplit()  # type: ignore[assignment]
    inner.decoder = decoders.Fuse()  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token=UNKNOWN, clean_up_tokenization_spaces=False)


def save_toy(hf: Any, tokenizer: Any, folder: Path) -> None:
    """Write a toy and its tokenizer as a folder that ``load_model`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    hf.config.architectures = [type(hf).__name__]
    (folder / "config.json").write_text(hf.config.to_json_string(use_diff=False), encoding="utf-8")
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in hf.state_dict().items()}
    save_file(weights, folder / _WEIGHTS, {"format": "pt"})
    tokenizer.save_pretrained(folder)


def read_toy(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The model and the tokenizer of a folder that ``save_toy`` wrote.

    Raises:
        ModelError: a file is missing or damaged.
    """
    try:
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        hf = toy_hf(
            vocab_size=data["vocab_size"],
            n_ctx=data["n_positions"],
            d_model=data["n_embd"],
            n_heads=data["n_head"],
            n_layers=data["n_layer"],
            d_mlp=data["n_inner"],
            activation=data["activation_function"],
            norms=data[MARK],
        )
        hf.load_state_dict(load_file(folder / _WEIGHTS))
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:200]
        raise ModelError(f"The model's files are damaged: {reason}", where=folder.name) from error
    return hf.to(dtype), tokenizer
