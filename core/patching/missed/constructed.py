"""Two models built by hand, in which plain AtP fails for a known reason. They have learned nothing.

Both are GPT-2s of two layers without norms, with four heads that read and write named directions of the stream. In
both, heads 1 to 3 are bystanders of small, plain effect, so that a node whose estimate vanishes falls behind them.

    saturated   head 0 looks at one key with all its attention (p > 1 - 1e-7). The corrupt token's key would send it
                elsewhere, but the softmax has no slope there: AtP gives the key an effect of 0, the QK fix the
                true one.
    cancelling  head 0 writes the answer and the MLP of layer 1 takes it back, to a thousandth, at the slope of the
                clean run. The patched run leaves that slope, and only half is taken back. AtP sees the small
                difference of two large parts; GradDrop, with the MLP's layer dropped, sees one part.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from core.models.load import LoadedModel, wrap
from core.prompts.pairs import TokenPair

SATURATED, CANCELLING = "constructed-saturated", "constructed-cancelling"
WIDTH, HEADS, D_HEAD = 16, 4, 4
FILLER, CLEAN, CORRUPT, LAST, ANSWER, DISTRACTOR = range(6)
TEXTS = (" and", " yes", " no", " so", " A", " B")
# Directions of the stream: what keys and queries read, what values read, what heads write.
KEY, QUERY, VALUE, OTHER, WRITES_A, WRITES_B, SMALL, WRITES_SMALL = range(8)
STRONG = 4.0  # the clean value of what head 0 of the cancelling model writes; the corrupt one is its negative


def saturated() -> tuple[LoadedModel, TokenPair]:
    """The model whose head 0 attends to the token at position 1 alone; the node is its key there."""
    hf = _empty()
    embed = hf.transformer.wte.weight
    embed[FILLER, OTHER] = embed[CLEAN, VALUE] = embed[CORRUPT, VALUE] = embed[LAST, QUERY] = 1.0
    embed[CLEAN, KEY], embed[CORRUPT, KEY] = 1.0, -1.0
    reads, writes = _head(hf, 0)
    reads["q"][QUERY, 0] = reads["k"][KEY, 0] = 7.0  # scores of +-7 * 7 / sqrt(4)
    reads["v"][VALUE, 1] = reads["v"][OTHER, 2] = 1.0
    writes[1, WRITES_A] = writes[2, WRITES_B] = 1.0
    return _finished(hf, SATURATED, (FILLER, CLEAN, FILLER, LAST), (FILLER, CORRUPT, FILLER, LAST))


def cancelling() -> tuple[LoadedModel, TokenPair]:
    """The model whose MLP takes back what head 0 writes; the node is that head's output at the last token."""
    hf = _empty()
    embed = hf.transformer.wte.weight
    embed[CLEAN, VALUE], embed[CORRUPT, VALUE] = 1.0, -1.0
    reads, writes = _head(hf, 0)
    reads["v"][VALUE, 1] = 2 * STRONG  # two tokens share the attention
    writes[1, WRITES_A] = 1.0
    mlp = hf.transformer.h[1].mlp
    mlp.c_fc.weight[WRITES_A, 0] = 1.0
    mlp.c_proj.weight[0, WRITES_B] = (1 - 1e-3) / _slope(STRONG)
    return _finished(hf, CANCELLING, (CLEAN, LAST), (CORRUPT, LAST))


def _empty() -> Any:
    """All weights 0, no norms; bystanders and the answer's read-out in place."""
    config = GPT2Config(
        vocab_size=len(TEXTS),
        n_embd=WIDTH,
        n_layer=2,
        n_head=HEADS,
        n_positions=8,
        n_inner=4,
        activation_function="gelu",
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    hf = GPT2LMHeadModel(config).eval().requires_grad_(False)
    for parameter in hf.parameters():
        parameter.zero_()
    for block in hf.transformer.h:
        block.ln_1 = block.ln_2 = nn.Identity()
    hf.transformer.ln_f = nn.Identity()
    hf.transformer.wte.weight[CLEAN, SMALL], hf.transformer.wte.weight[CORRUPT, SMALL] = 0.1, -0.1
    for head in range(1, HEADS):
        reads, writes = _head(hf, head)
        reads["v"][SMALL, 0] = writes[0, WRITES_SMALL] = 1.0
    hf.lm_head.weight[ANSWER, WRITES_A] = hf.lm_head.weight[ANSWER, WRITES_SMALL] = 1.0
    hf.lm_head.weight[DISTRACTOR, WRITES_B] = 1.0
    return hf


def _head(hf: Any, head: int) -> tuple[dict[str, Tensor], Tensor]:
    """Views of a head of layer 0: what q, k and v read, ``[stream, d_head]``, and what z writes, the reverse."""
    attention = hf.transformer.h[0].attn
    own = slice(head * D_HEAD, (head + 1) * D_HEAD)
    reads = {kind: part[:, own] for kind, part in zip("qkv", attention.c_attn.weight.split(WIDTH, dim=1))}
    return reads, attention.c_proj.weight[own]


def _slope(x: float) -> float:
    """Derivative of GELU."""
    with torch.enable_grad():
        at = torch.tensor(x, requires_grad=True)
        return float(torch.autograd.grad(F.gelu(at), at)[0])


def _finished(hf: Any, name: str, clean: tuple[int, ...], corrupt: tuple[int, ...]) -> tuple[LoadedModel, TokenPair]:
    def texts(ids: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(TEXTS[i] for i in ids)

    pair = TokenPair(
        row=0,
        name=name,
        clean_ids=clean,
        corrupt_ids=corrupt,
        clean_tokens=texts(clean),
        corrupt_tokens=texts(corrupt),
        answer_id=ANSWER,
        distractor_id=DISTRACTOR,
        answer=TEXTS[ANSWER],
        distractor=TEXTS[DISTRACTOR],
    )
    return wrap(hf, None, model_id=name), pair
