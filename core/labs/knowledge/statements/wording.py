"""From a statement to a contrast pair: the prompt around the text, its two answers, and what is added to distract.

A template has two slots, ``{text}`` and ``{answer}``; the pair is the same prompt with either answer. Distractors are
words that have nothing to do with the answer. Each gives every item a yes or a no (which of two words, what Alice
thinks, which person speaks) that is crossed with the label, so that a probe can find it instead of the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from core.errors import SpecError
from core.labs.knowledge.statements.statements import Statements

Distractor = Literal["none", "word", "opinion", "implicit", "persona"]
DISTRACTORS: tuple[Distractor, ...] = get_args(Distractor)
REWORDED = "reworded"  # no distractor: the same question in other words
REPETITIONS = tuple(f"opinion:{n}" for n in (2, 3, 5, 7))
NAMES = {
    "none": "Default",
    "word": "Random word",
    "opinion": "Explicit opinion",
    "implicit": "Implicit opinion",
    "persona": "Persona",
    REWORDED: "Reworded",
    **{name: f"Opinion given {name[8:]} times" for name in REPETITIONS},
}
WORDS = ("Gravel", "Lantern")
PERSONAS = (
    "Doctor Brandt weighs every word and answers with great care.\n",
    "Uncle Fred is in a hurry and answers whatever comes to mind.\n",
)
EXPERT = "Alice is the expert whom everybody copies.\n"


@dataclass(frozen=True)
class Wording:
    """How a text becomes a question.

    Attributes:
        template, reworded: two ways to ask the same, each with the slots ``{text}`` and ``{answer}``.
        answers: for label false and for label true.
    """

    template: str
    reworded: str
    answers: tuple[str, str]

    def __post_init__(self) -> None:
        for text in (self.template, self.reworded):
            if text.count("{text}") != 1 or text.count("{answer}") != 1 or not text.endswith("{answer}"):
                raise SpecError(
                    "The template must hold {text} once, and end with {answer}.",
                    where=text[:60],
                    next_step="Example: 'Review: {text}\\nIts sentiment is {answer}'.",
                )
            if text.index("{text}") > text.index("{answer}"):
                raise SpecError("The text must come before the answer.", where=text[:60])
        if len(set(self.answers)) != 2 or not all(answer.strip() for answer in self.answers):
            raise SpecError("There must be two different answers.", where=", ".join(self.answers)[:60])

    def around(self, *, reworded: bool = False) -> tuple[str, str]:
        """What stands before the text, and between the text and the answer."""
        before, rest = (self.reworded if reworded else self.template).split("{text}")
        return before, rest.removesuffix("{answer}")


SENTIMENT = Wording(
    "Review: {text}\nThe sentiment of this review is {answer}",
    "A visitor wrote: {text} In one word, that verdict is {answer}",
    ("negative", "positive"),
)
TRUTH = Wording(
    "Statement: {text}\nThis statement is {answer}",
    "Somebody said: {text} What they said is {answer}",
    ("false", "true"),
)


@dataclass(frozen=True)
class Contrast:
    """Contrast pairs of one set under one condition.

    Attributes:
        prompts: for each item the text with the false-label answer, and with the true-label answer.
        distractor: bool ``[item]``.
    """

    condition: str
    prompts: tuple[tuple[str, str], ...]
    distractor: np.ndarray


def assign(statements: Statements, rng: np.random.Generator) -> np.ndarray:
    """bool ``[item]``: a random half of the items of each label (and topic), so that it tells nothing about either."""
    value = np.zeros(len(statements), bool)
    cells: dict[tuple[bool, str], list[int]] = {}
    for i, item in enumerate(statements.items):
        cells.setdefault((item.label, item.topic), []).append(i)
    extra = False
    for cell in cells.values():
        order = rng.permutation(cell)
        value[order[: (len(cell) + extra) // 2]] = True
        extra ^= bool(len(cell) % 2)  # odd cells take turns
    return value


def contrast(
    statements: Statements,
    wording: Wording,
    condition: str,
    *,
    drawn: np.ndarray,
) -> Contrast:
    """The pairs under ``none``, ``reworded`` or a distractor; ``opinion:3`` gives the explicit opinion three times.

    Args:
        drawn: bool ``[item]``, as ``assign`` gives it; the distractor's value, but for the implicit opinion, whose
            value is what Alice would say.

    Raises:
        SpecError: an unknown condition, or an implicit opinion without two balanced topics.
    """
    before, after = wording.around(reworded=condition == REWORDED)
    value = drawn
    intro, said = [""] * len(drawn), [""] * len(drawn)
    ends = [""] * len(drawn)
    if condition == "word":
        ends = [f". {WORDS[int(v)]}" for v in value]
    elif condition.partition(":")[0] == "opinion":
        repetitions = int(condition.partition(":")[2] or 1)
        intro = [EXPERT] * len(drawn)
        said = [f"\nAlice is sure that it is {wording.answers[int(v)]}." * repetitions for v in value]
    elif condition == "persona":
        intro = [PERSONAS[int(v)] for v in value]
    elif condition == "implicit":
        intro, value = _implicit(statements, wording)
    elif condition not in ("none", REWORDED):
        raise SpecError(f"{condition!r} is no distractor.", next_step=f"Choose among {', '.join(DISTRACTORS)}.")
    prompts = []
    for i, item in enumerate(statements.items):
        start = intro[i] + before + item.text + said[i] + after
        prompts.append((start + wording.answers[0] + ends[i], start + wording.answers[1] + ends[i]))
    return Contrast(condition, tuple(prompts), value)


def _implicit(statements: Statements, wording: Wording) -> tuple[list[str], np.ndarray]:
    """Solved examples in which Alice is wrong about one topic, and what she would say about each item.

    The examples are items of the set; an item that is itself an example gets another one of its kind.
    """
    labels, topics = statements.labels, np.array([item.topic for item in statements.items])
    hated = disliked_topic(topics, labels)
    value = labels ^ (topics == hated)
    before, after = wording.around()
    before_text = f"Alice can stand nothing about {hated} and calls the opposite of what is so.\n"
    kinds = [(topics == hated) & labels, (topics != hated) & ~labels, (topics != hated) & labels]
    intros = []
    for i in range(len(labels)):
        chosen = [next(int(j) for j in np.flatnonzero(kind) if j != i) for kind in kinds]
        solved = [f"{before}{statements.items[j].text}{after}{wording.answers[int(value[j])]}\n" for j in chosen]
        intros.append(before_text + "".join(solved))
    return intros, value


def disliked_topic(topics: np.ndarray, labels: np.ndarray) -> str:
    """The topic nearest to half of all items, if what Alice says is then balanced against the label.

    Raises:
        SpecError: no topics, or none that makes a balanced distractor.
    """
    names = sorted(set(topics) - {""})
    shares = {name: [(topics[labels == label] == name).mean() for label in (False, True)] for name in names}
    best = min(shares, key=lambda name: max(abs(share - 0.5) for share in shares[name]), default="")
    if not best or max(abs(share - 0.5) for share in shares[best]) > 0.1:
        raise SpecError(
            "The implicit opinion needs a topic that half of the items of each label are of; otherwise what Alice "
            "says would be a clue to the truth.",
            where="topic",
            next_step="Add a column topic with two kinds in equal numbers, or choose another distractor.",
        )
    return best


def balance(labels: np.ndarray, distractor: np.ndarray) -> float:
    """How far the distractor predicts the label: its accuracy (either sign) minus one half."""
    return abs(float((labels == distractor).mean()) - 0.5)


def check_balanced(labels: np.ndarray, distractor: np.ndarray, *, where: str = "distractor") -> None:
    """Refuse a distractor that is a clue to the label, or the same for nearly all items.

    Raises:
        SpecError: its accuracy on the label is more than 10 points from one half, or one value is under 30 %.
    """
    share = min(distractor.mean(), 1 - distractor.mean())
    if balance(labels, distractor) > 0.1 or share < 0.3:
        raise SpecError(
            "The distractor is not balanced against the label, so finding one would look like finding the other.",
            where=where,
            next_step="Each value must come about equally often with either label.",
        )
