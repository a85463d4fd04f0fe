"""Several people about one world: how often they agree, and how well what one taught foretells another's answers."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from core.labs.similarity.answers.ensemble import Ensemble
from core.labs.similarity.answers.record import CHOICES, Answer
from core.labs.similarity.person import closest
from core.worlds.listed.behaviours import Behaviours


def by_person(answers: list[Answer]) -> dict[str, list[Answer]]:
    """Answers that name a pair, by who gave them."""
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        if answer.choice in CHOICES:
            found.setdefault(answer.rater, []).append(answer)
    return found


def agreements(people: dict[str, list[Answer]]) -> list[tuple[str, str, int, float]]:
    """Every two people who answered the same questions: both names, how many questions, the share answered alike.

    Questions are the same if they show the same three behaviours in the same order. Chance is 1 / 3.
    """
    said = {name: {one.trajectories: one.choice for one in own} for name, own in people.items()}
    found = []
    for a, b in combinations(said, 2):
        if both := said[a].keys() & said[b].keys():
            alike = sum(said[a][asked] == said[b][asked] for asked in both)
            found.append((a, b, len(both), alike / len(both)))
    return found


def like_simulated(behaviours: Behaviours, answers: list[Answer]) -> float:
    """Share of answers that a simulated person who weighs all features the same would give; chance is 1 / 3."""
    return _share(closest(behaviours.features, _asked(answers)), answers)


def foretold(ensemble: Ensemble, answers: list[Answer]) -> float:
    """Share of answers that name the closest pair of a learned representation, mean over its networks."""
    return _share(closest(ensemble.points, _asked(answers)), answers)


def _asked(answers: list[Answer]) -> np.ndarray:
    return np.array([answer.trajectories for answer in answers])


def _share(pairs: np.ndarray, answers: list[Answer]) -> float:
    return float((pairs == [CHOICES.index(answer.choice) for answer in answers]).mean())
