"""How good a representation is: feature prediction error, test preference accuracy, violated triplets.

All are measured on the held half, which no question and no training shows (Bobu et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.labs.similarity.learning.preferences import Preferences, ask, random_pairs, random_rewards
from core.labs.similarity.person import closest, distances, random_questions, triples_of
from core.worlds.listed.behaviours import Behaviours

RIDGE = 1e-3  # times the squared length of the reward's weights, beside the mean log-loss
TESTED, TRIPLES = 500, 1000


@dataclass(frozen=True, eq=False)
class Exam:
    """What representations of one seed are asked, the same for all of them.

    Attributes:
        rewards: true reward weights [reward, feature], of none that training has seen.
        asked: the preferences that each reward is learned from, about seen behaviours.
        pairs: held behaviours [reward, TESTED, 2].
        first: whether the first one is truly better, bool [reward, TESTED].
        triples: held behaviours [TRIPLES, 3], the pair that is truly most alike first.
    """

    rewards: np.ndarray
    asked: tuple[Preferences, ...]
    pairs: np.ndarray
    first: np.ndarray
    triples: np.ndarray


def exam(behaviours: Behaviours, seed: int, *, rewards: int, preferences: int) -> Exam:
    """Draw an exam.

    Args:
        rewards: how many unseen rewards are learned.
        preferences: how many preferences each is learned from.
    """
    rng = np.random.default_rng([seed, 7])
    thetas = random_rewards(rng, rewards, behaviours.features.shape[1])
    asked = tuple(ask(behaviours, theta[None], preferences, rng) for theta in thetas)
    pairs = np.stack([random_pairs(behaviours.held, TESTED, rng) for _ in thetas])
    value = np.einsum("rqif,rf->rqi", behaviours.features[pairs], thetas)
    unsorted = random_questions(behaviours.held, TRIPLES, rng)
    triples = triples_of(unsorted, closest(behaviours.features, unsorted))
    return Exam(thetas, asked, pairs, value[..., 0] > value[..., 1], triples)


def feature_error(points: np.ndarray, behaviours: Behaviours) -> float:
    """Feature prediction error: mean squared error of a linear regression from a representation to the true features.

    Fitted on seen behaviours, measured on held ones, as a fraction of the features' mean variance there: 0 is perfect,
    1 is no better than the mean.

    Args:
        points: the representation [behaviour, dim].
    """
    seen, held = behaviours.seen, behaviours.held
    inputs = np.column_stack([standardised(points, behaviours), np.ones(len(points))])
    weights = np.linalg.lstsq(inputs[seen], behaviours.features[seen], rcond=None)[0]
    truth = behaviours.features[held]
    return float(np.square(inputs[held] @ weights - truth).mean() / truth.var(0).mean())


def preference_accuracy(points: np.ndarray, behaviours: Behaviours, questions: Exam) -> float:
    """Test preference accuracy: share of held pairs whose order a reward learned on a representation gets right.

    Args:
        points: the representation [behaviour, dim].
    """
    values = standardised(points, behaviours) @ learned_rewards(points, behaviours, questions).T
    return accuracy(values.T, questions)


def accuracy(values: np.ndarray, questions: Exam) -> float:
    """The same for learned values [reward, behaviour]."""
    rows = np.arange(len(values))[:, None]
    said = values[rows, questions.pairs[..., 0]] > values[rows, questions.pairs[..., 1]]
    return float((said == questions.first).mean())


def learned_rewards(points: np.ndarray, behaviours: Behaviours, questions: Exam) -> np.ndarray:
    """Weights [reward, dim] on the standardised representation, by logistic regression on the preferences."""
    points = standardised(points, behaviours)
    return np.stack([reward_of(points, answers) for answers in questions.asked])


def reward_of(points: np.ndarray, answers: Preferences) -> np.ndarray:
    """Bradley-Terry weights [dim] of one reward; ``points`` [behaviour, dim] are standardised."""
    gaps = points[answers.pairs[:, 0]] - points[answers.pairs[:, 1]]
    # Each question enters both ways round: the same optimum, and both classes are there whatever was answered.
    both, labels = np.concatenate([gaps, -gaps]), np.concatenate([answers.first, ~answers.first])
    model = LogisticRegression(C=1 / (2 * RIDGE * len(both)), fit_intercept=False, max_iter=500)
    return model.fit(both, labels).coef_[0]


def violated(points: np.ndarray, triples: np.ndarray) -> float:
    """Share of triples [triple, 3] whose first two are not the closest pair in a representation; chance is 2 / 3."""
    return float((distances(points, triples).argmin(-1) != 0).mean())


def standardised(points: np.ndarray, behaviours: Behaviours) -> np.ndarray:
    """Mean 0 and variance 1 over the seen half, in every dimension that varies; float64."""
    points = points.astype(np.float64)
    part = points[behaviours.seen]
    spread = part.std(0)
    return (points - part.mean(0)) / np.where(spread > 1e-9, spread, 1.0)
