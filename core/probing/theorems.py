"""Why a small CCS loss says nothing about knowledge, in numbers (Farquhar et al. 2023, theorems 1 and 2).

``h xor c`` with h any yes/no of the question and c which answer was appended is a probe that gives opposite, certain
answers to both halves of every pair: loss 0. And any probe can be turned into one that says whatever one likes about
each question, at the same symmetric loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.probing.ccs import Confidence, losses
from core.probing.methods import Probes
from core.probing.normalise import Normaliser


@dataclass(frozen=True)
class Answers:
    """What a probe says: probabilities ``[item]``, float64, of x₊ and of x₋."""

    p_true: np.ndarray
    p_false: np.ndarray

    @property
    def induced(self) -> np.ndarray:
        """bool ``[item]``: (p₊ + 1 − p₋) / 2 > 1/2."""
        return self.p_true > self.p_false

    def loss(self, confidence: Confidence) -> float:
        """Mean CCS loss."""
        return float(losses(torch.from_numpy(self.p_true), torch.from_numpy(self.p_false), confidence).mean())


def xor_probe(h: np.ndarray) -> Answers:
    """Theorem 1: the probe p(x₊) = h, p(x₋) = 1 − h of any bool ``[item]``."""
    return Answers(h.astype(float), 1.0 - h)


def soft_xor(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(1 − a) b + (1 − b) a."""
    return (1 - a) * b + (1 - b) * a


def turned_into(answers: Answers, target: np.ndarray) -> Answers:
    """Theorem 2: the probe p ⊕ (f ⊕ g), where f is what p induces and g, bool ``[item]``, any target. It induces g
    at the same symmetric loss; the original loss changes."""
    turn = (answers.induced ^ target).astype(float)
    return Answers(soft_xor(answers.p_true, turn), soft_xor(answers.p_false, turn))


@dataclass(frozen=True)
class Demonstration:
    """Theorems 1 and 2 on random numbers: losses before and after, and whether the target is induced."""

    items: int
    xor_loss: dict[str, float]
    before: dict[str, float]
    after: dict[str, float]
    induced: float


def demonstrate(rng: np.random.Generator, *, items: int = 1000) -> Demonstration:
    """A random yes/no, a random soft probe, and a random target."""
    h, target = rng.random(items) < 0.5, rng.random(items) < 0.5
    probe = Answers(rng.random(items), rng.random(items))
    turned = turned_into(probe, target)
    forms: tuple[Confidence, ...] = ("symmetric", "original")
    return Demonstration(
        items,
        {form: xor_probe(h).loss(form) for form in forms},
        {form: probe.loss(form) for form in forms},
        {form: turned.loss(form) for form in forms},
        float((turned.induced == target).mean()),
    )


@dataclass(frozen=True)
class RandomLabelling:
    """One random yes/no of the questions, fitted by a linear probe: CCS losses and accuracies on that yes/no."""

    seed: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float


def random_labellings(
    pairs: np.ndarray, test: np.ndarray, normaliser: Normaliser, rng: np.random.Generator, *, n: int = 20
) -> list[RandomLabelling]:
    """Theorem 1 within the linear class: a logistic probe fitted to ``h xor c`` for random balanced h.

    With more dimensions than items the training loss is nearly 0 whatever h is, and the held-out accuracy chance.

    Args:
        pairs: raw ``[2, item, d_model]``; test: bool ``[item]``.
    """
    from sklearn.linear_model import LogisticRegression

    x = normaliser(pairs)
    found = []
    for seed in range(n):
        h = np.zeros(len(test), bool)
        for part in (test, ~test):
            rows = rng.permutation(np.flatnonzero(part))
            h[rows[: len(rows) // 2]] = True
        halves, wanted = np.concatenate([x[0, ~test], x[1, ~test]]), np.concatenate([~h[~test], h[~test]])
        model = LogisticRegression(C=100.0, solver="newton-cholesky").fit(halves, wanted)
        theta = model.coef_.astype(np.float32)
        probe = Probes(
            "ccs",
            0,
            np.zeros(1, int),
            np.stack([-theta, theta], axis=1),
            model.intercept_.astype(np.float32),
            np.zeros(1, np.float32),
            normaliser,
        )
        right = (probe.scores(pairs)[0] > 0) == h
        found.append(
            RandomLabelling(
                seed,
                float(probe.loss(pairs[:, ~test])[0]),
                float(right[~test].mean()),
                float(probe.loss(pairs[:, test])[0]),
                float(right[test].mean()),
            )
        )
    return found
