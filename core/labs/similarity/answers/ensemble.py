"""A few networks trained on a person's answers while the person goes on: what they see, and where they disagree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.labs.similarity.person import closest, random_questions
from core.worlds.listed.behaviours import Behaviours

if TYPE_CHECKING:
    from torch import Tensor

MEMBERS = 4
FIRST_STEPS, MORE_STEPS = {"grid": 400, "arm": 100}, {"grid": 150, "arm": 50}  # the arm's inputs are wide: fewer do
WIDTH, DIM = 48, 6
CANDIDATES = 200


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks that differ in their first weights.

    Attributes:
        weights: [member, size], to go on from.
        points: representations [member, behaviour, dim].
        fpe: mean feature prediction error of the members, on the held half.
        violated: share of the answers they were trained on that they do not reproduce.
    """

    weights: Tensor
    points: np.ndarray
    fpe: float
    violated: float

    @property
    def plane(self) -> np.ndarray:
        """The first member's two principal components, [behaviour, 2]; behaviour 0 lies right and above."""
        centred = self.points[0] - self.points[0].mean(0)
        axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
        flat = centred @ axes.T
        return flat * np.where(flat[0] < 0, -1.0, 1.0)


def train_ensemble(
    behaviours: Behaviours,
    triples: np.ndarray,
    *,
    before: Ensemble | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Ensemble:
    """Train on answers [answer, 3]; a few steps where there is one that was trained on most of them ``before``."""
    import torch

    from core.labs.similarity.learning.fit import Training
    from core.labs.similarity.learning.net import Net
    from core.labs.similarity.learning.triplet import fit_similarity
    from core.labs.similarity.measures import feature_error, violated
    from core.progress import Progress

    net, raw = Net((behaviours.raw.shape[1], WIDTH, WIDTH, DIM)), torch.as_tensor(behaviours.raw)
    steps = (MORE_STEPS if before else FIRST_STEPS)[behaviours.world]
    weights = fit_similarity(
        raw,
        [triples] * MEMBERS,
        range(MEMBERS),
        net,
        Training(steps),
        start=before.weights if before else None,
        progress=Progress(steps, None, cancelled),
    )
    with torch.no_grad():
        points = net(weights, raw).numpy()
    errors = [feature_error(member, behaviours) for member in points]
    wrong = [violated(member, triples) for member in points]
    return Ensemble(weights, points, float(np.mean(errors)), float(np.mean(wrong)))


def next_question(
    behaviours: Behaviours, number: int, seed: int, *, disputed: Ensemble | None = None
) -> tuple[int, int, int]:
    """Three seen behaviours, the same again for the same number and seed.

    Args:
        number: how many questions were answered before.
        disputed: take, of some random questions, the one whose closest pair these networks disagree about most.
    """
    rng = np.random.default_rng([seed, number, 11])
    questions = random_questions(behaviours.seen, CANDIDATES if disputed else 1, rng)
    best = questions[int(disagreement(disputed.points, questions).argmax())] if disputed else questions[0]
    a, b, c = (int(i) for i in best)
    return a, b, c


def disagreement(points: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """Entropy in nats of the members' votes for the closest pair, [question]; ``points`` [member, behaviour, dim]."""
    votes = np.stack([(closest(points, questions) == pair).mean(0) for pair in range(3)])
    return -(votes * np.log(np.where(votes > 0, votes, 1.0))).sum(0)
