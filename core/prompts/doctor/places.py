"""Where the prompts of a pair differ: in more tokens than was meant, or one token out of step.

Patching compares equal positions. A word that is one token in one prompt and two in the other moves all that follows,
and where a later word moves it back, both prompts have the same length and nobody is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from core.prompts.doctor.finding import LEAVE_OUT, Case, Finding
from core.prompts.pairs import PromptPair, TokenPair

FEWEST = 4  # pairs that make a number of differing tokens usual
SHARE = 0.6  # of the pairs that must have it
FARTHEST = 8  # tokens by which texts are looked for out of step
SHOWN = 4  # tokens named


def places(case: Case) -> Iterator[Finding]:
    """Pairs that differ out of step, or in more tokens than is usual in the set."""
    counts = {row: len(differing(pair)) for row, pair in case.tokens.items()}
    usual = _usual(list(counts.values()))
    for row, pair in case.tokens.items():
        if fewest_edits(pair.clean_ids, pair.corrupt_ids) < counts[row]:
            yield _out_of_step(row, pair)
        elif usual is not None and counts[row] > usual:
            yield _unusual(row, pair, case.pairs[row], usual)
        elif usual is None and (words := _differing_words(case.pairs[row])) and counts[row] > words:
            what = f"{_told(pair)}, though only {words} of the words: a word is several tokens long."
            yield Finding(row, "places", "note", what, "Choose words of one token if single positions matter to you.")


def differing(pair: TokenPair) -> tuple[int, ...]:
    """Positions at which the prompts hold different tokens."""
    return tuple(i for i, (a, b) in enumerate(zip(pair.clean_ids, pair.corrupt_ids)) if a != b)


def fewest_edits(a: Sequence[int], b: Sequence[int]) -> int:
    """Levenshtein distance of two sequences of equal length, of which nothing moves by more than ``FARTHEST``.

    At most the number of places at which they differ; less where a part of one stands in the other out of step.
    """
    different = [i for i, (x, y) in enumerate(zip(a, b)) if x != y]
    if len(different) < 3:  # with two, no edit moves anything
        return len(different)
    part = slice(different[0], different[-1] + 1)
    a, b = a[part], b[part]
    above = {j: j for j in range(FARTHEST + 1)}  # column -> distance of the beginnings of both
    for i, token in enumerate(a, 1):
        far = 2 * len(a)
        here = {0: i} if i <= FARTHEST else {}
        for j in range(max(1, i - FARTHEST), min(len(b), i + FARTHEST) + 1):
            moved = 1 + min(above.get(j, far), here.get(j - 1, far))
            here[j] = min(moved, above.get(j - 1, far) + (token != b[j - 1]))
        above = here
    return above[len(b)]


def _usual(counts: list[int]) -> int | None:
    """The number of differing tokens that most pairs have, if there is one."""
    if len(counts) < FEWEST:
        return None
    ((count, times),) = Counter(counts).most_common(1)
    return count if times >= SHARE * len(counts) else None


def _out_of_step(row: int, pair: TokenPair) -> Finding:
    what = (
        f"{_told(pair)}, because a part of the text stands out of step: a word in one prompt has more tokens than the "
        "word in its place in the other. Patching would put tokens in the place of their neighbours."
    )
    return Finding(row, "places", "warning", what, "Use words of equally many tokens.", LEAVE_OUT)


def _unusual(row: int, pair: TokenPair, text: PromptPair, usual: int) -> Finding:
    words = _differing_words(text)
    longer = f"; {words} of the words differ, so a word is several tokens long" if words and words <= usual else ""
    what = f"{_told(pair)}, where most pairs of the set differ at {usual}{longer}."
    return Finding(row, "places", "warning", what, "Use words of as many tokens as in the other pairs.", LEAVE_OUT)


def _told(pair: TokenPair) -> str:
    positions = differing(pair)
    named = ", ".join(f"{pair.clean_tokens[i]!r} at {i}" for i in positions[:SHOWN])
    more = f" and {len(positions) - SHOWN} more" if len(positions) > SHOWN else ""
    return f"The prompts differ at {len(positions)} tokens ({named}{more})"


def _differing_words(pair: PromptPair) -> int:
    """Number of words at which the prompts differ; 0 where they have unequally many."""
    clean, corrupt = pair.clean.split(), pair.corrupt.split()
    return sum(a != b for a, b in zip(clean, corrupt)) if len(clean) == len(corrupt) else 0
