"""Questions "which two of these three are most alike?", and the simulated person who answers them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.worlds.listed.behaviours import Behaviours

PAIRS = ((0, 1), (0, 2), (1, 2))
THIRD = (2, 1, 0)  # the behaviour that each pair leaves out


@dataclass(frozen=True)
class Person:
    """A simulated person.

    Attributes:
        weights: how much each feature counts for being alike; empty: all the same.
        noise: share of answers that are a random pair.
    """

    weights: tuple[float, ...] = ()
    noise: float = 0.0

    def choices(self, behaviours: Behaviours, questions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The pair chosen, 0 .. 2 of ``PAIRS``, for each question [question, 3]; alike is close in the features."""
        clear = closest(behaviours.features * np.array(self.weights or 1.0), questions)
        luck = rng.random((len(questions), 2))  # a row a question: the first n do not depend on how many follow
        return np.where(luck[:, 0] < self.noise, (3 * luck[:, 1]).astype(int), clear)


def closest(points: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """The pair of ``PAIRS`` whose points lie closest together, for each question [question, 3]."""
    return distances(points, questions).argmin(-1)


def distances(points: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """Distances within each pair of ``PAIRS`` [..., question, 3], for points [..., behaviour, dim]."""
    three = points[..., questions, :]
    return np.stack([np.linalg.norm(three[..., i, :] - three[..., j, :], axis=-1) for i, j in PAIRS], axis=-1)


def random_questions(pool: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Three different members of the pool, ``count`` times: int64 [count, 3]."""
    order = rng.random((count, len(pool))).argpartition(2, axis=1)[:, :3]
    return pool[order]


def triples_of(questions: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """Answers as the triplet loss reads them, [answer, 3]: the chosen pair, then the third."""
    order = np.array([(*pair, third) for pair, third in zip(PAIRS, THIRD)])[choices]
    return np.take_along_axis(questions, order, axis=1)


def simulated(behaviours: Behaviours, count: int, seed: int, person: Person) -> np.ndarray:
    """Answers [count, 3] to random questions about seen behaviours; the first n are the same whatever the count."""
    questions = random_questions(behaviours.seen, count, np.random.default_rng([seed, 0]))
    return triples_of(questions, person.choices(behaviours, questions, np.random.default_rng([seed, 3])))
