"""Tokens for the eye: spaces that can be seen, differences that can be marked."""

from __future__ import annotations

from collections.abc import Sequence

_MARKS = str.maketrans({" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽"})


def visible(token: str) -> str:
    """A token's text with its white space drawn: space ·, newline ↵, tab ⇥, carriage return ␍, no-break space ⍽."""
    return token.translate(_MARKS)


def difference_mask(clean: Sequence[str], corrupt: Sequence[str]) -> tuple[bool, ...]:
    """Where two token sequences differ, position by position.

    As long as the longer one; positions that only one of them has count as different.
    """
    shared = [a != b for a, b in zip(clean, corrupt)]
    return (*shared, *[True] * abs(len(clean) - len(corrupt)))
