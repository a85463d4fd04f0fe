"""The three ingredients of grokking as a simulation of two scalars (Varma et al. 2023, section 3).

Two fixed circuits answer: one that generalises, of strength G, and one that memorises, of strength M. On training pairs
both raise the right answer's logit; on test pairs only the first does, the second raises a wrong one:

    train loss = log(exp(G + M) + q - 1) - (G + M)
    test loss  = log(exp(G) + exp(M) + q - 2) - G
    penalty    = mu (P_g^2 G^r + P_m^2 M^r),  r = 2 / kappa

P is the parameter norm that a circuit needs at strength 1: the smaller, the more *efficient*. kappa says how logits
grow with the norm (logit ~ norm^kappa). Each strength is a product, G = g1 g2 and M = m1 m2, trained by gradient
descent; a small start makes a circuit slow. The ingredients: (1) both circuits exist; (2) the generalising one is more
efficient; (3) it is learned more slowly. At a stationary point with both strengths above 0,

    M / G = (P_g / P_m)^(2 / (r - 1))

The step, the start values and whether the penalty carries a factor 1/2 are choices made here; they scale time, not
the end ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import SpecError

FLOOR = 1e-12


@dataclass(frozen=True)
class Ingredients:
    """Settings. ``start_g``, ``start_m``: the factor that is not 0 at the start; it sets how fast a circuit grows."""

    p_g: float = 1.0
    p_m: float = 2.0
    start_g: float = 0.005
    start_m: float = 1.0
    mu: float = 0.0025
    kappa: float = 1.2
    classes: int = 113
    lr: float = 0.01
    steps: int = 200_000

    def __post_init__(self) -> None:
        amounts = (self.p_g, self.p_m, self.lr, self.start_g, self.start_m)
        if min(amounts) < 0 or self.mu < 0 or not 0 < self.kappa < 2 or self.classes < 3 or self.steps < 1:
            raise SpecError(
                "The simulation needs norms, start values and rates of at least 0, and kappa between 0 and 2.",
                where="simulation",
            )

    @property
    def exponent(self) -> float:
        """r, the power with which the penalty grows."""
        return 2 / self.kappa

    @property
    def end_ratio(self) -> float:
        """M / G where both circuits are at rest; NaN where weight decay or a norm is 0."""
        if not self.mu or not self.p_g or not self.p_m:
            return float("nan")
        return float((self.p_g / self.p_m) ** (2 / (self.exponent - 1)))


@dataclass(frozen=True, eq=False)
class Course:
    """What happened. All float64 [moment]; ``step`` is int64."""

    step: np.ndarray
    g: np.ndarray
    m: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """M / G."""
        return np.divide(self.m, self.g, out=np.full_like(self.m, np.inf), where=self.g > FLOOR)

    @property
    def generalises_at(self) -> int | None:
        """First recorded step at which the test pairs' right answer has the largest logit; None: never."""
        ahead = np.flatnonzero((self.g > self.m) & (self.g > 0))
        return int(self.step[ahead[0]]) if len(ahead) else None


def simulate(ingredients: Ingredients, *, moments: int = 400) -> Course:
    """Gradient descent from the start values, recorded at about ``moments`` geometrically spaced steps."""
    at = {0, *np.round(np.geomspace(1, ingredients.steps, moments)).astype(int).tolist()}
    g1, g2, m1, m2 = 0.0, ingredients.start_g, 0.0, ingredients.start_m
    q, r, lr = ingredients.classes, ingredients.exponent, ingredients.lr
    pull_g, pull_m = (ingredients.mu * r * norm**2 for norm in (ingredients.p_g, ingredients.p_m))
    rows = []
    for step in range(ingredients.steps + 1):
        g, m = max(g1 * g2, 0.0), max(m1 * m2, 0.0)
        if step in at:
            rows.append((step, g, m))
        push = -(q - 1) / (math.exp(min(g + m, 700.0)) + q - 1)
        d_g, d_m = push + pull_g * g ** (r - 1), push + pull_m * m ** (r - 1)
        g1, g2 = g1 - lr * g2 * d_g, g2 - lr * g1 * d_g
        m1, m2 = m1 - lr * m2 * d_m, m2 - lr * m1 * d_m
    table = np.array(rows)
    gs, ms = table[:, 1], table[:, 2]
    train = np.logaddexp(gs + ms, np.log(q - 1)) - (gs + ms)
    test = np.logaddexp(np.logaddexp(gs, ms), np.log(q - 2)) - gs
    return Course(table[:, 0].astype(int), gs, ms, train, test)


def course_table(course: Course) -> pd.DataFrame:
    """One row a moment: run, step, train_loss, test_loss, g, m, ratio."""
    return pd.DataFrame(
        {
            "run": 0,
            "step": course.step,
            "train_loss": course.train_loss,
            "test_loss": course.test_loss,
            "g": course.g,
            "m": course.m,
            "ratio": course.ratio,
        }
    )
