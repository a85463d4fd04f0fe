"""Why a small CCS loss says nothing about knowledge, in numbers (Farquhar et al. 2023, theorems 1 and 2).

``h xor c`` with h any yes/no of the question and c which answer was appended is a probe that gives opposite, certain
answers to both halves of every pair: loss 0. And any probe can be turned into one that says whatever one likes about
each question, at the same symmetric loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.labs.knowledge.probes.ccs import Confidence, ccs_loss, losses
from core.labs.knowledge.probes.normalise import Normaliser

STEEP = 10.0


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
    """Theorem 1 within the linear class: a linear probe fitted to ``h xor c`` for random balanced h.

    Least squares on ±1, times ten in front of the sigmoid. With more dimensions than activations the training loss is
    nearly 0 whatever h is, and the held-out accuracy chance.

    Args:
        pairs: raw ``[2, item, d_model]``; test: bool ``[item]``.
    """
    x = normaliser(pairs)
    h = np.stack([_balanced(test, rng) for _ in range(n)])  # [labelling, item]
    halves = np.concatenate([x[0, ~test], x[1, ~test]])
    wanted = np.where(np.concatenate([~h[:, ~test], h[:, ~test]], axis=1), 1.0, -1.0)
    rows = np.concatenate([halves, np.ones((len(halves), 1))], axis=1)
    fitted = STEEP * np.linalg.lstsq(rows, wanted.T, rcond=None)[0].T.astype(np.float32)
    theta, bias = fitted[:, :-1], fitted[:, -1]
    right = ((x[1] - x[0]) @ theta.T).T > 0
    losses_of = {part: ccs_loss(x[:, rows], theta, bias, "symmetric") for part, rows in _parts(test).items()}
    return [
        RandomLabelling(
            k,
            float(losses_of["train"][k]),
            float((right == h)[k, ~test].mean()),
            float(losses_of["test"][k]),
            float((right == h)[k, test].mean()),
        )
        for k in range(n)
    ]


def _balanced(test: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random yes for half of the items of each part."""
    h = np.zeros(len(test), bool)
    for part in _parts(test).values():
        rows = rng.permutation(np.flatnonzero(part))
        h[rows[: len(rows) // 2]] = True
    return h


def _parts(test: np.ndarray) -> dict[str, np.ndarray]:
    return {"train": ~test, "test": test}
