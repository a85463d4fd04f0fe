"""A study from its settings to its files: every representation at every number of answers, with every seed.

Runs of one kind train as one batch, whatever their number of answers, noise and seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.labs.similarity.learning.fit import Training
from core.labs.similarity.learning.net import Net
from core.labs.similarity.learning.preferences import ask, fine_tune, fit_preferences, random_rewards
from core.labs.similarity.learning.triplet import fit_similarity
from core.labs.similarity.learning.vae import fit_vae
from core.labs.similarity.measures import (
    Exam,
    accuracy,
    exam,
    feature_error,
    learned_rewards,
    preference_accuracy,
    violated,
)
from core.labs.similarity.person import Person, simulated
from core.labs.similarity.record import write_study
from core.labs.similarity.settings import TASKS, Representation, Settings
from core.progress import IsCancelled, OnStep, Progress
from core.worlds.listed.behaviours import Behaviours
from core.worlds.listed.catalogue import load_world

TUNING_STEPS, TUNING_RATE = 100, 1e-3


@dataclass(frozen=True)
class Run:
    """One representation: ``answers`` and ``noise`` are 0 where nobody was asked."""

    representation: Representation
    answers: int
    noise: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.representation}-{self.answers}-noise{self.noise:g}-seed{self.seed}"


@dataclass(eq=False)
class Trained:
    """Runs of one kind after training.

    Attributes:
        points: representations [run, behaviour, dim].
        net, weights: of the networks [run, size]; None where there are none.
        seconds: of training, all runs together.
    """

    runs: tuple[Run, ...]
    points: np.ndarray
    net: Net | None = None
    weights: Tensor | None = None
    seconds: float = field(default=0.0)


def run_study(
    settings: Settings, out: Path, *, on_step: OnStep | None = None, cancelled: IsCancelled | None = None
) -> pd.DataFrame:
    """Train, measure, and write ``record.FILES`` into ``out``; the table of ``record.COLUMNS``, one row a run.

    Raises:
        Cancelled: ``cancelled()`` became true; nothing is written.
    """
    behaviours = load_world(settings.world)
    kinds = [name for name in settings.representations if name not in ("raw", "oracle", "random")]
    progress = Progress(settings.steps * len(kinds), on_step, cancelled)
    exams = {
        seed: exam(behaviours, seed, rewards=settings.rewards, preferences=settings.preferences)
        for seed in settings.all_seeds
    }
    parts, rows = [], []
    for name in settings.representations:
        part = train(settings, name, behaviours, progress)
        rows += measure(settings, part, behaviours, exams)
        parts.append(part)
        progress.check()
    table = pd.DataFrame(rows)
    write_study(
        settings, behaviours, table, {run.name: p for t in parts for run, p in zip(t.runs, t.points)}, exams, out
    )
    return table


def train(
    settings: Settings, name: Representation, behaviours: Behaviours, progress: Progress | None = None
) -> Trained:
    """All runs of one representation, in one batch."""
    began = time.perf_counter()
    trained = _LEARN.get(name, _asked)(settings, name, behaviours, progress)
    trained.seconds = time.perf_counter() - began
    return trained


def measure(settings: Settings, part: Trained, behaviours: Behaviours, exams: dict[int, Exam]) -> list[dict]:
    """One row of ``record.COLUMNS`` a run."""
    rows = []
    for i, run in enumerate(part.runs):
        began, points, questions = time.perf_counter(), part.points[i], exams[run.seed]
        if settings.fine_tune and part.net is not None and part.weights is not None:
            tpa = _tuned_accuracy(part.net, part.weights[i], points, behaviours, questions)
        else:
            tpa = preference_accuracy(points, behaviours, questions)
        rows.append(
            {
                "world": settings.world,
                "representation": run.representation,
                "answers": run.answers,
                "seed": run.seed,
                "fpe": feature_error(points, behaviours),
                "tpa": tpa,
                "violated": violated(points, questions.triples),
                "seconds": part.seconds / len(part.runs) + time.perf_counter() - began,
                "noise": run.noise,
            }
        )
    return rows


def _asked(settings: Settings, name: Representation, behaviours: Behaviours, progress: Progress | None) -> Trained:
    """Networks that learn from similarity answers, or from as many preferences."""
    runs = tuple(
        Run(name, count, noise, seed)
        for noise in settings.noise
        for count in settings.answers
        for seed in settings.all_seeds
    )
    seeds = [run.seed for run in runs]
    net, raw, training = _net(settings, behaviours), torch.as_tensor(behaviours.raw), Training(settings.steps)
    if name == "sirl":
        triples = [_answers(settings, behaviours, run) for run in runs]
        weights = fit_similarity(raw, triples, seeds, net, training, progress=progress)
    else:
        features = behaviours.features.shape[1]
        preferences = [
            ask(
                behaviours,
                random_rewards(np.random.default_rng([run.seed, 5]), TASKS[name], features),
                run.answers,
                np.random.default_rng([run.seed, 6]),
                noise=run.noise,
            )
            for run in runs
        ]
        weights = fit_preferences(raw, preferences, seeds, net, training, progress=progress)
    return _embedded(runs, net, weights, raw)


def _answers(settings: Settings, behaviours: Behaviours, run: Run) -> np.ndarray:
    if settings.given:
        return np.array(settings.given[: run.answers])
    return simulated(behaviours, run.answers, run.seed, Person(noise=run.noise))


def _vae(settings: Settings, name: Representation, behaviours: Behaviours, progress: Progress | None) -> Trained:
    raw, seen = torch.as_tensor(behaviours.raw), torch.as_tensor(behaviours.seen)
    net = _net(settings, behaviours)
    weights = fit_vae(raw, seen, settings.all_seeds, net, Training(settings.steps), progress=progress)
    return _embedded(_alone(settings, name), net, weights, raw)


def _random(settings: Settings, name: Representation, behaviours: Behaviours, progress: Progress | None) -> Trained:
    net = _net(settings, behaviours)
    return _embedded(_alone(settings, name), net, net.start(settings.all_seeds), torch.as_tensor(behaviours.raw))


def _fixed(settings: Settings, name: Representation, behaviours: Behaviours, progress: Progress | None) -> Trained:
    """The raw input, or the true features, the same for every seed."""
    points = behaviours.raw if name == "raw" else behaviours.features
    return Trained(_alone(settings, name), np.broadcast_to(points, (settings.seeds, *points.shape)))


_LEARN: dict[Representation, Callable[..., Trained]] = {"vae": _vae, "random": _random, "raw": _fixed, "oracle": _fixed}


def _alone(settings: Settings, name: Representation) -> tuple[Run, ...]:
    return tuple(Run(name, 0, 0.0, seed) for seed in settings.all_seeds)


def _net(settings: Settings, behaviours: Behaviours) -> Net:
    return Net((behaviours.raw.shape[1], settings.width, settings.width, settings.dim))


def _embedded(runs: tuple[Run, ...], net: Net, weights: Tensor, raw: Tensor) -> Trained:
    with torch.no_grad():
        return Trained(runs, net(weights, raw).numpy(), net, weights)


def _tuned_accuracy(net: Net, weights: Tensor, points: np.ndarray, behaviours: Behaviours, questions: Exam) -> float:
    """Test preference accuracy where every reward trains a copy of the network along with itself."""
    spread = points[behaviours.seen].std(0, dtype=np.float64)
    heads = learned_rewards(points, behaviours, questions) / np.where(spread > 1e-9, spread, 1.0)
    flat = weights.expand(len(heads), -1)
    values = fine_tune(
        torch.as_tensor(behaviours.raw),
        flat,
        torch.as_tensor(heads, dtype=flat.dtype),
        questions.asked,
        net,
        steps=TUNING_STEPS,
        rate=TUNING_RATE,
    )
    return accuracy(values.numpy(), questions)
