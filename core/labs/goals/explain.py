"""Which goal explains an agent's actions better: the likelihood of what it did under each goal's Boltzmann policy.

    P(action) = softmax over actions of (beta x score(action)),    log-likelihood in nats an action

where scores are the world's table for the goal. A goal has one free number, beta, at or above 0, fitted to the same
actions by maximum likelihood (the log-likelihood is concave in beta; Brent's bounded search). Beta 0 is chance, minus
log of the number of actions; both goals have one free number, so their likelihoods compare as they are.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

STEEPEST = 50.0  # beta at most: a difference of one in score then decides all but surely


def fitted_beta(scores: np.ndarray, actions: np.ndarray) -> float:
    """The likeliest beta.

    Args:
        scores: of one goal, finite [moment, action].
        actions: that were done, int64 [moment].
    """
    found = minimize_scalar(
        lambda beta: -_likelihood(scores, actions, beta).mean(), bounds=(0.0, STEEPEST), method="bounded"
    )
    return float(found.x)


def log_likelihoods(scores: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Log-likelihood of each action under each goal, fitted as the module says.

    Args:
        scores: [moment, goal, action]; a moment with infinite ones (a goal out of reach) tells nothing.
        actions: int64 [moment].

    Returns:
        float64 [moment, goal] in nats; NaN in moments that tell nothing.
    """
    told = np.isfinite(scores).all((1, 2))
    found = np.full(scores.shape[:2], np.nan)
    for goal in range(scores.shape[1]) if told.any() else ():
        own = scores[told, goal]
        found[told, goal] = _likelihood(own, actions[told], fitted_beta(own, actions[told]))
    return found


def _likelihood(scores: np.ndarray, actions: np.ndarray, beta: float) -> np.ndarray:
    return log_softmax(beta * scores, axis=1)[np.arange(len(actions)), actions]
