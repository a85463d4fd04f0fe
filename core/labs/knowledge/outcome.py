"""From a study to its files: tables, audit cards, readings of the directions, and the probes themselves.

``accuracy.csv``    see ``core.labs.knowledge.study.accuracy_table``
``audit.json``      what was run and the cards; agreement between methods, theorems, random labellings, accuracies by
                    topic, shares of variance, tokens of each direction
``items.csv``       one row an item: text, label, group, topic, split
``scores.csv``      at the layer of focus: condition, item, distractor, one column a method (mean score of its seeds in
                    standard deviations, each turned to the truth), and the first components pc1 to pc3
``steering.csv``    direction, dose, item, change of the logit difference
``probe-*.safetensors``  one probe a method at the layer of focus, with its normaliser (CCS: the seed of lowest loss)
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from core.labs.knowledge.activations import tokenise
from core.labs.knowledge.audit import audit, reference_lines
from core.labs.knowledge.cache import Cache
from core.labs.knowledge.findings import agreements, by_topic, item_table, score_table, variance
from core.labs.knowledge.probes.methods import Probes
from core.labs.knowledge.probes.metrics import chance_floor, matches
from core.labs.knowledge.probes.names import OUTPUTS, SUPERVISED
from core.labs.knowledge.probes.probe_file import probe_bytes
from core.labs.knowledge.settings import Settings, wording_json
from core.labs.knowledge.statements.statements import Statements
from core.labs.knowledge.statements.wording import Wording
from core.labs.knowledge.steering import DOSES, ITEMS, steer, steering_table, through_unembedding, with_random
from core.labs.knowledge.study import Study, accuracy_table, fit_all, prepare
from core.labs.knowledge.theory.theorems import demonstrate, random_labellings
from core.models.load import LoadedModel
from core.progress import IsCancelled, OnStep, Progress

FILES = ("accuracy.csv", "audit.json", "items.csv", "scores.csv", "steering.csv", "activations.safetensors", "run.json")
FIT_SHARE = 0.5  # of the progress bar
STEERED = ("ccs", "pca", "logistic", "mass-mean")
_ABOUT = {
    "activations": "[item, 2, layer, d_model], last token, before normalisation; 0: answer of label 0, 1: of label 1",
    "split": "0 train, 1 test",
}


def run_study(
    model: LoadedModel,
    statements: Statements,
    wording: Wording,
    settings: Settings,
    folder: Path,
    *,
    cache: Cache,
    uploaded: Probes | None = None,
    save_activations: bool = False,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> Study:
    """Extract, fit, audit, and write the files into an existing folder.

    Args:
        uploaded: a probe from a file, audited beside the methods; its layer becomes the layer of focus.
        save_activations: also write ``activations.safetensors``: for each condition ``<condition>/activations``
            ``[item, 2, layer, d_model]`` before normalisation, all layers, the prompt with the false-label answer
            first, and ``<condition>/distractor``; ``label``, ``split`` (0 train, 1 test) and ``fold``. With a single
            condition the names have no prefix.

    Raises:
        UserError: statements, settings or a distractor that cannot be used.
    """
    steps = _Steps(on_step)
    study = prepare(model, statements, wording, settings, cache, on_step=steps.first, cancelled=cancelled)
    fit_all(study, on_step=steps.second, cancelled=cancelled)
    accuracy_table(study, cancelled=cancelled).to_csv(
        folder / "accuracy.csv", index=False, lineterminator="\n", float_format="%.6g"
    )
    item_table(study).to_csv(folder / "items.csv", index=False, lineterminator="\n")
    score_table(study).to_csv(folder / "scores.csv", index=False, lineterminator="\n")
    report = describe(study, model) | _findings(study, model, folder, uploaded, cancelled)
    text = json.dumps(_plain(report), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "audit.json").write_text(text + "\n", encoding="utf-8")
    for method in study.settings.methods:
        if method not in OUTPUTS and "none" in study.contrasts:
            content = probe_bytes(best(study, "none", method))
            (folder / f"probe-{method}.safetensors").write_bytes(content)
    if save_activations:
        _save_activations(study, folder / "activations.safetensors")
    return study


class _Steps:
    """One progress bar for extraction (first half) and fitting (second half), in thousandths."""

    def __init__(self, on_step: OnStep | None):
        self._on_step = on_step

    def first(self, done: int, total: int) -> None:
        self._report((1 - FIT_SHARE) * done / max(total, 1))

    def second(self, done: int, total: int) -> None:
        self._report(1 - FIT_SHARE + FIT_SHARE * done / max(total, 1))

    def _report(self, share: float) -> None:
        if self._on_step is not None:
            self._on_step(round(1000 * share), 1000)


def best(study: Study, condition: str, method: str) -> Probes:
    """One probe of a method at the layer of focus: the seed of lowest training loss, turned to the truth by ten
    labelled training items."""
    probes = study.probes[condition, study.settings.focus, method]
    pairs = study.pairs(condition, study.settings.focus)
    loss = probes.loss(pairs[:, ~study.test])
    probe = probes.only(0 if np.isnan(loss).any() else int(loss.argmin()))
    if method in SUPERVISED or matches(probe.scores(pairs)[:, study.few] > 0, study.labels[study.few])[0] >= 0.5:
        return probe
    return Probes(
        probe.method,
        probe.layer,
        probe.seeds,
        -probe.weights,
        -probe.bias,
        -probe.threshold,
        probe.normaliser,
    )


def describe(study: Study, model: LoadedModel) -> dict[str, Any]:
    """What was run, on what."""
    test = study.test
    return {
        "model": {"id": model.model_id, "name": model.card.name, "revision": model.revision, "dtype": str(model.dtype)},
        "n_layers": model.shape.n_layers,
        "data": {"name": study.statements.name, "digest": study.statements.digest, "items": len(test)},
        "wording": wording_json(study.wording),
        "settings": study.settings.to_json(),
        "split": {
            "train": int((~test).sum()),
            "test": int(test.sum()),
            "groups": len(set(study.statements.groups)),
            "floor_train": chance_floor(int((~test).sum())),
            "floor_test": chance_floor(int(test.sum())),
            "floor_all": chance_floor(len(test)),
        },
        "examples": {c: made.prompts[0][int(study.labels[0])] for c, made in study.contrasts.items()},
    }


def _findings(
    study: Study, model: LoadedModel, folder: Path, uploaded: Probes | None, cancelled: IsCancelled | None
) -> dict[str, Any]:
    """Everything that rests on the default prompts is left out of a study without them."""
    rng = np.random.default_rng(study.settings.seed + 1)
    found: dict[str, Any] = {
        "agreement": agreements(study),
        "by_topic": by_topic(study),
        "variance": variance(study),
        "theorems": asdict(demonstrate(rng)),
        "cards": [],
    }
    condition = "none" if "none" in study.contrasts else study.settings.conditions[0]
    pairs, normaliser = study.pairs(condition, study.settings.focus), study.normaliser(condition, study.settings.focus)
    found["labellings"] = [asdict(one) for one in random_labellings(pairs, study.test, normaliser, rng)]
    Progress(0, None, cancelled).check()
    if "none" not in study.contrasts:
        return found
    lines = reference_lines(study)
    found["lines"] = asdict(lines)
    found["cards"] = [audit(study, method, lines).to_json() for method in study.settings.methods]
    if uploaded is not None:
        found["cards"].insert(0, audit(study, uploaded.method, lines, uploaded=uploaded).to_json())
    named = {m: best(study, "none", m).directions()[0] for m in STEERED if m in study.settings.methods}
    if uploaded is not None:
        named[uploaded.method] = uploaded.directions()[0]
    residual = study.pairs("none", study.settings.focus)
    centre, length = residual.mean((0, 1)), float(np.linalg.norm(residual, axis=-1).mean())
    found["tokens"] = {
        name: asdict(through_unembedding(model, unit.astype(np.float32), centre, length=0.2 * length))
        for name, unit in named.items()
    }
    if named:
        _steered(study, model, named, rng, cancelled).to_csv(
            folder / "steering.csv", index=False, lineterminator="\n", float_format="%.5f"
        )
    return found


def _steered(
    study: Study,
    model: LoadedModel,
    named: dict[str, np.ndarray],
    rng: np.random.Generator,
    cancelled: IsCancelled | None,
) -> pd.DataFrame:
    """The steering table of these directions, from the cache where it was computed before."""
    names, units = with_random(named, rng)
    focus = study.settings.focus

    def compute() -> np.ndarray:
        pairs = tokenise(model, study.contrasts["none"].prompts[:ITEMS])
        return steer(model, pairs, focus, units, cancelled=cancelled)

    key = ["steer", study.keys["none"], focus, ITEMS, list(DOSES), hashlib.sha256(units.tobytes()).hexdigest()]
    return steering_table(names, study.cache.array(key, compute))


def _save_activations(study: Study, path: Path) -> None:
    alone = len(study.contrasts) == 1
    arrays: dict[str, np.ndarray] = {
        "label": study.labels.astype(np.int64),
        "split": study.test.astype(np.int64),
        "fold": study.fold.astype(np.int64),
    }
    for condition, made in study.contrasts.items():
        prefix = "" if alone else f"{condition}/"
        arrays[f"{prefix}activations"] = np.ascontiguousarray(study.activations[condition].residuals)
        arrays[f"{prefix}distractor"] = made.distractor.astype(np.int64)
    save_file(arrays, path, metadata=_ABOUT)


def _plain(value: Any) -> Any:
    """JSON values; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
