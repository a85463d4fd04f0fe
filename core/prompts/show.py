"""Tokens for the eye: spaces that can be seen, differences that can be marked."""

from __future__ import annotations

from collections.abc import Sequence

from core.prompts.pairs import Texts

_MARKS = str.maketrans({" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽"})


def visible(token: str) -> str:
    """A token's text with its white space drawn: space ·, newline ↵, tab ⇥, carriage return ␍, no-break space ⍽."""
    return token.translate(_MARKS)


def shown(answer: Texts, *, most: int = 4) -> str:
    """An answer or distractor on one line: its text, or several with | between, the middle of many left out."""
    if isinstance(answer, str):
        return answer
    few = answer if len(answer) <= most else (*answer[: most - 1], "…", answer[-1])
    return " | ".join(few) + (f" ({len(answer)} in all)" if len(answer) > most else "")


def difference_mask(clean: Sequence[str], corrupt: Sequence[str]) -> tuple[bool, ...]:
    """Where two token sequences differ, position by position.

    As long as the longer one; positions that only one of them has count as different.
    """
    shared = [a != b for a, b in zip(clean, corrupt)]
    return (*shared, *[True] * abs(len(clean) - len(corrupt)))
