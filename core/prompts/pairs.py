"""Prompt pairs: the text a person brings, before and after a tokenizer has seen it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import PromptError

Texts = str | tuple[str, ...]  # one text, or several of which each counts
MOST_ANSWERS = 1_000  # texts or ids of one answer or distractor


@dataclass(frozen=True)
class PromptPair:
    """Two prompts that differ in what decides the answer.

    ``clean`` shows the behaviour, ``corrupt`` donates activations; ``answer`` is the token the clean
    prompt calls for, ``distractor`` the one the corrupt prompt calls for. Texts are kept to the letter,
    leading spaces included.

    Either may be a tuple of texts that count alike ("every later year"); a tuple of one is that text. A file made
    for one tokenizer may give token ids instead, in ``answer_ids`` and ``distractor_ids``; the texts may be empty
    then, and are not read.

    Raises:
        PromptError: an empty tuple of texts, or one of more than ``MOST_ANSWERS``.
    """

    clean: str
    corrupt: str
    answer: Texts
    distractor: Texts
    name: str = ""
    answer_ids: tuple[int, ...] = ()
    distractor_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for role in ("answer", "distractor"):
            object.__setattr__(self, role, _one_or_several(role, getattr(self, role)))
            object.__setattr__(self, f"{role}_ids", tuple(getattr(self, f"{role}_ids")))
            if max(len(answer_texts(getattr(self, role))), len(getattr(self, f"{role}_ids"))) > MOST_ANSWERS:
                raise PromptError(f"The {role} has more than {MOST_ANSWERS} texts.", next_step="Leave some out.")

    def to_json(self) -> dict[str, Any]:
        """The fields in their order, fit for JSON; without ids where none are given, so that a set of texts keeps the
        digest and the form that it had before there were ids."""
        given = self.answer_ids or self.distractor_ids
        return {name: value for name, value in asdict(self).items() if given or not name.endswith("_ids")}


def _one_or_several(role: str, texts: str | Sequence[str]) -> Texts:
    if isinstance(texts, str):
        return texts
    if not texts:
        raise PromptError(f"The list of texts for the {role} is empty.", next_step="Fill it in, or delete the row.")
    return texts[0] if len(texts) == 1 else tuple(texts)


def answer_texts(answer: Texts) -> tuple[str, ...]:
    """The texts of an answer or distractor, one or several."""
    return (answer,) if isinstance(answer, str) else answer


@dataclass(frozen=True)
class PairSet:
    """A named, ordered collection of pairs."""

    name: str
    pairs: tuple[PromptPair, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[PromptPair]:
        return iter(self.pairs)

    @property
    def digest(self) -> str:
        """Hex digest of the pairs' content and order; the set's own name does not enter."""
        text = json.dumps([pair.to_json() for pair in self.pairs], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class TokenPair:
    """A pair as one model sees it: equal numbers of token ids, one answer id, one distractor id.

    ``row`` is the pair's 0-based place in its set. ``clean_tokens``/``corrupt_tokens`` hold each token's
    own text (spaces kept), for display.
    """

    row: int
    name: str
    clean_ids: tuple[int, ...]
    corrupt_ids: tuple[int, ...]
    clean_tokens: tuple[str, ...]
    corrupt_tokens: tuple[str, ...]
    answer_id: int
    distractor_id: int
    answer: str
    distractor: str

    def __len__(self) -> int:
        return len(self.clean_ids)

    @property
    def label(self) -> str:
        """The pair's name, or its row where it has none."""
        return self.name or str(self.row)

    @property
    def first_difference(self) -> int:
        """First position at which the token ids differ; every effect before it is exactly 0."""
        return next(i for i, (a, b) in enumerate(zip(self.clean_ids, self.corrupt_ids)) if a != b)


def group_by_length(pairs: tuple[TokenPair, ...]) -> dict[int, tuple[TokenPair, ...]]:
    """Pairs by number of tokens, shortest first; the engine batches within a group."""
    lengths = sorted({len(pair) for pair in pairs})
    return {n: tuple(pair for pair in pairs if len(pair) == n) for n in lengths}


def largest_group(pairs: tuple[TokenPair, ...]) -> tuple[TokenPair, ...]:
    """The pairs of the commonest length, where a node at a position must mean the same in all of them."""
    return max(group_by_length(pairs).values(), key=len)
