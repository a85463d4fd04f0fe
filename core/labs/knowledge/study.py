"""A study: probes of every method on one set of statements, under several conditions and at several layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.labs.knowledge.activations import Activations
from core.labs.knowledge.cache import Cache
from core.labs.knowledge.probes.methods import Probes, fit
from core.labs.knowledge.probes.metrics import accuracy, few_labelled, matches, orientation
from core.labs.knowledge.probes.names import OUTPUTS, SEEDED, SUPERVISED
from core.labs.knowledge.probes.normalise import Normaliser, fit_normaliser
from core.labs.knowledge.settings import Settings
from core.labs.knowledge.statements.statements import Statements, check, folds, split
from core.labs.knowledge.statements.wording import Contrast, Wording, assign, check_balanced, contrast
from core.models.load import LoadedModel
from core.progress import IsCancelled, OnStep, Progress

COLUMNS = ["layer", "method", "seed", "truth", "distractor", "loss", "split", "condition", "truth_signed", "items"]
N_FOLDS = 5


@dataclass
class Study:
    """What was drawn, extracted and fitted; every array is indexed by item in the order of the statements.

    Attributes:
        test: bool ``[item]``, held out. fold: int ``[item]``. few: labelled items that orient signed accuracies.
        contrasts, activations: by condition. probes: by condition, layer and method.
    """

    statements: Statements
    wording: Wording
    settings: Settings
    test: np.ndarray
    fold: np.ndarray
    few: np.ndarray
    contrasts: dict[str, Contrast]
    activations: dict[str, Activations]
    keys: dict[str, str]
    probes: dict[tuple[str, int, str], Probes]
    cache: Cache

    @property
    def labels(self) -> np.ndarray:
        return self.statements.labels

    def pairs(self, condition: str, layer: int) -> np.ndarray:
        """Raw pairs ``[2, item, d_model]``."""
        return self.activations[condition].layer(layer)

    def normaliser(self, condition: str, layer: int, *, train: np.ndarray | None = None) -> Normaliser:
        """Fitted without labels on the training part (or other rows) of a condition."""
        rows = ~self.test if train is None else train
        return fit_normaliser(self.pairs(condition, layer)[:, rows], self.settings.norm)

    def fit(
        self,
        method: str,
        condition: str,
        layer: int,
        *,
        train: np.ndarray | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Probes:
        """Probes of one method, from the cache where they were fitted before."""
        rows = ~self.test if train is None else train
        pairs, s = self.pairs(condition, layer)[:, rows], self.settings
        normaliser = fit_normaliser(pairs, s.norm)
        key = [method, layer, self.keys[condition], np.flatnonzero(rows).tolist(), s.norm, s.seed]
        key += [s.seeds] if method in (*SEEDED, "kmeans") else []
        key += [s.epochs, s.learning_rate] if method.startswith("ccs") else []
        key += [self.labels[rows].astype(int).tolist()] if method in SUPERVISED else []

        def compute() -> Probes:
            return fit(
                method,  # type: ignore[arg-type]
                layer,
                pairs,
                self.labels[rows],
                normaliser,
                seeds=range(s.seed, s.seed + s.seeds),
                epochs=s.epochs,
                learning_rate=s.learning_rate,
                cancelled=cancelled,
            )

        return self.cache.probes(key, normaliser, compute)

    def outputs(self, condition: str, method: str) -> np.ndarray:
        """Scores ``[1, item]`` of what the model itself says: raw, or against the median of the training part."""
        answers = np.asarray(self.activations[condition].answers)
        threshold = np.median(answers[~self.test]) if method == "zero-shot-calibrated" else 0.0
        return (answers - threshold)[None]

    def scores(self, condition: str, layer: int, method: str) -> np.ndarray:
        """Scores ``[probe, item]`` of what was fitted on the training part."""
        if method in OUTPUTS:
            return self.outputs(condition, method)
        return self.probes[condition, layer, method].scores(self.pairs(condition, layer))

    def fold_scores(self, condition: str, layer: int, method: str) -> np.ndarray:
        """Scores ``[1, item]`` of a supervised method, each item scored by a probe that saw nothing of its group."""
        scores = np.zeros(len(self.statements), np.float32)
        for k in range(N_FOLDS):
            held = self.fold == k
            probe = self.fit(method, condition, layer, train=~held)
            scores[held] = probe.scores(self.pairs(condition, layer)[:, held])[0]
        return scores[None]


def prepare(
    model: LoadedModel,
    statements: Statements,
    wording: Wording,
    settings: Settings,
    cache: Cache,
    *,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> Study:
    """Draw the split and the distractors, and extract what is not in the cache.

    Raises:
        UserError: statements or a distractor from which nothing could be concluded.
    """
    check(statements)
    settings = settings.at(model.shape.n_layers)
    rng = np.random.default_rng(settings.seed)
    test, fold, drawn = split(statements, rng), folds(statements, rng, n=N_FOLDS), assign(statements, rng)
    few = few_labelled(statements.labels, ~test, rng)
    contrasts = {c: contrast(statements, wording, c, drawn=drawn) for c in settings.conditions}
    for condition, made in contrasts.items():
        check_balanced(statements.labels, made.distractor, where=condition)
    n = len(statements)
    activations, keys = {}, {}
    for i, (condition, made) in enumerate(contrasts.items()):

        def step(done: int, total: int, before: int = i * n) -> None:
            if on_step is not None:
                on_step(before + done, len(contrasts) * n)

        keys[condition] = cache.activations_key(model, made.prompts)
        activations[condition] = cache.activations(model, made.prompts, on_step=step, cancelled=cancelled)
    return Study(statements, wording, settings, test, fold, few, contrasts, activations, keys, {}, cache)


def fit_all(study: Study, *, on_step: OnStep | None = None, cancelled: IsCancelled | None = None) -> None:
    """Fit every method under every condition and at every layer."""
    s = study.settings
    fitted = [m for m in s.methods if m not in OUTPUTS]
    progress = Progress(sum(len(s.layers_of(c)) for c in s.conditions) * len(fitted), on_step, cancelled)
    for condition in s.conditions:
        for layer in s.layers_of(condition):
            for method in fitted:
                study.probes[condition, layer, method] = study.fit(method, condition, layer, cancelled=cancelled)
                progress.advance(1)


def accuracy_table(study: Study, *, cancelled: IsCancelled | None = None) -> pd.DataFrame:
    """One row a condition, layer, method, seed and split, the columns of ``COLUMNS``.

    ``truth`` and ``distractor`` are max(a, 1 − a). ``split`` is ``train`` (what was fitted on), ``test`` (held out)
    or, for supervised methods, ``folds`` (five grouped folds, each item held out once). ``loss`` is the CCS loss.
    ``truth_signed`` is a itself, the probe turned by ten labelled training items. What the model says itself has no
    layer.
    """
    rows: list[pd.DataFrame] = []
    progress = Progress(0, None, cancelled)
    for condition in study.settings.conditions:
        for method in study.settings.methods:
            layers = [None] if method in OUTPUTS else list(study.settings.layers_of(condition))
            for layer in layers:
                progress.check()
                rows += _rows(study, condition, layer, method)
    table = pd.concat(rows, ignore_index=True)
    return table.astype({"layer": "Int64"})[COLUMNS]


def _rows(study: Study, condition: str, layer: int | None, method: str) -> list[pd.DataFrame]:
    scores = study.scores(condition, layer or 0, method)
    parts: dict[str, tuple[np.ndarray, np.ndarray]] = {"train": (scores, ~study.test), "test": (scores, study.test)}
    probes = study.probes.get((condition, layer or 0, method))
    if method in SUPERVISED:
        parts["folds"] = (study.fold_scores(condition, layer or 0, method), np.ones(len(study.test), bool))
    found = []
    for name, (values, rows) in parts.items():
        sign = orientation(scores, study.labels, study.few) if method not in (*SUPERVISED, *OUTPUTS) else 1
        predicted, labels = values[:, rows] > 0, study.labels[rows]
        signed = matches(predicted, labels)
        pairs = study.pairs(condition, layer)[:, rows] if probes is not None and method in SEEDED else None  # type: ignore[arg-type]
        found.append(
            pd.DataFrame(
                {
                    "layer": layer,
                    "method": method,
                    "seed": probes.seeds if probes is not None else study.settings.seed,
                    "truth": accuracy(predicted, labels),
                    "distractor": accuracy(predicted, study.contrasts[condition].distractor[rows]),
                    "loss": probes.loss(pairs) if probes is not None and pairs is not None else np.nan,
                    "split": name,
                    "condition": condition,
                    "truth_signed": np.where(np.asarray(sign) < 0, 1 - signed, signed),
                    "items": int(rows.sum()),
                }
            )
        )
    return found
