"""Tokens for the eye: spaces that can be seen, differences that can be marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.prompts.pairs import Texts, TokenPair
from core.terms import MetricName

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


def answers_words(metric: MetricName, pairs: Iterable[TokenPair]) -> str:
    """What the metric reads of the pairs: ``mean of 3 answers against mean of 57 distractors``; empty where it is what
    its name says of one answer and one distractor."""
    pairs = tuple(pairs)
    right, n_right = _counted([len(pair.answer_ids) for pair in pairs], "answer")
    wrong, n_wrong = _counted([len(pair.distractor_ids) for pair in pairs], "distractor")
    if metric == "answer_log_prob":
        tokens, most = _counted([1 + len(pair.rest_ids) for pair in pairs], "token")
        return f"answers of {tokens} in a row" if most > 1 else ""
    if metric in ("log_prob", "prob") and n_right > 1:
        return f"{right} together"
    if metric == "kl" or max(n_right, n_wrong) == 1:
        return ""
    return {
        "logit_diff": f"mean of {right} against mean of {wrong}",
        "logit_diff_lse": f"log-sum-exp of {right} against that of {wrong}",
        "prob_diff": f"{right} together against {wrong} together",
    }.get(metric, "")


def _counted(counts: list[int], noun: str) -> tuple[str, int]:
    """``3 answers`` or ``1 to 3 answers``, and the most."""
    low, high = min(counts), max(counts)
    return f"{low} {noun}{'s' if low > 1 else ''}" if low == high else f"{low} to {high} {noun}s", high


def difference_mask(clean: Sequence[str], corrupt: Sequence[str]) -> tuple[bool, ...]:
    """Where two token sequences differ, position by position.

    As long as the longer one; positions that only one of them has count as different.
    """
    shared = [a != b for a, b in zip(clean, corrupt)]
    return (*shared, *[True] * abs(len(clean) - len(corrupt)))
