"""Rows that say the same thing again, and answers that can be copied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from core.prompts.doctor.finding import LEAVE_OUT, Case, Finding
from core.prompts.pairs import answer_texts


def duplicates(case: Case) -> Iterator[Finding]:
    """Pairs that were there before, and prompts that were there before with other answers."""
    pairs: dict[object, int] = {}
    prompts: dict[tuple[str, str], int] = {}
    for row, pair in case.pairs.items():
        before = pairs.setdefault(replace(pair, name=""), row)
        asked = prompts.setdefault((pair.clean, pair.corrupt), row)
        if before != row:
            what = f"The pair is that of row {before + 1} once more, and would count twice in every mean."
            yield Finding(row, "duplicates", "warning", what, "Leave it out.", LEAVE_OUT)
        elif asked != row:
            what = f"Both prompts are those of row {asked + 1}, with another answer or distractor."
            yield Finding(row, "duplicates", "warning", what, "Make sure that both are meant.")


def copied(case: Case) -> Iterator[Finding]:
    """Answers that stand in the clean prompt where the distractor does not, so that copying a word is enough."""
    for row, pair in case.pairs.items():
        there = [text for text in answer_texts(pair.answer) if _stands_in(text, pair.clean)]
        if there and not any(_stands_in(text, pair.clean) for text in answer_texts(pair.distractor)):
            what = f"The answer {there[0]!r} is in the clean prompt and the distractor is not: copying it is enough."
            yield Finding(
                row, "copied", "note", what, "If copying is not meant, have the distractor in the prompt too."
            )


def _stands_in(text: str, prompt: str) -> bool:
    """Whether a text stands in a prompt as words of their own."""
    word = text.strip()
    return bool(word) and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prompt) is not None
