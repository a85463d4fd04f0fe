"""AttributionResult: effects of patching every node, with all that is needed to read and repeat them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from core.patching.spec import RunSpec
from core.prompts.pairs import TokenPair
from core.terms import WHOLE_KINDS, ModelShape, NodeKind


@dataclass(frozen=True)
class PairRun:
    """One pair and the metric of its two unpatched runs."""

    tokens: TokenPair
    clean_metric: float
    corrupt_metric: float

    @property
    def gap(self) -> float:
        """Clean minus corrupt metric: what a perfect patch could remove (noising) or restore (denoising)."""
        return self.clean_metric - self.corrupt_metric


@dataclass(frozen=True)
class AttributionResult:
    """Effects per node and pair.

    Attributes:
        spec: what was run.
        shape: sizes of the model.
        pairs: one entry a pair, in the order of the pair set.
        effects: kind -> one float32 array ``[layer, position, unit]`` a pair (``pairs`` order; lengths differ
            between pairs of different token counts). Exact and AtP values are signed changes of the metric
            (patched minus unpatched run); GradDrop and AtP* values are non-negative scores. NaN: not computed.
        seconds: wall time by stage.
        provenance: model card, library versions, device, pair texts.
    """

    spec: RunSpec
    shape: ModelShape
    pairs: tuple[PairRun, ...]
    effects: dict[NodeKind, tuple[np.ndarray, ...]]
    seconds: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def groups(self) -> dict[int, list[int]]:
        """Indices into ``pairs`` by number of tokens of the base run, shortest first."""
        found = [len(p.tokens.base_ids(self.spec.direction)) for p in self.pairs]
        return {n: [i for i, length in enumerate(found) if length == n] for n in sorted(set(found))}

    def stack(self, kind: NodeKind, indices: list[int]) -> np.ndarray:
        """Effects of some pairs of equal length as one array ``[pair, layer, position, unit]``."""
        return np.stack([self.effects[kind][i] for i in indices])

    def to_frame(self, top: int | None = None) -> pd.DataFrame:
        """Tidy rows: pair, node, layer, head, position, token, effect.

        ``head`` is the head (kv head for k and v), the unit for a neuron, and missing where there is none.
        ``token`` is the base run's token at the position. ``top`` keeps the rows of largest magnitude.
        """
        table = pd.concat(list(self._frames()), ignore_index=True)
        table["head"] = table["head"].astype("Int64")
        if top is None or top >= len(table):
            return table
        order = table["effect"].abs().sort_values(ascending=False, kind="stable").index[:top]
        return table.loc[order].reset_index(drop=True)

    def _frames(self) -> Iterator[pd.DataFrame]:
        for i, run in enumerate(self.pairs):
            tokens = run.tokens.base_tokens(self.spec.direction)
            for kind, arrays in self.effects.items():
                layer, position, unit = np.nonzero(~np.isnan(arrays[i]))
                whole = kind in WHOLE_KINDS
                yield pd.DataFrame(
                    {
                        "pair": run.tokens.label,
                        "node": kind,
                        "layer": layer,
                        "head": pd.array([pd.NA] * len(unit), dtype="Int64")
                        if whole
                        else pd.array(unit, dtype="Int64"),
                        "position": position,
                        "token": np.array(tokens, dtype=object)[position],
                        "effect": arrays[i][layer, position, unit],
                    }
                )
