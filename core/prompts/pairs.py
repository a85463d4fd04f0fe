"""Prompt pairs: the text a person brings, before and after a tokenizer has seen it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from core.prompts.links import Links, as_links
from core.terms import Direction


@dataclass(frozen=True)
class PromptPair:
    """Two prompts that differ in what decides the answer.

    ``clean`` shows the behaviour, ``corrupt`` donates activations; ``answer`` is the token the clean
    prompt calls for, ``distractor`` the one the corrupt prompt calls for. Texts are kept to the letter,
    leading spaces included. ``links`` says which tokens of prompts of unequal length belong together (see
    ``core.prompts.links``); it enters the digest only where it is there.
    """

    clean: str
    corrupt: str
    answer: str
    distractor: str
    name: str = ""
    links: Links | None = None

    def __post_init__(self) -> None:
        if self.links is not None:
            object.__setattr__(self, "links", as_links(self.links))

    def to_json(self) -> dict[str, object]:
        """What the digest covers, as plain values; fields that came later enter where they are used."""
        return {name: value for name, value in asdict(self).items() if name != "links" or value is not None}


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
    """A pair as one model sees it: token ids (equally many, unless there are ``links``), an answer and a distractor id.

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
    links: Links | None = None

    def __post_init__(self) -> None:
        if self.links is not None:
            object.__setattr__(self, "links", as_links(self.links))

    def __len__(self) -> int:
        return len(self.clean_ids)

    def base_ids(self, direction: Direction) -> tuple[int, ...]:
        """Ids of the prompt whose run is patched: the clean one when noising, the corrupt one when denoising."""
        return self.clean_ids if direction == "noising" else self.corrupt_ids

    def base_tokens(self, direction: Direction) -> tuple[str, ...]:
        """Texts of the tokens of the prompt whose run is patched."""
        return self.clean_tokens if direction == "noising" else self.corrupt_tokens

    @property
    def label(self) -> str:
        """The pair's name, or its row where it has none."""
        return self.name or str(self.row)

    @property
    def first_difference(self) -> int:
        """First position at which token ids differ, or a linked span begins; every effect before it is exactly 0."""
        shorter = min(len(self.clean_ids), len(self.corrupt_ids))
        differ = (i for i, (a, b) in enumerate(zip(self.clean_ids, self.corrupt_ids)) if a != b)
        first = next(differ, shorter - 1)
        return min(first, self.links[0][0]) if self.links else first


def group_by_length(pairs: tuple[TokenPair, ...]) -> dict[int, tuple[TokenPair, ...]]:
    """Pairs by number of tokens, shortest first; the engine batches within a group."""
    lengths = sorted({len(pair) for pair in pairs})
    return {n: tuple(pair for pair in pairs if len(pair) == n) for n in lengths}


def largest_group(pairs: tuple[TokenPair, ...]) -> tuple[TokenPair, ...]:
    """The pairs of the commonest length, where a node at a position must mean the same in all of them."""
    return max(group_by_length(pairs).values(), key=len)
