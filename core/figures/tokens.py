"""Tokens as labels: white space made visible, nothing in them read as markup, long prompts shortened."""

from __future__ import annotations

from core.errors import SpecError
from core.prompts import show

# Plotly reads a small HTML in labels, $…$ as LaTeX where MathJax is loaded, and %{…} in templates.
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "%": "&#37;"}
VARIES = "†"  # marks a position whose token differs between pairs


def visible(token: str, *, longest: int = 14) -> str:
    """A token in plain text: ``·`` for a space, glyphs for line breaks and tabs, code points for the unseen."""
    shown = "".join(c if c.isprintable() else f"⟨{ord(c):04X}⟩" for c in show.visible(token))
    if len(shown) > longest:
        half = (longest - 1) // 2
        shown = f"{shown[: longest - 1 - half]}…{shown[-half:]}"
    return shown or "∅"


def escaped(text: str) -> str:
    """Text that plotly shows to the letter in titles, ticks and hovers."""
    return "".join(ESCAPES.get(c, c) for c in text)


def label(token: str, *, varies: bool = False, longest: int = 14) -> str:
    """A token as a tick label: visible, escaped, marked where it differs between pairs."""
    return escaped(visible(token, longest=longest)) + (VARIES if varies else "")


def shown_positions(n_tokens: int, *, most: int = 48) -> tuple[list[int], int]:
    """Positions to draw, and how many in the middle are left out: ``most`` in all, first and last halves.

    Raises:
        SpecError: fewer than two positions to draw.
    """
    if most < 2:
        raise SpecError("A prompt shortened in the middle keeps at least two tokens.")
    if n_tokens <= most:
        return list(range(n_tokens)), 0
    tail = most // 2
    return [*range(most - tail), *range(n_tokens - tail, n_tokens)], n_tokens - most
