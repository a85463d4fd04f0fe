"""AttributionResult: effects of patching every node, with all that is needed to read and repeat them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from core.patching.results.screened import Screened, exactness, put
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
        screened: of a screen, what was patched exactly, one entry a family: ``effects`` holds exact values there and
            estimates elsewhere. Empty: nothing was.
        partial: of an unfinished run, how much of it is here, in words; empty: all.
    """

    spec: RunSpec
    shape: ModelShape
    pairs: tuple[PairRun, ...]
    effects: dict[NodeKind, tuple[np.ndarray, ...]]
    seconds: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    screened: tuple[Screened, ...] = ()
    partial: str = ""

    @property
    def key(self) -> str:
        """Names these very numbers: the digest, and for an unfinished run how much of it is here."""
        return f"{self.spec.digest} {self.partial}" if self.partial else self.spec.digest

    @property
    def estimate(self) -> AttributionResult:
        """The estimate that screened, as it was before any of its nodes was verified; else the result itself."""
        effects = self.effects
        for part in self.screened:
            effects = put(effects, part, part.estimates)
        return replace(self, spec=self.spec.estimate, effects=effects, screened=()) if self.spec.screen else self

    def exactness(self, kind: NodeKind, pair: int) -> np.ndarray:
        """Of a screen: which values of one kind and pair are exact (see ``screened.exactness``)."""
        start = self.pairs[pair].tokens.first_difference
        return exactness(self.screened, kind, pair, start, self.effects[kind][pair])

    def groups(self) -> dict[int, list[int]]:
        """Indices into ``pairs`` by number of tokens of the base run, shortest first."""
        found = [len(p.tokens.base_ids(self.spec.direction)) for p in self.pairs]
        return {n: [i for i, length in enumerate(found) if length == n] for n in sorted(set(found))}

    def stack(self, kind: NodeKind, indices: list[int]) -> np.ndarray:
        """Effects of some pairs of equal length as one array ``[pair, layer, position, unit]``."""
        return np.stack([self.effects[kind][i] for i in indices])

    def to_frame(self, top: int | None = None) -> pd.DataFrame:
        """Tidy rows: pair, node, layer, head, position, token, effect.

        ``head`` is the head (kv head for k and v), the unit for a neuron, and missing where there is none. A screen
        has one column more, source: ``exact`` or ``estimate``.
        ``token`` is the base run's token at the position. ``top`` keeps the rows of largest magnitude.
        """
        table = pd.concat(list(self.frames()), ignore_index=True)
        table["head"] = table["head"].astype("Int64")
        if top is None or top >= len(table):
            return table
        order = table["effect"].abs().sort_values(ascending=False, kind="stable").index[:top]
        return table.loc[order].reset_index(drop=True)

    def frames(self) -> Iterator[pd.DataFrame]:
        """The rows of ``to_frame``, one pair and kind at a time."""
        for i, run in enumerate(self.pairs):
            tokens = run.tokens.base_tokens(self.spec.direction)
            for kind, arrays in self.effects.items():
                layer, position, unit = np.nonzero(~np.isnan(arrays[i]))
                whole = kind in WHOLE_KINDS
                columns = {"source": self._source(kind, i, layer, position, unit)} if self.spec.screen else {}
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
                        **columns,
                    }
                )

    def _source(self, kind: NodeKind, pair: int, *place: np.ndarray) -> np.ndarray:
        """``exact`` where a value was verified or is 0 by construction, else ``estimate``."""
        return np.where(self.exactness(kind, pair)[place] == 0, "estimate", "exact")
