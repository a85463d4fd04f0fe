"""What a study shows beside accuracies: agreement of methods, accuracies by topic, components, scores of items."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.labs.knowledge.probes.components import components
from core.labs.knowledge.probes.metrics import agreement, matches
from core.labs.knowledge.probes.names import OUTPUTS, SUPERVISED
from core.labs.knowledge.study import Study

N_COMPONENTS = 3


def agreements(study: Study) -> list[dict[str, Any]]:
    """For each condition and two methods: share of identical held-out answers, and that expected by chance."""
    rows = []
    for condition in study.settings.conditions:
        predicted = {
            m: study.scores(condition, study.settings.focus, m)[:10, study.test] > 0 for m in study.settings.methods
        }
        names = list(predicted)
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                same, expected = agreement(predicted[first], predicted[second], study.labels[study.test])
                rows.append(
                    {"condition": condition, "first": first, "second": second, "same": same, "independent": expected}
                )
    return rows


def by_topic(study: Study) -> list[dict[str, Any]]:
    """Default prompts at the layer of focus, by topic: supervised methods on folds, what the model says itself."""
    if "none" not in study.contrasts:
        return []
    topics = np.array([item.topic for item in study.statements.items])
    rows = []
    for method in study.settings.methods:
        if method not in (*SUPERVISED, *OUTPUTS):
            continue
        made = study.fold_scores if method in SUPERVISED else study.scores
        right = (made("none", study.settings.focus, method)[0] > 0) == study.labels
        for topic in ("", *sorted(set(topics) - {""})):
            chosen = topics == topic if topic else np.ones(len(topics), bool)
            rows.append(
                {"method": method, "topic": topic, "truth": float(right[chosen].mean()), "items": int(chosen.sum())}
            )
    return rows


def variance(study: Study) -> dict[str, list[dict[str, float]]]:
    """For each condition the first components of the training differences: share of variance, and how well their
    sign matches the truth and the distractor on all items."""
    found = {}
    for condition in study.settings.conditions:
        projected, shares = _components(study, condition)
        rows = []
        for k, share in enumerate(shares):
            predicted = projected[:, k] > 0
            truth = float((predicted == study.labels).mean())
            distractor = float((predicted == study.contrasts[condition].distractor).mean())
            rows.append(
                {
                    "share": float(share),
                    "truth": max(truth, 1 - truth),
                    "distractor": max(distractor, 1 - distractor),
                }
            )
        found[condition] = rows
    return found


def _components(study: Study, condition: str) -> tuple[np.ndarray, np.ndarray]:
    """Differences of all items ``[item, component]`` along the components of the training part; variance shares."""
    layer = study.settings.focus
    x = study.normaliser(condition, layer)(study.pairs(condition, layer))
    directions, shares = components(x[:, ~study.test], N_COMPONENTS)
    return (x[1] - x[0]) @ directions.T, shares


def item_table(study: Study) -> pd.DataFrame:
    """One row an item: text, label, group, topic, split."""
    items = study.statements.items
    return pd.DataFrame(
        {
            "item": range(len(items)),
            "text": [item.text for item in items],
            "label": [int(item.label) for item in items],
            "group": [item.group for item in items],
            "topic": [item.topic for item in items],
            "split": np.where(study.test, "test", "train"),
        }
    )


def score_table(study: Study) -> pd.DataFrame:
    """One row a condition and item: mean score of each method's seeds, in standard deviations and turned to the truth
    with all labels (for showing, not for judging), and the first components."""
    tables = []
    for condition in study.settings.conditions:
        columns: dict[str, Any] = {
            "condition": condition,
            "item": range(len(study.test)),
            "distractor": study.contrasts[condition].distractor.astype(int),
        }
        for method in study.settings.methods:
            scores = study.scores(condition, study.settings.focus, method)
            turned = np.where(matches(scores > 0, study.labels) < 0.5, -1, 1)[:, None] * scores
            columns[method] = (turned / np.maximum(scores.std(1, keepdims=True), 1e-9)).mean(0).round(4)
        projected, _ = _components(study, condition)
        columns |= {f"pc{k + 1}": projected[:, k].round(4) for k in range(N_COMPONENTS)}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)
