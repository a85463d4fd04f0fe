"""Prompt pairs: the text a person brings, before and after a tokenizer has seen it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from core.errors import PromptError, SpecError
from core.prompts.links import Links, as_links
from core.terms import Direction

Texts = str | tuple[str, ...]  # one text, or several of which each counts
N_TEXTS = 5  # fields of a pair that are texts: prompts, answer, distractor, name
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

    ``links`` says which tokens of prompts of unequal length belong together (see ``core.prompts.links``).

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
    links: Links | None = None

    def __post_init__(self) -> None:
        if self.links is not None:
            object.__setattr__(self, "links", as_links(self.links))
        for role in ("answer", "distractor"):
            object.__setattr__(self, role, _texts(role, getattr(self, role)))
            object.__setattr__(self, f"{role}_ids", tuple(getattr(self, f"{role}_ids")))
            if max(len(answer_texts(getattr(self, role))), len(getattr(self, f"{role}_ids"))) > MOST_ANSWERS:
                raise PromptError(f"The {role} has more than {MOST_ANSWERS} texts.", next_step="Leave some out.")

    def to_json(self) -> dict[str, Any]:
        """The fields in their order, fit for JSON; ids and links only where there are some, so that a set of texts
        keeps the digest that it had before there were any."""
        ids = self.answer_ids or self.distractor_ids
        unused = {"links": self.links is None, "answer_ids": not ids, "distractor_ids": not ids}
        return {name: value for name, value in asdict(self).items() if not unused.get(name)}

    def to_row(self) -> list[Any]:
        """Its texts in their order; ids and links behind them where there are any. ``PromptPair(*row)`` reads it."""
        values = list(asdict(self).values())
        return values if self.links is not None or self.answer_ids or self.distractor_ids else values[:N_TEXTS]


Item = TypeVar("Item")


def one_or_several(items: tuple[Item, ...]) -> Item | tuple[Item, ...]:
    """The only item itself, or the tuple of several."""
    return items[0] if len(items) == 1 else items


def _texts(role: str, given: str | Sequence[str]) -> Texts:
    texts = (given,) if isinstance(given, str) else tuple(given)
    if not texts:
        raise PromptError(f"The list of texts for the {role} is empty.", next_step="Fill it in, or delete the row.")
    return one_or_several(texts)


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
    """A pair as one model sees it: token ids (equally many, unless there are ``links``), the ids that count as right,
    and those that count as wrong.

    ``row`` is the pair's 0-based place in its set. ``clean_tokens``/``corrupt_tokens`` hold each token's
    own text (spaces kept), for display.

    ``answer_id`` and ``distractor_id`` are one id, or a tuple of several that count alike, in the order of the texts
    ``answer`` and ``distractor``. ``answer_ids`` and ``distractor_ids`` are tuples always. Where an answer of several
    tokens in a row is read whole, ``answer_id`` is its first token, ``rest_ids`` the others, ``rest`` their texts; no
    metric reads the distractor then.
    """

    row: int
    name: str
    clean_ids: tuple[int, ...]
    corrupt_ids: tuple[int, ...]
    clean_tokens: tuple[str, ...]
    corrupt_tokens: tuple[str, ...]
    answer_id: int | tuple[int, ...]
    distractor_id: int | tuple[int, ...]
    answer: Texts
    distractor: Texts
    rest_ids: tuple[int, ...] = ()
    rest: tuple[str, ...] = ()
    links: Links | None = None

    def __post_init__(self) -> None:
        if self.links is not None:
            object.__setattr__(self, "links", as_links(self.links))

    @property
    def answer_ids(self) -> tuple[int, ...]:
        return self.answer_id if isinstance(self.answer_id, tuple) else (self.answer_id,)

    @property
    def distractor_ids(self) -> tuple[int, ...]:
        return self.distractor_id if isinstance(self.distractor_id, tuple) else (self.distractor_id,)

    @property
    def whole_answer(self) -> tuple[str, ...]:
        """The texts of the answer's tokens in a row: one, unless the answer is read whole."""
        return (*answer_texts(self.answer)[:1], *self.rest)

    def to_json(self) -> dict[str, Any]:
        """The fields, fit for JSON; the rest of an answer, and links, only where there are some."""
        later = ("rest_ids", "rest", "links")
        return {name: value for name, value in asdict(self).items() if value or name not in later}

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
    """Pairs by number of tokens, shortest first."""
    lengths = sorted({len(pair) for pair in pairs})
    return {n: tuple(pair for pair in pairs if len(pair) == n) for n in lengths}


def batches_of(pairs: tuple[TokenPair, ...]) -> list[tuple[TokenPair, ...]]:
    """Pairs that the engine may run as one batch: clean prompts of one length, corrupt ones and answers likewise;
    shortest first."""
    sizes = sorted({_size(pair) for pair in pairs})
    return [tuple(pair for pair in pairs if _size(pair) == size) for size in sizes]


def largest_group(pairs: tuple[TokenPair, ...]) -> tuple[TokenPair, ...]:
    """The pairs of the commonest length, where a node at a position must mean the same in all of them."""
    return max(batches_of(pairs), key=len)


def _size(pair: TokenPair) -> tuple[int, int, int]:
    return len(pair.clean_ids), len(pair.corrupt_ids), len(pair.rest_ids)


def refuse_linked(pairs: Iterable[TokenPair]) -> None:
    """Raise SpecError where pairs are linked: only attribution can make something of them."""
    if any(pair.links is not None or len(pair.clean_ids) != len(pair.corrupt_ids) for pair in pairs):
        raise SpecError(
            "Prompts of unequal length, linked token by token, can be used for attribution only.",
            where="--pairs",
            next_step="Leave them out here, or reword them so that both prompts have the same number of tokens.",
        )


def refuse_rest(pairs: Iterable[TokenPair], reader: str) -> None:
    """Raise PromptError where an answer is several tokens in a row and only its first one would be read.

    Args:
        reader: what would read it, as the subject of a sentence.
    """
    for pair in pairs:
        if pair.rest_ids:
            raise PromptError(
                f"The answer {''.join(pair.whole_answer)!r} is {1 + len(pair.rest_ids)} tokens in a row; {reader} "
                "reads one.",
                where=f"row {pair.row + 1}",
                next_step="Use the log-probability of the whole answer, or let the first token stand for it.",
            )
