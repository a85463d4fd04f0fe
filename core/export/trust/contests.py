"""The contests kept with the app: one folder each, named task-attention, task-set or task-neurons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class KeptStudy:
    """One contest: ``task`` by its file's name, ``scope`` attention, set (several pairs) or neurons."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def task(self) -> str:
        return self.name.rsplit("-", 1)[0]

    @property
    def scope(self) -> str:
        return self.name.rsplit("-", 1)[1]

    @property
    def family(self) -> str:
        return "neurons" if self.scope == "neurons" else "attention"

    @cached_property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))

    @cached_property
    def recall(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "recall.csv")

    @cached_property
    def bound(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "bound.csv")

    @property
    def n_pairs(self) -> int:
        return int(self.summary["n_pairs"])

    @property
    def n_nodes(self) -> int:
        return int(self.summary["n_nodes"][self.family])

    def costs(self) -> dict[str, float]:
        """Method -> relative cost."""
        return self.summary["relative_cost"][self.family]

    def settings(self) -> dict[str, str]:
        """Rival -> the best of its settings."""
        return self.summary["settings"][self.family]

    def agreements(self) -> dict[str, dict[str, Any]]:
        """AtP method -> spearman, and recall by k."""
        return self.summary.get("agreement", {}).get(self.family, {})

    @cached_property
    def signs(self) -> pd.DataFrame:
        """For a set: agreement of both averages of the signed methods; empty where there is none."""
        file = self.folder.parent / "signs.csv"
        if self.scope != "set" or not file.exists():
            return pd.DataFrame(columns=["set", "method", "score", "spearman"])
        table = pd.read_csv(file)
        return table[table.set == self.task]


def kept_studies(root: Path) -> list[KeptStudy]:
    """All that are there, by scope, then by name."""
    folders = [path.parent for path in root.glob("*-*/summary.json")]
    order = {"attention": 0, "set": 1, "neurons": 2}
    found = [KeptStudy(folder) for folder in folders]
    return sorted((s for s in found if s.scope in order), key=lambda s: (order[s.scope], s.name))


@dataclass(frozen=True)
class Verdict:
    """What some contests say together.

    Attributes:
        cheapest: method -> in how many contests it costs least.
        fix_helps, drop_helps: in how many the QK fix makes AtP cheaper, and GradDrop the fixed AtP.
        without: least and most, over contests, of the cheapest method without gradients by the cheapest with.
    """

    n: int
    cheapest: dict[str, int]
    fix_helps: int
    drop_helps: int
    without: tuple[float, float]


def verdict(studies: Sequence[KeptStudy]) -> Verdict:
    """Compare the relative costs of at least one contest."""
    costs = [study.costs() for study in studies]
    first = [min(c, key=lambda m, c=c: c[m]) for c in costs]  # type: ignore[misc]
    ratio = [
        min(x for m, x in c.items() if not m.startswith("atp")) / min(x for m, x in c.items() if m.startswith("atp"))
        for c in costs
    ]
    return Verdict(
        n=len(costs),
        cheapest={m: first.count(m) for m in dict.fromkeys(first)},
        fix_helps=sum(c["atp-qk"] < c["atp"] for c in costs),
        drop_helps=sum(c["atp-star"] < c["atp-qk"] for c in costs),
        without=(min(ratio), max(ratio)),
    )
