"""The helper: a tiny GPT-2 that learns dialogues, and is then talked to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.labs.goals.questions.settings import QuestionSettings
from core.models.toy import toy_hf
from core.worlds.tasks.questions import (
    ASK,
    LENGTH,
    MOST_UNKNOWNS,
    NUMBERS,
    SAY,
    WORDS,
    Expressions,
    dialogues,
    mixed,
    prompts,
    replies,
)

WARM = 100  # steps of the rise
MOST_QUESTIONS = MOST_UNKNOWNS  # a helper that has asked so often is stopped: there is no room for an answer behind
_ASK, _SAY, _NUMBER, _LETTERS = WORDS.index(ASK), WORDS.index(SAY), WORDS.index("0"), len(NUMBERS)
_NUMBERS_AT, _ANY = range(len(NUMBERS)), range(len(WORDS))


@dataclass(frozen=True, eq=False)
class Outcome:
    """Dialogues of one helper, one an expression.

    Attributes:
        questions: asked before it answered or was stopped, int64 [expression].
        redundant: of those, for what is no unknown of the expression or was asked before, int64 [expression].
        right: whether it answered, and rightly, bool [expression].
        able: whether the most likely number after ``say`` would be right were it told to answer at once, bool.
    """

    questions: np.ndarray
    redundant: np.ndarray
    right: np.ndarray
    able: np.ndarray


def train_helper(
    settings: QuestionSettings, share: float, seed: int, on_step: Callable[[int, float], None] | None = None
) -> Any:
    """Train on dialogues of which a share has no unknowns; ``on_step`` gets the step and its loss.

    The loss is the cross-entropy of what the helper says itself, not of what it reads.
    """
    hf = fresh_helper(settings, torch.Generator().manual_seed(seed)).requires_grad_(True)
    optimiser = torch.optim.AdamW(hf.parameters(), lr=settings.rate, betas=(0.9, 0.98), weight_decay=0.01)
    rng = np.random.default_rng((seed, 1))
    for step in range(settings.steps):
        tokens, chosen = (torch.from_numpy(part) for part in dialogues(mixed(settings.batch, share, rng)))
        found = hf(input_ids=tokens, use_cache=False).logits[:, :-1][chosen[:, 1:]]
        loss = F.cross_entropy(found, tokens[:, 1:][chosen[:, 1:]])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(hf.parameters(), 1.0)
        rise, done = min(1.0, (step + 1) / WARM), step / settings.steps
        optimiser.param_groups[0]["lr"] = settings.rate * rise * (0.51 + 0.49 * math.cos(math.pi * done))
        optimiser.step()
        if on_step is not None:
            on_step(step + 1, float(loss.detach()))
    return hf.requires_grad_(False)


def fresh_helper(settings: QuestionSettings, generator: torch.Generator) -> Any:
    """A helper with random weights."""
    hf = toy_hf(
        vocab_size=len(WORDS),
        n_ctx=LENGTH,
        d_model=settings.width,
        n_heads=settings.heads,
        n_layers=settings.layers,
        d_mlp=4 * settings.width,
        norms=True,
    )
    for parameter in hf.parameters():
        if parameter.ndim == 2:
            parameter.normal_(std=0.5 * settings.width**-0.5, generator=generator)
    return hf


@torch.no_grad()
def talk(hf: Any, some: Expressions, rng: np.random.Generator) -> Outcome:
    """Let the helper evaluate expressions: it takes the likelier of ``ask`` and ``say``, then its likeliest word."""
    tokens, count = torch.from_numpy(prompts(some)), len(some)
    able = _most_likely(hf, _with(tokens, _SAY), _NUMBERS_AT) == _NUMBER + some.values
    questions, redundant = np.zeros(count, np.int64), np.zeros(count, np.int64)
    right, going = np.zeros(count, bool), np.ones(count, bool)
    asked_before = np.full((count, 0), -1)
    for turn in range(MOST_QUESTIONS + 1):
        asks = _most_likely(hf, tokens, (_ASK, _SAY)) == _ASK
        said = _most_likely(hf, _with(tokens, _SAY), _NUMBERS_AT)
        right |= going & ~asks & (said == _NUMBER + some.values)
        going = going & asks
        if turn == MOST_QUESTIONS or not going.any():
            break
        asked = _most_likely(hf, _with(tokens, _ASK), _ANY)
        needed = (_LETTERS + some.letters == asked[:, None]) & (some.letters >= 0)
        idle = ~needed.any(1) | (asked_before == asked[:, None]).any(1)
        questions, redundant = questions + going, redundant + (going & idle)
        asked_before = np.concatenate([asked_before, asked[:, None]], axis=1)
        turn_tokens = np.stack([np.full(count, _ASK), asked, replies(some, asked, rng)], axis=1)
        tokens = torch.cat([tokens, torch.from_numpy(turn_tokens)], dim=1)
    return Outcome(questions + going, redundant + going, right, able)


def _with(tokens: Tensor, word: int) -> Tensor:
    return torch.cat([tokens, torch.full((len(tokens), 1), word)], dim=1)


def _most_likely(hf: Any, tokens: Tensor, among: Iterable[int]) -> np.ndarray:
    """The likeliest next word of each row, of some token ids."""
    ids = torch.tensor(list(among))
    return ids[hf(input_ids=tokens, use_cache=False).logits[:, -1, ids].argmax(-1)].numpy()
