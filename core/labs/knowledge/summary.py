"""A finished study's folder read back: tables for figures, and its findings in a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import ResultError
from core.labs.knowledge.probes.names import OUTPUTS, SUPERVISED


@dataclass(frozen=True)
class StudyFiles:
    """The files of one study, read when they are asked for.

    Raises:
        ResultError: (each property) a file is missing or damaged.
    """

    folder: Path

    @cached_property
    def report(self) -> dict[str, Any]:
        """``audit.json``."""
        try:
            return json.loads((self.folder / "audit.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ResultError("The study's files are damaged.", where="audit.json") from error

    @cached_property
    def accuracy(self) -> pd.DataFrame:
        return self._table("accuracy.csv")

    @cached_property
    def items(self) -> pd.DataFrame:
        return self._table("items.csv")

    @cached_property
    def scores(self) -> pd.DataFrame:
        return self._table("scores.csv")

    @cached_property
    def steering(self) -> pd.DataFrame:
        """Empty where the default prompts were not part of the study."""
        if not (self.folder / "steering.csv").exists():
            return pd.DataFrame(columns=["direction", "dose", "item", "change"])
        return self._table("steering.csv")

    @property
    def settings(self) -> dict[str, Any]:
        return self.report["settings"]

    @property
    def conditions(self) -> list[str]:
        return list(self.settings["conditions"])

    def rows(self, condition: str, *, layer: int, split: str = "test") -> pd.DataFrame:
        """Accuracies of every method under a condition, at a layer; what the model says itself is at every layer.
        ``split="test"`` takes supervised methods over all folds."""
        table = self.accuracy[self.accuracy.condition == condition]
        table = table[(table.layer == layer) | table.method.isin(OUTPUTS)]
        if split == "test":
            folded = table.method.isin(SUPERVISED)
            return table[(folded & (table.split == "folds")) | (~folded & (table.split == "test"))]
        return table[table.split == split]

    def means(self) -> dict[tuple[str, str], tuple[float, float]]:
        """(condition, method) -> mean held-out accuracies on the truth and the distractor at the layer of focus."""
        found = {}
        for condition in self.conditions:
            rows = self.rows(condition, layer=self.settings["focus"]).groupby("method", sort=False)
            for method, truth, distractor in rows[["truth", "distractor"]].mean().itertuples():
                found[condition, str(method)] = (float(truth), float(distractor))
        return found

    def numbers(self, conditions: Iterable[str], *, layer: int, split: str) -> pd.DataFrame:
        """One row a condition and method: mean accuracies, the share of seeds that reach 0.9 on either feature, and
        the mean signed accuracy of probes that ten labelled items turned."""
        found = []
        for condition in conditions:
            rows = self.rows(condition, layer=layer, split=split)
            rows = rows.assign(finds_truth=rows.truth >= 0.9, finds_distractor=rows.distractor >= 0.9)
            columns = ["truth", "distractor", "truth_signed", "finds_truth", "finds_distractor"]
            means = rows.groupby("method", sort=False)[columns].mean().reset_index()
            found.append(means.assign(condition=condition, seeds=rows.groupby("method", sort=False).size().to_numpy()))
        return pd.concat(found, ignore_index=True)

    def _table(self, name: str) -> pd.DataFrame:
        try:
            return pd.read_csv(self.folder / name, keep_default_na=name != "items.csv")
        except (OSError, ValueError) as error:
            raise ResultError("The study's files are damaged.", where=name) from error


def lines_of(folder: Path) -> list[str]:
    """Mean held-out accuracies at the layer of focus under each condition, and the verdicts."""
    files = StudyFiles(folder)
    focus = files.settings["focus"]
    lines = [f"layer {focus}, held-out items: accuracy on the truth / on the distractor, mean over seeds"]
    for condition in files.conditions:
        means = [(m, *pair) for (c, m), pair in files.means().items() if c == condition]
        words = "  ".join(f"{method} {truth:.2f}/{distractor:.2f}" for method, truth, distractor in means)
        lines.append(f"{condition:<10} {words}")
    return lines + [f"{card['probe']}: {card['verdict']}" for card in files.report["cards"]]
