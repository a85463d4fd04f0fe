"""How a question becomes a prompt, and the mutations: the same questions with other labels or other punctuation.

A prompt is built piece by piece, and every piece knows what it is (a label, an option's text, ...), so that each
token's kind is known whatever the tokenizer does.

    standard        labels A, B, C, D
    shuffled        the four in another order: tells "the line labelled B" from "the second line"
    other letters   four successive other letters, in order
    random letters  four of A to L, in any order
    digits          1, 2, 3, 4
    no brackets     A Paris             instead of   (A) Paris
    full stops      (A) Paris. (B) ...  instead of a line each
    no preamble     the first line left out
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import SpecError
from core.labs.multiple_choice.questions.questions import N_OPTIONS, Question

Mutation = Literal[
    "standard", "shuffled", "other letters", "random letters", "digits", "no brackets", "full stops", "no preamble"
]
MUTATIONS: tuple[Mutation, ...] = (
    "standard",
    "shuffled",
    "other letters",
    "random letters",
    "digits",
    "no brackets",
    "full stops",
    "no preamble",
)
Kind = Literal["preamble", "question", "bracket", "label", "option", "end", "cue"]
BY_OPTION: tuple[Kind, ...] = ("label", "option", "end", "bracket")  # kinds that each option has
LETTERS = "ABCDEFGHIJKL"
DIGITS = "1234"


@dataclass(frozen=True)
class Layout:
    """The frame of a prompt: where the question stands, and what the model reads last before the label.

    Attributes:
        preamble: the first line.
        question_first: the question before the options, else in the cue after them.
        cue: the end of the prompt; ``{}`` takes the question where it comes last.
        space: what stands between the prompt and the label.
    """

    preamble: str
    question_first: bool
    cue: str
    space: str


LAYOUTS = {
    "exam": Layout("Someone who knows a great deal answers multiple-choice questions.", True, "Answer: (", ""),
    "word": Layout("Choose", False, "? {}", " "),
}


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt; ``option`` is the place of the option it belongs to, or −1."""

    text: str
    kind: Kind
    option: int = -1


@dataclass(frozen=True)
class Prompt:
    """A question as a model reads it. ``labels`` are the four labels by place, ``answer`` the right place."""

    pieces: tuple[Piece, ...]
    labels: tuple[str, ...]
    answer: int
    space: str

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def layout_of(name: str) -> Layout:
    """A layout by name.

    Raises:
        SpecError: there is none of that name.
    """
    if name not in LAYOUTS:
        raise SpecError(
            f"There is no layout {name[:40]!r}.", where="--layout", next_step=f"Use {' or '.join(LAYOUTS)}."
        )
    return LAYOUTS[name]


def build(question: Question, layout: Layout, mutation: Mutation, labels: Sequence[str]) -> Prompt:
    """The prompt of a question under a mutation, with these labels."""
    asked = [Piece(f"{question.text}\n", "question")] if layout.question_first else []
    first = [] if mutation == "no preamble" else [Piece(f"{layout.preamble}\n", "preamble")]
    options = [piece for i, text in enumerate(question.options) for piece in _option(i, labels[i], text, mutation)]
    before = "\n" if mutation == "full stops" else ""
    cue = Piece(before + layout.cue.format("" if layout.question_first else question.text), "cue")
    return Prompt((*first, *asked, *options, cue), tuple(labels), question.answer, layout.space)


def draw_labels(mutation: Mutation, generator: np.random.Generator) -> tuple[str, ...]:
    """Four labels; only the mutations of the labels draw anything."""
    plain = LETTERS[:N_OPTIONS]
    if mutation == "shuffled":
        return tuple(str(label) for label in generator.permutation(list(plain)))
    if mutation == "other letters":
        start = int(generator.integers(N_OPTIONS, len(LETTERS) - N_OPTIONS + 1))
        return tuple(LETTERS[start : start + N_OPTIONS])
    if mutation == "random letters":
        return tuple(str(label) for label in generator.choice(list(LETTERS), N_OPTIONS, replace=False))
    return tuple(DIGITS if mutation == "digits" else plain)


def prompts_of(
    questions: Sequence[Question], layout: Layout, mutation: Mutation, *, seed: int = 0
) -> tuple[Prompt, ...]:
    """One prompt a question; labels that are drawn are drawn anew for each."""
    generator = np.random.default_rng([seed, MUTATIONS.index(mutation)])
    return tuple(build(q, layout, mutation, draw_labels(mutation, generator)) for q in questions)


def _option(place: int, label: str, text: str, mutation: Mutation) -> Iterator[Piece]:
    bare = mutation == "no brackets"
    if not bare:
        yield Piece("(", "bracket", place)
    yield Piece(label, "label", place)
    if not bare:
        yield Piece(")", "bracket", place)
    yield Piece(f" {text}", "option", place)
    if mutation != "full stops":
        yield Piece("\n", "end", place)
    else:
        yield Piece("." if place == N_OPTIONS - 1 else ". ", "end", place)
