"""What a row of runs is: one task, one network, one way of training; runs of their own data, weight decay and seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import SpecError
from core.labs.grokking.tasks import Task
from core.labs.grokking.training.sizes import Net

Labels = Literal["true", "random"]
COLUMNS = ("train_loss", "test_loss", "train_acc", "test_acc", "norm", "correct_logit", "efficiency")
DATA_STREAM, LABEL_STREAM = 1, 2  # so that data, labels and weights of one seed are independent draws


@dataclass(frozen=True)
class Run:
    """One network.

    Attributes:
        seed: decides its weights, its examples and its random labels.
        n_train: number of examples that it trains on.
        weight_decay: of AdamW, in units of the learning rate.
        labels: ``random``: every pair of the table gets a random answer, so only memorising helps.
    """

    seed: int
    n_train: int
    weight_decay: float
    labels: Labels = "true"


@dataclass(frozen=True)
class Training:
    """Full-batch AdamW.

    Attributes:
        steps: optimiser steps; one step sees every training example once.
        lr: learning rate after ``warm_up`` linear steps.
        anneal: share of the steps, at the end, over which the learning rate falls linearly to a hundredth, so that
            norms and logits settle.
        points: how many times the curves are measured, about; half of them evenly, half geometrically spaced.
    """

    steps: int
    lr: float
    anneal: float = 0.0
    warm_up: int = 10
    betas: tuple[float, float] = (0.9, 0.98)
    points: int = 100

    def __post_init__(self) -> None:
        if self.steps < 1 or self.lr <= 0 or not 0 <= self.anneal <= 1 or self.points < 2:
            raise SpecError("Steps, learning rate and points must be positive, the annealed share from 0 to 1.")

    def rate(self, step: int) -> float:
        """Learning rate of the step with this number, from 0."""
        last = self.anneal * self.steps
        left = (self.steps - step) / last if last and step > self.steps - last else 1.0
        return self.lr * min(1.0, (step + 1) / max(1, self.warm_up)) * max(0.01, left)

    def measured_at(self) -> list[int]:
        """Steps done when the curves are measured: the first, the last, and those between them."""
        return spread(self.steps, self.points)


def spread(steps: int, points: int) -> list[int]:
    """About ``points`` whole numbers from 0 to ``steps``, dense at the start."""
    half = max(2, points // 2)
    found = np.concatenate([np.linspace(0, steps, half), np.geomspace(1, steps, half)])
    return sorted({0, steps, *np.round(found).astype(int).tolist()})


@dataclass(frozen=True, eq=False)
class Row:
    """Runs that train side by side.

    Attributes:
        kept_at: steps at which the weights of every run are kept; the last step always is.
    """

    task: Task
    net: Net
    training: Training
    runs: tuple[Run, ...]
    kept_at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.runs:
            raise SpecError("There is no run to train.", where="runs")
        for run in self.runs:
            if not 1 <= run.n_train <= len(self.task):
                raise SpecError(
                    f"{run.n_train} examples cannot be taken from a table of {len(self.task)}.", where="n_train"
                )
            if run.weight_decay < 0 or run.weight_decay * self.training.lr >= 1 or run.seed < 0:
                raise SpecError("Weight decay and seed must not be negative.", where="runs")


def training_examples(task: Task, run: Run) -> np.ndarray:
    """Numbers of the pairs that a run trains on, sorted; a smaller set of the same seed is part of a larger one."""
    order = np.random.default_rng((run.seed, DATA_STREAM)).permutation(len(task))
    return np.sort(order[: run.n_train])


def answers(task: Task, run: Run) -> np.ndarray:
    """The answer [pair] that a run is to give to every pair of the table."""
    if run.labels == "true":
        return task.answer
    return np.random.default_rng((run.seed, LABEL_STREAM)).integers(0, task.p, len(task))
