"""What a head's two circuits do, in words of the vocabulary.

    OV  if the head attends to this token alone, which tokens' logits does its write raise and lower?
    QK  standing at this token, which tokens would it like best to attend to (at the same place: no rotation)?

Each token is read alone: as its embedding, and for heads above layer 0 as the stream after block 0, which the
literature calls its effective embedding (raw embeddings say little there). What context adds is left out, so this is
what the weights offer, not what a prompt uses. Scores are taken over the ``vocabulary`` tokens of lowest id, which for
byte-pair vocabularies are the commonest, and the prompt's own.

TransformerLens has ``FactoredMatrix`` for the same products; it leaves out biases, norms and q/k-norm, all of
which the block itself, run on one token, includes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import SpecError
from core.models.architecture import replaced_forward
from core.models.attention import AttentionPass, AttentionStep, attention_pass
from core.models.load import LoadedModel
from core.patching.forward import block_kwargs
from core.prompts.pairs import TokenPair
from core.prompts.tokens import token_texts
from core.readouts.block_attention import attention_of
from core.readouts.direct import final_hidden
from core.readouts.linear import FrozenNorm, freeze
from core.readouts.writes import head_writes_of

CHUNK = 2048  # tokens read at once
TokenScore = tuple[str, float]


@dataclass(frozen=True)
class TokenWords:
    """One token of the prompt: ``raised``, ``lowered`` (logits, centred over the vocabulary) when it is attended to,
    ``sought`` (attention scores) when the head stands at it, and its own rank in each; rank 1 is the first."""

    token: str
    raised: tuple[TokenScore, ...]
    lowered: tuple[TokenScore, ...]
    own_rank: int
    sought: tuple[TokenScore, ...]
    own_sought_rank: int


@dataclass(frozen=True)
class HeadWords:
    """``copying`` is the share of the vocabulary's tokens that the head's write raises into their own first ten."""

    layer: int
    head: int
    vocabulary: int
    tokens: tuple[TokenWords, ...]
    copying: float


def head_words(
    model: LoadedModel, pair: TokenPair, layer: int, head: int, *, vocabulary: int = 8192, top: int = 8
) -> HeadWords:
    """Both circuits of a head, for every distinct token of the clean prompt.

    Raises:
        SpecError: the model has no such head.
    """
    shape = model.shape
    if not (0 <= layer < shape.n_layers and 0 <= head < shape.n_heads):
        raise SpecError(f"There is no head {head} in layer {layer}.")
    size = min(vocabulary, model.hf.config.get_text_config().vocab_size)
    own = sorted(set(pair.clean_ids), key=pair.clean_ids.index)
    every = torch.tensor(sorted({*range(size), *own}), device=model.device)
    places = {token: i for i, token in enumerate(every.tolist())}
    at = torch.tensor([places[token] for token in own])
    with torch.no_grad():
        steps = [_alone(model, layer, chunk) for chunk in every.split(CHUNK)]
        group = head // (shape.n_heads // shape.n_kv_heads)
        k = torch.cat([step.k[:, group, 0] for step in steps]).float()
        v = torch.cat([step.v[:, group, 0] for step in steps])
        q = torch.cat([step.q[:, head, 0] for step in steps])[at].float()
        sought = q @ k.T * steps[0].scaling
        raised = _logits(model, layer, head, v[at], every)
        copied = _copying(model, layer, head, v, every)
    texts = token_texts(every.tolist(), model.tokenizer)
    return HeadWords(
        layer,
        head,
        len(every),
        tuple(
            TokenWords(
                token=texts[int(at[i])],
                raised=_best(raised[i], texts, top),
                lowered=_best(-raised[i], texts, top, sign=-1),
                own_rank=_rank(raised[i], int(at[i])),
                sought=_best(sought[i], texts, top),
                own_sought_rank=_rank(sought[i], int(at[i])),
            )
            for i in range(len(own))
        ),
        copied,
    )


def _alone(model: LoadedModel, layer: int, ids: Tensor) -> AttentionStep:
    """Queries, keys and values of single tokens, ``[token, head, 1, d_head]``."""
    kwargs = block_kwargs(model, 0, 1)
    alone = AttentionPass(mask=[torch.zeros(1, 1, 1, 1, device=model.device)] * model.shape.n_layers)
    x = _first_input(model, ids)
    if layer:
        with attention_pass(alone):
            x = model.parts.blocks[0](x, **kwargs[0])
    return attention_of(model, layer, x, kwargs[layer], alone)


def _first_input(model: LoadedModel, ids: Tensor) -> Tensor:
    """What block 0 reads for single tokens, with whatever norm, scale and position the family adds."""
    seen: list[Tensor] = []

    def keep(hidden: Tensor, *_: object, **__: object) -> Tensor:
        seen.append(hidden)
        return hidden

    with replaced_forward(dict.fromkeys(model.parts.blocks, keep)):
        model.hf.base_model(input_ids=ids[:, None], use_cache=False)
    return seen[0]


def _logits(model: LoadedModel, layer: int, head: int, v: Tensor, every: Tensor) -> Tensor:
    """Centred logits ``[token, vocabulary]`` of what the head writes for values ``[token, d_head]``."""
    z = v.new_zeros(len(v), model.shape.n_heads, 1, v.shape[-1])
    z[:, head, 0] = v
    write = head_writes_of(model, layer, z)[:, head, 0]
    norm = _typical_norm(model)
    weight = model.parts.unembed.weight.detach()[every].float()  # type: ignore[index,operator,union-attr]
    logits = norm.write(write) @ weight.T
    return logits - logits.mean(-1, keepdim=True)


def _typical_norm(model: LoadedModel) -> FrozenNorm:
    """The final norm at unit scale: only its gains matter to an order of tokens."""
    flat = torch.ones(1, model.shape.d_model, device=model.device, dtype=model.dtype)
    flat[:, 1::2] = -1
    return freeze(lambda x: final_hidden(model, x), flat)


def _copying(model: LoadedModel, layer: int, head: int, v: Tensor, every: Tensor, *, sample: int = 512) -> float:
    chosen = torch.linspace(0, len(every) - 1, min(sample, len(every))).long()
    logits = _logits(model, layer, head, v[chosen], every)
    own = logits.gather(1, chosen[:, None].to(logits.device))
    return float(((logits > own).sum(-1) < 10).float().mean())


def _best(values: Tensor, texts: tuple[str, ...], top: int, sign: int = 1) -> tuple[TokenScore, ...]:
    found = values.topk(min(top, len(values)))
    return tuple((texts[i], sign * x) for i, x in zip(found.indices.tolist(), found.values.tolist()))


def _rank(values: Tensor, index: int) -> int:
    return int((values > values[index]).sum()) + 1
