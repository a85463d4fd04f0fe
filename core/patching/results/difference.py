"""Two runs against each other: cell by cell, and in the order of their nodes.

The difference is the second run's mean effect minus the first's. It needs the same model sizes, metric and scale;
methods, pairs and directions may differ, that is what one compares. Spearman's rank correlation is taken over the
cells that both runs computed: of the effects if both are signed, else of their magnitudes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from core.errors import ResultError
from core.patching.results.summary import EffectTable


@dataclass(frozen=True)
class Difference:
    """Attributes:
    first, second: the tables compared; magnitudes in both where one of them has no sign.
    values: second minus first, ``[layer, column]``; NaN where either was not computed.
    spearman: rank correlation over ``cells`` cells, NaN where one run is constant.
    """

    first: EffectTable
    second: EffectTable
    values: np.ndarray
    spearman: float
    cells: int

    @property
    def table(self) -> EffectTable:
        """The differences as a table; standard errors do not add up where runs share pairs, so there are none."""
        nothing = np.full_like(self.values, np.nan)
        return replace(self.second, mean=self.values, mean_abs=np.abs(self.values), se=nothing, chosen=None)


def difference(first: EffectTable, second: EffectTable) -> Difference:
    """Compare two tables of the same nodes.

    Raises:
        ResultError: they show different nodes, or measure different things.
    """
    for what, a, b in (
        ("nodes", (first.kind, first.columns), (second.kind, second.columns)),
        ("model's size or the prompts' length", first.mean.shape, second.mean.shape),
        ("metric", first.spec.metric, second.spec.metric),
        ("scale", first.scale, second.scale),
    ):
        if a != b:
            raise ResultError(f"The two runs differ in the {what}, so there is no difference to show.")
    if first.signed != second.signed:
        first, second = (replace(t, mean=t.mean_abs, scale="absolute") for t in (first, second))
    known = np.isfinite(first.mean) & np.isfinite(second.mean)
    return Difference(
        first, second, second.mean - first.mean, _spearman(first.mean[known], second.mean[known]), known.sum()
    )


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    if len(np.unique(a)) < 2 or len(np.unique(b)) < 2:
        return float("nan")
    return float(spearmanr(a, b).statistic)
