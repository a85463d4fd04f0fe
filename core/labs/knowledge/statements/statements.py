"""Statements: short texts with a label, the material that contrast pairs are built from."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import PromptError

FEWEST = 20
SMALLEST_SHARE = 0.4  # of the rarer label: accuracies are read against one half
LEAK = 0.95  # a single word that gives so many labels away is not knowledge
_WORD = re.compile(r"[\w']+")


@dataclass(frozen=True)
class Item:
    """One text.

    Attributes:
        label: whether the second of the two answers is right (true, positive).
        group: items of one group are never split between the parts that fit and that test.
        topic: which of two kinds it is of; only the implicit opinion needs it. Empty: none.
    """

    text: str
    label: bool
    group: str = ""
    topic: str = ""


@dataclass(frozen=True)
class Statements:
    """A named set of items; an item without a group is a group of its own."""

    name: str
    items: tuple[Item, ...]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def labels(self) -> np.ndarray:
        """bool ``[item]``."""
        return np.array([item.label for item in self.items])

    @property
    def groups(self) -> np.ndarray:
        """int ``[item]``, numbered in order of appearance."""
        seen: dict[str, int] = {}
        names = [item.group or f"\0{i}" for i, item in enumerate(self.items)]
        return np.array([seen.setdefault(name, len(seen)) for name in names])

    @property
    def digest(self) -> str:
        """Of the items; the name does not count."""
        rows = [(item.text, item.label, item.group, item.topic) for item in self.items]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def check(statements: Statements) -> None:
    """Refuse a set from which nothing could be concluded.

    Raises:
        PromptError: fewer than 20 items, one label much rarer than the other, a text that comes twice, a word that
            gives the labels away, or fewer than 5 groups.
    """
    n, labels = len(statements), statements.labels
    if n < FEWEST:
        raise PromptError(
            f"There are {n} pairs; fewer than {FEWEST} say nothing against chance.",
            where=statements.name,
            next_step="Add statements.",
        )
    share = min(labels.mean(), 1 - labels.mean())
    if share < SMALLEST_SHARE:
        raise PromptError(
            f"Only {share:.0%} of the items have the rarer label, so accuracies could not be read against one half.",
            where=statements.name,
            next_step=f"Balance the labels: at least {SMALLEST_SHARE:.0%} of each.",
        )
    _check_repeats(statements)
    _check_leak(statements)
    if len(set(statements.groups)) < 5:
        raise PromptError(
            "There are fewer than 5 groups, too few to hold some out.",
            where=statements.name,
            next_step="Leave the group empty where items share nothing.",
        )


def _check_repeats(statements: Statements) -> None:
    text, times = Counter(item.text for item in statements.items).most_common(1)[0]
    if times > 1:
        first, second, *_ = (i for i, item in enumerate(statements.items) if item.text == text)
        raise PromptError(
            f"The text comes {times} times, so fitting and testing would share it.",
            where=f"rows {first + 1} and {second + 1}",
            next_step="Keep one of each text.",
        )


def _check_leak(statements: Statements) -> None:
    """A word in nearly all texts of one label and nearly none of the other gives the label away."""
    word, known = giveaway([item.text for item in statements.items], statements.labels)
    if known >= LEAK:
        raise PromptError(
            f"The word {word!r} alone gives {known:.0%} of the labels away; a probe could read it, not the truth.",
            where=statements.name,
            next_step="Use it with both labels, or leave it out.",
        )


def giveaway(texts: Sequence[str], labels: np.ndarray) -> tuple[str, float]:
    """The word whose presence tells most about the label, and the share of labels that it gives away."""
    counts = {True: Counter[str](), False: Counter[str]()}
    for text, label in zip(texts, labels):
        counts[bool(label)].update({word.lower() for word in _WORD.findall(text)})
    n, n_true = len(labels), int(labels.sum())
    best = ("", 0.0)
    for word in counts[True].keys() | counts[False].keys():
        right = counts[True][word] + (n - n_true) - counts[False][word]  # guess true where the word stands
        known = max(right, n - right) / n
        best = max(best, (word, known), key=lambda found: found[1])
    return best


def split(statements: Statements, rng: np.random.Generator, *, test: float = 0.4) -> np.ndarray:
    """bool ``[item]``, true for items held out; whole groups, both labels on both sides.

    Groups are drawn in random order until the held-out part has its share.
    """
    groups = statements.groups
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    before = np.concatenate([[0], np.cumsum(sizes[order])[:-1]])
    held = order[before + sizes[order] / 2 <= test * len(groups)]
    return np.isin(groups, held if len(held) else order[:1])


def folds(statements: Statements, rng: np.random.Generator, *, n: int = 5) -> np.ndarray:
    """int ``[item]``, the fold that holds each item out; groups are kept whole, sizes nearly equal."""
    groups = statements.groups
    sizes = np.bincount(groups)
    fold_of, filled = np.zeros(len(sizes), int), np.zeros(n)
    order = rng.permutation(len(sizes))
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        fold_of[group] = filled.argmin()
        filled[filled.argmin()] += sizes[group]
    return fold_of[groups]
