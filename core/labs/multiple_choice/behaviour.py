"""Does the model bind labels? Its answers, the share that each label gets, and a verdict.

Every question is asked four times, its options moved on by one each time, so that each place is right equally often.
A model that always says B is then right in a quarter of the prompts. The corrected accuracy subtracts from each
label's logit its mean over all prompts: what would be left of the choice without a preference for labels.

The verdict is cautious. If a model knows a share p of the answers and guesses the others, it is right in
p + (1 − p)/4; with p = 1/3 half of its answers are right, and a third of those by luck. Below that, a circuit found
on prompts answered correctly would largely describe guesses; none is then looked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import torch

from core.labs.multiple_choice.inside.runs import measure, runs_of
from core.labs.multiple_choice.questions.questions import N_OPTIONS, Question
from core.labs.multiple_choice.questions.tokens import Asked
from core.models.load import LoadedModel

CHANCE = 1 / N_OPTIONS
NEEDED = 0.5  # lower end of the accuracy's 95 % interval
Z95 = 1.96


@dataclass(frozen=True, eq=False)
class Answers:
    """One entry a prompt. ``logits`` ``[prompt, place]`` of the labels, ``loss`` ``[prompt]`` in nats, ``answer`` the
    right place ``[prompt]``."""

    logits: np.ndarray
    loss: np.ndarray
    answer: np.ndarray

    @property
    def chosen(self) -> np.ndarray:
        """Place of the label with the highest logit."""
        return self.logits.argmax(-1)

    @property
    def right(self) -> np.ndarray:
        return self.chosen == self.answer

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    @property
    def corrected(self) -> float:
        """Accuracy after subtracting each place's mean logit."""
        return float(((self.logits - self.logits.mean(0)).argmax(-1) == self.answer).mean())

    @property
    def shares(self) -> np.ndarray:
        """How often each place is chosen, ``[4]``."""
        return np.bincount(self.chosen, minlength=N_OPTIONS) / len(self.answer)


@dataclass(frozen=True)
class Verdict:
    """Whether a circuit is worth looking for, and in numbers why. ``low`` and ``high`` are a 95 % interval of the
    accuracy over questions (the four prompts of a question count as one)."""

    accuracy: float
    low: float
    high: float
    corrected: float
    largest_share: float
    questions: int
    prompts: int

    @property
    def binds(self) -> bool:
        return self.low > NEEDED

    def words(self) -> str:
        """One or two sentences."""
        seen = (
            f"right in {self.accuracy:.0%} of {self.prompts} prompts (95 % interval {self.low:.0%} to {self.high:.0%}, "
            f"chance 25 %), {self.corrected:.0%} after removing its preference for labels; its favourite label gets "
            f"{self.largest_share:.0%}"
        )
        if self.binds:
            return f"The model binds labels to options: {seen}."
        if self.low > CHANCE:
            return f"The model is better than chance, but too rarely right to study how: {seen}. No circuit is drawn."
        return f"The model does not bind labels to options: {seen}. No circuit is drawn."


def answers_of(model: LoadedModel, asked: Sequence[Asked], *, on_prompt: Callable[[], None] | None = None) -> Answers:
    """Ask every prompt once."""
    logits = np.zeros((len(asked), N_OPTIONS), np.float32)
    loss = np.zeros(len(asked), np.float32)
    for i, last in runs_of(model, asked):
        with torch.no_grad():
            found = measure(model, last.final, asked[i])
        logits[i], loss[i] = found.logits[0].numpy(), float(found.loss[0])
        if on_prompt is not None:
            on_prompt()
    return Answers(logits, loss, np.array([prompt.answer for prompt in asked]))


def write_answers(answers: Answers, path: Path) -> None:
    """Keep answers in a file, which appears whole."""
    partial = path.with_suffix(".part.npz")
    np.savez(partial, logits=answers.logits, loss=answers.loss, answer=answers.answer)
    os.replace(partial, path)


def read_answers(path: Path, n: int) -> Answers | None:
    """Kept answers to ``n`` prompts; None where there are none that can be used."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            found = Answers(kept["logits"], kept["loss"], kept["answer"])
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    return found if found.logits.shape == (n, N_OPTIONS) else None


def all_turns(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Each question four times, its options moved on by 0, 1, 2 and 3 places; the turns of a question together."""
    return tuple(question.turned(by) for question in questions for by in range(N_OPTIONS))


def judge(answers: Answers) -> Verdict:
    """The verdict on answers to ``all_turns`` of some questions."""
    by_question = answers.right.reshape(-1, N_OPTIONS).mean(1)
    n, mean = len(by_question), float(by_question.mean())
    low, high = _interval(mean, n)
    return Verdict(
        accuracy=mean,
        low=low,
        high=high,
        corrected=answers.corrected,
        largest_share=float(answers.shares.max()),
        questions=n,
        prompts=len(answers.answer),
    )


def label_table(answers: Answers, labels: Sequence[str]) -> pd.DataFrame:
    """Rows place, label, share, share_right, mean_logit: how often each label is chosen and how often it is right."""
    right = np.bincount(answers.answer, minlength=N_OPTIONS) / len(answers.answer)
    return pd.DataFrame(
        {
            "place": range(1, N_OPTIONS + 1),
            "label": list(labels),
            "share": answers.shares,
            "share_right": right,
            "mean_logit": (answers.logits - answers.logits.mean(1, keepdims=True)).mean(0),
        }
    )


def _interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of ``n``; cautious here, where each of the n is itself a mean of four."""
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
