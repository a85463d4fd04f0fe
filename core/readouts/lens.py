"""Logit lens: what the model would say if it stopped before each layer, at every position.

Each residual stream goes through the model's own final norm and unembedding (soft-cap and logit scale included), so
the last row is the model's answer. TransformerLens's ``logit_lens`` agrees; ours needs no second copy of the
model and works in chunks of rows, so that all layers and positions of the whole vocabulary never lie in memory at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.models.load import LoadedModel
from core.patching.base_run import base_run
from core.patching.forward import logits_at
from core.patching.readout import MAX_LOGITS
from core.prompts.pairs import TokenPair, refuse_rest
from core.prompts.show import shown
from core.prompts.tokens import token_texts

RunName = Literal["clean", "corrupt"]


@dataclass(frozen=True, eq=False)
class LogitLens:
    """One run of one pair, read at every layer; float32 and int32 ``[layer + 1, position]``, the last row the answer.

    Attributes:
        difference: logit of the answer minus that of the distractor (logits); where several tokens count alike, their
            mean.
        answer_probability, answer_rank: of the answer among the whole vocabulary; rank 1 is the likeliest. Where
            several tokens count as right: the probability of all together, and the rank of the likeliest.
        top, top_probability: the likeliest token's text and its probability.
    """

    difference: np.ndarray
    answer_probability: np.ndarray
    answer_rank: np.ndarray
    top: np.ndarray
    top_probability: np.ndarray
    tokens: tuple[str, ...]
    answer: str
    distractor: str


def logit_lens(model: LoadedModel, pair: TokenPair, *, run: RunName = "clean") -> LogitLens:
    """Read every layer of one run of a pair.

    Raises:
        PromptError: the answer is several tokens in a row.
    """
    refuse_rest([pair], "the lens")
    ids = torch.tensor([getattr(pair, f"{run}_ids")], device=model.device)
    streams = torch.cat(base_run(model, ids, ()).inputs)  # [layer + 1, position, d_model]
    shape = streams.shape[:2]
    rows = streams.reshape(-1, streams.shape[-1])
    size = max(1, MAX_LOGITS // model.hf.config.get_text_config().vocab_size)
    with torch.no_grad():
        parts = [_read(logits_at(model, chunk).float(), pair) for chunk in rows.split(size)]
    difference, probability, rank, top, top_probability = (
        torch.cat(column).reshape(shape).cpu().numpy() for column in zip(*parts)
    )
    texts = np.array(token_texts(top.ravel().tolist(), model.tokenizer), dtype=object).reshape(shape)
    tokens = pair.clean_tokens if run == "clean" else pair.corrupt_tokens
    answer, distractor = shown(pair.answer), shown(pair.distractor)
    return LogitLens(difference, probability, rank, texts, top_probability, tokens, answer, distractor)


def _read(logits: Tensor, pair: TokenPair) -> tuple[Tensor, ...]:
    """Per row: logit difference, the answer's probability and rank, and the likeliest token with its probability."""
    answers, distractors = logits[:, list(pair.answer_ids)], logits[:, list(pair.distractor_ids)]
    chances = logits.softmax(-1)
    best = chances.max(-1)
    rank = (logits > answers.max(-1, keepdim=True).values).sum(-1) + 1
    probability = chances[:, list(pair.answer_ids)].sum(-1)
    return answers.mean(-1) - distractors.mean(-1), probability, rank, best.indices, best.values
