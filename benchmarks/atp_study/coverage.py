"""How often the bound on what was missed holds: 200 seeded draws a case, against the exact truth.

    additive    effects that add, as the bound assumes: a few large, many small
    masked      the same, but the largest node acts only where no other node is patched with it
    towers      attention nodes of the default model on the pair of ``pairs/coverage.csv``

The first nodes by true effect are verified, which is what a good estimate comes to. Each case is a row of
``coverage.csv`` for each number of verified nodes and each confidence: of ``draws`` bounds ``held`` were at least
``true_max``; ``bound`` is their median and ``lowest`` the smallest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.atp_study.contests import KEPT, one_pair
from core.models.load import LoadedModel
from core.patching.bound import Bound, bounds_after
from core.patching.nodes import FAMILIES, all_nodes
from core.patching.oracle import Oracle, Patching
from core.patching.question import ask
from core.patching.recall import true_order

DRAWS = 200
SAMPLES = 1024
VERIFIED = (0, 10, 100)
SYNTHETIC = 400  # nodes


@dataclass(frozen=True, eq=False)
class Adding:
    """An oracle whose effects ``[node]`` add; node ``masked`` acts only alone."""

    table: np.ndarray
    masked: int | None = None

    @property
    def n_nodes(self) -> int:
        return len(self.table)

    @property
    def n_pairs(self) -> int:
        return 1

    def effects(self, nodes: np.ndarray) -> np.ndarray:
        return self.table[None, nodes]

    def joint(self, members: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        total = members @ self.table
        if self.masked is None:
            return total
        hidden = members[:, self.masked] & (members.sum(1) > 1)
        return total - hidden * self.table[self.masked]


def cases(model: LoadedModel) -> Iterator[tuple[str, Oracle, np.ndarray]]:
    """Name, oracle, and the exact effects ``[pair, node]``."""
    table = 0.1 * np.random.default_rng(0).standard_t(1.5, size=SYNTHETIC)
    yield "additive", Adding(table), table[None]
    yield "masked", Adding(table, masked=int(np.abs(table).argmax())), table[None]
    kinds, pairs = FAMILIES["attention"], one_pair(model, "coverage")
    question = ask(model, pairs, kinds=kinds, metric="logit_diff", direction="noising")
    nodes = all_nodes(kinds, model.shape, min(question.starts), question.length)
    live = Patching(question, nodes)
    yield pairs[0].name, live, live.effects(np.arange(len(nodes)))


def run(model: LoadedModel) -> None:
    """Draw, count, and keep the table."""
    rows = []
    for name, oracle, effects in cases(model):
        for count in VERIFIED:
            found = draws(oracle, effects, count)
            rows += [_row(name, [b for b in found if b.confidence == c]) for c in sorted({b.confidence for b in found})]
            pd.DataFrame(rows).to_csv(KEPT / "coverage.csv", index=False, lineterminator="\n", float_format="%.6g")
            print(f"coverage: {name}, {count} verified", flush=True)


def draws(oracle: Oracle, effects: np.ndarray, count: int) -> list[Bound]:
    """The bounds of every seed, the first ``count`` nodes verified."""
    verified, target = np.zeros(oracle.n_nodes, bool), np.abs(effects.mean(0))
    verified[true_order(effects)[:count]] = True
    generators = map(np.random.default_rng, range(DRAWS))
    return [b for rng in generators for b in bounds_after(oracle, verified, SAMPLES, rng, truth=target)]


def _row(case: str, found: list[Bound]) -> dict[str, object]:
    values = np.array([b.bound for b in found])
    return {
        "case": case,
        "verified": found[0].verified,
        "samples": SAMPLES,
        "confidence": found[0].confidence,
        "draws": len(found),
        "held": sum(b.holds for b in found),
        "true_max": found[0].true_max,
        "bound": float(np.median(values)),
        "lowest": float(values.min()),
    }
