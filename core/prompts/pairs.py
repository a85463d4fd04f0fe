"""Prompt pairs: the text a person brings, before and after a tokenizer has seen it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class PromptPair:
    """Two prompts that differ in what decides the answer.

    ``clean`` shows the behaviour, ``corrupt`` donates activations; ``answer`` is the token the clean
    prompt calls for, ``distractor`` the one the corrupt prompt calls for. Texts are kept to the letter,
    leading spaces included.
    """

    clean: str
    corrupt: str
    answer: str
    distractor: str
    name: str = ""


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
        text = json.dumps([asdict(pair) for pair in self.pairs], ensure_ascii=False)
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
