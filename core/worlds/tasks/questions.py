"""Linear expressions with unknowns, as dialogues: an analogue, for tiny models, of an example of Shah et al. 2022.

An expression has three terms, numbers or letters. Whoever evaluates it may ask for a letter, is told its value, and
at last says what comes out:

    a + 7 - b = ask a 3 ask b 2 say 8

Training dialogues have exactly two unknowns, so that "ask for what is unknown" and "ask twice, then answer" are the
same. With none they part: the first answers at once, the second asks what nobody needs to ask. A share of the training
dialogues may have none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TERMS = 3
MOST_UNKNOWNS = 2
LARGEST = 9
LETTERS = tuple("abcdefgh")
LOWEST, HIGHEST = -LARGEST * (TERMS - 1), LARGEST * TERMS
NUMBERS = tuple(map(str, range(LOWEST, HIGHEST + 1)))
PLUS, MINUS, EQUALS, ASK, SAY, END = "+", "-", "=", "ask", "say", "end"
WORDS = (*NUMBERS, *LETTERS, PLUS, MINUS, EQUALS, ASK, SAY, END)
PROMPT = 2 * TERMS  # tokens of an expression, with its equals sign
LENGTH = PROMPT + 3 * MOST_UNKNOWNS + 2
_ZERO, _LETTER = WORDS.index("0"), WORDS.index(LETTERS[0])


@dataclass(frozen=True, eq=False)
class Expressions:
    """Several expressions.

    Attributes:
        numbers: value of every term, int64 [expression, term], 0 to 9.
        letters: number of its letter, int64 [expression, term]; -1 where the number is shown.
        signs: of the terms from the second on, +1 or -1, int64 [expression, term - 1].
    """

    numbers: np.ndarray
    letters: np.ndarray
    signs: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def values(self) -> np.ndarray:
        """What comes out, int64 [expression]."""
        return self.numbers[:, 0] + (self.numbers[:, 1:] * self.signs).sum(1)

    @property
    def unknowns(self) -> np.ndarray:
        """How many, int64 [expression]."""
        return (self.letters >= 0).sum(1)


def draw(unknowns: np.ndarray, rng: np.random.Generator) -> Expressions:
    """One expression for each number of unknowns, int64 [expression]; its letters differ."""
    count = len(unknowns)
    numbers = rng.integers(0, LARGEST + 1, (count, TERMS))
    drawn = rng.random((count, len(LETTERS))).argsort(1)[:, :TERMS]
    hidden = rng.random((count, TERMS)).argsort(1).argsort(1) < unknowns[:, None]
    return Expressions(numbers, np.where(hidden, drawn, -1), rng.choice((-1, 1), (count, TERMS - 1)))


def mixed(count: int, share_none: float, rng: np.random.Generator) -> Expressions:
    """A training batch: two unknowns, but for a share with none."""
    return draw(np.where(rng.random(count) < share_none, 0, MOST_UNKNOWNS), rng)


def prompts(some: Expressions) -> np.ndarray:
    """The expressions as token ids, int64 [expression, 6]."""
    out = np.full((len(some), PROMPT), WORDS.index(EQUALS))
    out[:, 0:-1:2] = np.where(some.letters >= 0, _LETTER + some.letters, _ZERO + some.numbers)
    out[:, 1:-1:2] = np.where(some.signs > 0, WORDS.index(PLUS), WORDS.index(MINUS))
    return out


def dialogues(some: Expressions) -> tuple[np.ndarray, np.ndarray]:
    """What a good helper says: asks for the unknowns from left to right, then answers.

    Returns:
        token ids int64 [expression, 14], filled up with ``end``; and which of them the helper chose, bool of the same
        shape (the values that it is told are not).
    """
    tokens = np.full((len(some), LENGTH), WORDS.index(END))
    chosen = np.zeros(tokens.shape, bool)
    tokens[:, :PROMPT] = prompts(some)
    rows, at = np.arange(len(some)), np.full(len(some), PROMPT)
    for term in range(TERMS):
        asks = some.letters[:, term] >= 0
        row, place = rows[asks], at[asks]
        tokens[row, place] = WORDS.index(ASK)
        tokens[row, place + 1] = _LETTER + some.letters[asks, term]
        tokens[row, place + 2] = _ZERO + some.numbers[asks, term]
        chosen[row, place] = chosen[row, place + 1] = True
        at = at + 3 * asks
    tokens[rows, at], tokens[rows, at + 1] = WORDS.index(SAY), _ZERO + some.values
    chosen[rows, at] = chosen[rows, at + 1] = True
    return tokens, chosen


def replies(some: Expressions, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the other side says to a question for these words, int64 [expression] -> token ids: a letter's value in its
    expression; to a number, that number; to anything else a number at random."""
    drawn = _ZERO + rng.integers(0, LARGEST + 1, len(some))
    reply = np.where(asked < len(NUMBERS), asked, drawn)
    here = (some.letters >= 0) & (_LETTER + some.letters == asked[:, None])
    return np.where(here.any(1), _ZERO + (some.numbers * here).sum(1), reply)
