"""Bradley-Terry preferences: a representation from one or several preference tasks, and rewards on top of one.

Of two behaviours the first is preferred with probability sigmoid(r(first) - r(second)), r = w . representation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.labs.similarity.learning.fit import Training, draws, fit
from core.labs.similarity.learning.net import Net, rows
from core.progress import Progress
from core.worlds.listed.behaviours import Behaviours

SHARPNESS = 20.0  # of simulated preferences: the factor of the difference of rewards, whose features run from 0 to 1


@dataclass(frozen=True, eq=False)
class Preferences:
    """Preferences of one simulated person, who has one or several tasks.

    Attributes:
        pairs: behaviours [question, 2].
        first: whether the first one was preferred, bool [question].
        task: which task each question was about [question].
    """

    pairs: np.ndarray
    first: np.ndarray
    task: np.ndarray

    def __len__(self) -> int:
        return len(self.pairs)

    def begin(self, count: int) -> Preferences:
        """The first ``count`` of them."""
        return Preferences(self.pairs[:count], self.first[:count], self.task[:count])


def random_rewards(rng: np.random.Generator, tasks: int, features: int) -> np.ndarray:
    """Reward weights [task, feature], uniform within -1 .. 1."""
    return rng.uniform(-1, 1, (tasks, features))


def ask(
    behaviours: Behaviours, rewards: np.ndarray, count: int, rng: np.random.Generator, *, noise: float = 0.0
) -> Preferences:
    """Preferences between seen behaviours, question i about task i modulo the number of tasks.

    Args:
        rewards: weights [task, feature].
        noise: share of answers that are thrown by a coin.
    """
    luck = rng.random((count, 5))  # a row a question: the first n do not depend on how many follow
    pairs, task = _pairs(behaviours.seen, luck[:, :2]), np.arange(count) % len(rewards)
    value = (behaviours.features[pairs] * rewards[task][:, None]).sum(-1)
    first = luck[:, 2] < 1 / (1 + np.exp(-SHARPNESS * (value[:, 0] - value[:, 1])))
    return Preferences(pairs, np.where(luck[:, 3] < noise, luck[:, 4] < 0.5, first), task)


def random_pairs(pool: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Two different members of the pool, ``count`` times: [count, 2]."""
    return _pairs(pool, rng.random((count, 2)))


def _pairs(pool: np.ndarray, luck: np.ndarray) -> np.ndarray:
    first = (len(pool) * luck[:, 0]).astype(int)
    other = 1 + ((len(pool) - 1) * luck[:, 1]).astype(int)
    return pool[np.column_stack([first, (first + other) % len(pool)])]


def fit_preferences(
    raw: Tensor,
    answers: Sequence[Preferences],
    seeds: Sequence[int],
    net: Net,
    training: Training,
    *,
    progress: Progress | None = None,
) -> Tensor:
    """Weights [run, size] of the trunk that all tasks of a run share, each with linear rewards of its own.

    Args:
        raw: all behaviours [behaviour, number].
        answers: each run's.
    """
    most, tasks, dim = max(map(len, answers)), max(int(a.task.max()) + 1 for a in answers), net.widths[-1]
    pairs = torch.stack([torch.as_tensor(np.resize(a.pairs, (most, 2))) for a in answers])
    first = torch.stack([torch.as_tensor(np.resize(a.first, most)) for a in answers]).to(raw.dtype)
    task = torch.stack([torch.as_tensor(np.resize(a.task, most)) for a in answers])
    chosen = draws([len(a) for a in answers], seeds, training)
    runs = torch.arange(len(answers))[:, None]

    def loss(flat: Tensor, step: int) -> Tensor:
        trunk, heads = flat.split([net.size, tasks * dim], dim=1)
        now = runs, chosen[step]
        a, b = net(trunk, rows(raw, pairs[now].transpose(1, 2).flatten(1))).unflatten(1, (2, -1)).unbind(1)
        gain = ((a - b) * heads.unflatten(1, (tasks, dim))[runs, task[now]]).sum(-1)
        return F.binary_cross_entropy_with_logits(gain, first[now], reduction="none").mean(1)

    heads = Net((dim, tasks)).start([seed + 1_000_000 for seed in seeds], dtype=raw.dtype)[:, : tasks * dim]
    start = torch.cat([net.start(seeds, dtype=raw.dtype), heads], dim=1)
    return fit(start, loss, training, progress=progress)[:, : net.size]


def fine_tune(
    raw: Tensor, flat: Tensor, heads: Tensor, answers: Sequence[Preferences], net: Net, *, steps: int, rate: float
) -> Tensor:
    """Rewards of all behaviours [reward, behaviour] after trunk and head were trained together, a copy a reward.

    Args:
        flat: trunk [reward, size] to begin with.
        heads: [reward, dim] to begin with.
        answers: one task's preferences a reward, all equally many.
    """
    pairs = torch.stack([torch.as_tensor(a.pairs) for a in answers])
    first = torch.stack([torch.as_tensor(a.first) for a in answers]).to(raw.dtype)

    def loss(weights: Tensor, _: int) -> Tensor:
        trunk, head = weights.split([net.size, heads.shape[1]], dim=1)
        a, b = net(trunk, rows(raw, pairs.transpose(1, 2).flatten(1))).unflatten(1, (2, -1)).unbind(1)
        gain = ((a - b) * head[:, None]).sum(-1)
        return F.binary_cross_entropy_with_logits(gain, first, reduction="none").mean(1)

    tuned = fit(torch.cat([flat, heads], dim=1), loss, Training(steps=steps, rate=rate))
    trunk, head = tuned.split([net.size, heads.shape[1]], dim=1)
    with torch.no_grad():
        return (net(trunk, raw) * head[:, None]).sum(-1)
