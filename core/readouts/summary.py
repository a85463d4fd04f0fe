"""What readouts' tables say in arrays; free of torch, so that pages may read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class DirectMeans:
    """Means over pairs at one position: ``heads`` ``[layer, head]``, ``mlps`` ``[layer]``, the rest, and their sum."""

    heads: np.ndarray
    mlps: np.ndarray
    embedding: float
    bias: float
    n_pairs: int

    @property
    def total(self) -> float:
        return float(self.heads.sum() + self.mlps.sum() + self.embedding + self.bias)


def direct_means(table: pd.DataFrame) -> DirectMeans:
    """Of a direct table with one position a pair."""
    n = table.pair.nunique()

    def mean(node: str, columns: list[str]) -> pd.DataFrame:
        return table[table.node == node].groupby(columns).part.sum() / n

    return DirectMeans(
        heads=mean("head", ["layer", "head"]).unstack().to_numpy(float),
        mlps=mean("mlp", ["layer"]).to_numpy(float),
        embedding=float(table[table.node == "embedding"].part.sum() / n),
        bias=float(table[table.node == "bias"].part.sum() / n),
        n_pairs=n,
    )


def direct_by_token(table: pd.DataFrame, *, node: str | None = None) -> np.ndarray:
    """Parts ``[layer, position]`` of one pair's table with all positions, heads summed; ``head`` or ``mlp`` alone."""
    rows = table[table.node.isin(["head", "mlp"] if node is None else [node])]
    return rows.groupby(["layer", "position"]).part.sum().unstack().to_numpy(float)


def lens_grid(table: pd.DataFrame, column: str) -> np.ndarray:
    """One column of one pair's lens table as ``[layer, position]``."""
    return table.pivot(index="layer", columns="position", values=column).to_numpy()
