"""Links between prompts of unequal length: which tokens of one stand for which of the other.

Links are the spans in which two prompts differ, in order: ``(clean from, clean to, corrupt from, corrupt to)``, token
positions counted from 0, the end not included; one side of a span may be empty. Outside the spans the prompts are
linked token by token. No links at all, ``None``, is a pair of equal length, linked position by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any

from core.terms import Direction, Spans

Span = tuple[int, int, int, int]
Links = tuple[Span, ...]
Sources = tuple[tuple[int, ...], ...]


def find_links(clean: Sequence[int], corrupt: Sequence[int]) -> Links:
    """The spans in which two lists of token ids differ."""
    matcher = SequenceMatcher(None, clean, corrupt, autojunk=False)
    return tuple((a, b, c, d) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")


def as_links(spans: Iterable[Iterable[Any]]) -> Links:
    """Links as read from JSON or a table.

    Raises:
        ValueError: a span is not four whole numbers.
    """
    links = tuple(tuple(map(int, span)) for span in spans)
    if any(len(span) != 4 for span in links):
        raise ValueError("a span is four numbers")
    return links  # type: ignore[return-value]


def fault(links: Links, n_clean: int, n_corrupt: int) -> str:
    """What is wrong with the links of prompts of so many tokens, as a sentence; empty where nothing is."""
    clean = corrupt = 0
    for a, b, c, d in (*links, (n_clean, n_clean, n_corrupt, n_corrupt)):
        if not (clean <= a <= b <= n_clean and corrupt <= c <= d <= n_corrupt):
            return f"The span {a}-{b} against {c}-{d} overlaps the one before it, or lies outside of the prompts."
        if a - clean != c - corrupt:
            return (
                f"From token {clean} of the clean and token {corrupt} of the corrupt prompt on, {a - clean} and "
                f"{c - corrupt} tokens are left to be linked one by one."
            )
        clean, corrupt = b, d
    if links and links[-1][1::2] == (n_clean, n_corrupt) and (links[-1][0] == n_clean or links[-1][2] == n_corrupt):
        return "One prompt goes on where the other ends, so the last tokens, where the metric is read, are not linked."
    return ""


def sources(links: Links | None, n_clean: int, n_corrupt: int, *, direction: Direction, spans: Spans) -> Sources:
    """For each position of the run that is patched, the positions of the other run whose mean is put there.

    Noising patches the clean run, denoising the corrupt one. An empty tuple: nothing is patched there.

    Args:
        spans: ``"last"`` patches a span's last token with the other span's last token, ``"mean"`` all of its tokens
            with the mean over the other span, ``"skip"`` none. A span that is empty on the other side is left out.
    """
    found: list[tuple[int, ...]] = []
    there = 0
    for a, b, c, d in (*(links or ()), (n_clean, n_clean, n_corrupt, n_corrupt)):
        if direction == "denoising":
            a, b, c, d = c, d, a, b
        found += [(there + i,) for i in range(a - len(found))]
        span: tuple[int, ...] = () if spans == "skip" else tuple(range(c, d))
        if spans == "last" and b > a:
            found += [*[()] * (b - a - 1), span[-1:]]
        else:
            found += [span] * (b - a)
        there = d
    return tuple(found)


def words(links: Links, clean: Sequence[str], corrupt: Sequence[str]) -> str:
    """The linked spans as text: ``' the' · ' old' against ' a'``."""

    def side(tokens: Sequence[str]) -> str:
        return repr("".join(tokens)) if tokens else "nothing"

    return "; ".join(f"{side(clean[a:b])} against {side(corrupt[c:d])}" for a, b, c, d in links)
