"""What the doctor for pairs says of a set, and what it looks at.

A check reads a ``Case`` and yields a ``Finding`` for each row that is not as it should be. A finding may carry a
``Repair``, a pure function of one pair: the page offers it as a button, the command line applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from core.prompts.align import MAX_TOKENS, AlignedPairs, align
from core.prompts.pairs import PromptPair, Texts, TokenPair
from core.prompts.parse import ParsedPairs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Repair:
    """A way to mend a pair: ``mend(pair)`` is the pair without the fault, or None where the pair is to be left out.

    ``label`` names it on a button.
    """

    label: str
    mend: Callable[[PromptPair], PromptPair | None]


LEAVE_OUT = Repair("Leave out", lambda _: None)


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        row: 0-based row of the file; None: it holds for every row, or for the set as a whole.
        check: name of the check.
        severity: ``"error"``: the pair cannot be run, or its numbers would mean nothing. ``"warning"``: it runs, but
            its numbers may not mean what was meant. ``"note"``: worth knowing.
        what: what was found, in one or two sentences.
        next_step: what to do about it, one sentence.
        repair: what mends it, where something does.
    """

    row: int | None
    check: str
    severity: Severity
    what: str
    next_step: str
    repair: Repair | None = None

    @property
    def where(self) -> str:
        """The row as people count it, from 1."""
        return "all rows" if self.row is None else f"row {self.row + 1}"


@dataclass(frozen=True)
class Case:
    """A set as its checks see it: as it was read, and as the model's tokenizer splits it.

    Attributes:
        parsed: the rows that could be read, and what is wrong with the others.
        aligned: the rows that can be run, and what is wrong with the others.
        model_name: decides whether the model counts as one made for chat.
    """

    parsed: ParsedPairs
    aligned: AlignedPairs
    tokenizer: PreTrainedTokenizerBase
    model_name: str
    max_tokens: int

    @classmethod
    def of(
        cls,
        parsed: ParsedPairs,
        tokenizer: PreTrainedTokenizerBase,
        *,
        model_name: str = "",
        max_tokens: int = MAX_TOKENS,
    ) -> Case:
        """Align a set for its checks; ``max_tokens`` is the model's limit."""
        limit = min(MAX_TOKENS, max_tokens)
        aligned = align(parsed.pairs, tokenizer, rows=parsed.rows, max_tokens=limit)
        return cls(parsed, aligned, tokenizer, model_name, limit)

    @cached_property
    def pairs(self) -> dict[int, PromptPair]:
        """Row -> the pair as it was written."""
        return dict(zip(self.parsed.rows, self.parsed.pairs))

    @cached_property
    def tokens(self) -> dict[int, TokenPair]:
        """Row -> the pair as tokens, for the rows that can be run."""
        return {pair.row: pair for pair in self.aligned.pairs}


@dataclass(frozen=True)
class Check:
    """One kind of fault that is looked for.

    Attributes:
        name: the word for it on the command line.
        title: the words for it on the page.
        about: what it looks for, and why that matters; one or two sentences.
        find: yields the findings, from a ``Case``, or where the check ``runs`` the model from what that gave.
    """

    name: str
    title: str
    about: str
    find: Callable[[Any], Iterator[Finding]]
    runs: bool = False


def with_texts(answer: Texts, change: Callable[[str], str]) -> Texts:
    """An answer or distractor of the same form, each of its texts changed."""
    return change(answer) if isinstance(answer, str) else tuple(map(change, answer))
