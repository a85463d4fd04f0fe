"""How often the bound on what was missed holds: 200 seeded draws a case, against the exact truth.

    additive    effects that add, as the bound assumes: a few large, many small
    masked      the same, but the largest node acts only where no other node is patched with it
    towers, ioi attention nodes of the default model on the pairs of ``pairs/coverage.csv`` and ``pairs/ioi.csv``

The first nodes by true effect are verified, which is what a good estimate comes to. A draw is 1024 subsets: of their
own in the synthetic cases, out of a pool of 20 480 patched ones on the model, where draws overlap by a twentieth.
Rows of ``coverage.csv``: case, verified, samples, pool (0: none), confidence, draws, held (bounds that were at least
true_max), true_max, bound (the median), lowest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.atp_study.contests import KEPT, one_pair
from core.models.load import LoadedModel
from core.patching.nodes import FAMILIES, all_nodes
from core.patching.question import ask
from core.patching.trust.bound import CONFIDENCES, upper_bounds
from core.patching.trust.oracle import Patching
from core.patching.trust.recall import true_order
from core.patching.trust.subsampling import INCLUSION, Statistics, at_once

DRAWS = 200
SAMPLES = 1024
POOL = 20 * SAMPLES
VERIFIED = (0, 10, 100)
SYNTHETIC = 400  # nodes
Joint = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Case:
    """``effects`` are exact, ``[node]``; ``joint`` gives those of subsets, bool ``[sample, node]`` to ``[sample]``;
    ``pool`` subsets are patched once, 0: every draw patches its own."""

    name: str
    effects: np.ndarray
    joint: Joint
    pool: int = 0

    def draws(self, verified: np.ndarray) -> Iterator[Statistics]:
        """The statistics of every seed, on the nodes that are not verified."""
        if self.pool:
            kept = self._patched(np.random.default_rng(DRAWS), self.pool, verified)
        for seed in range(DRAWS):
            rng, statistics = np.random.default_rng(seed), Statistics.empty(len(self.effects))
            if self.pool:
                chosen = rng.choice(self.pool, SAMPLES, replace=False)
                statistics.add(kept[0][chosen], kept[1][chosen])
            else:
                statistics.add(*self._patched(rng, SAMPLES, verified))
            yield statistics

    def _patched(self, rng: np.random.Generator, count: int, verified: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        members = rng.random((count, len(verified)), dtype=np.float32) < INCLUSION
        members &= ~verified
        parts = np.array_split(members, -(-count // at_once(len(verified))))
        return members, np.concatenate([self.joint(part) for part in parts])


def cases(model: LoadedModel) -> Iterator[Case]:
    """All of them, one after the other."""
    table = 0.1 * np.random.default_rng(0).standard_t(1.5, size=SYNTHETIC)
    yield Case("additive", table, partial(_sum, table))
    yield Case("masked", table, partial(_masked, table, int(np.abs(table).argmax())))
    for name, file in (("towers", "coverage"), ("ioi", "ioi")):
        kinds, pairs = FAMILIES["attention"], one_pair(model, file)
        question = ask(model, pairs, kinds=kinds, metric="logit_diff", direction="noising")
        nodes = all_nodes(kinds, model.shape, min(question.starts), question.length)
        live = Patching(question, nodes)
        yield Case(name, live.effects(np.arange(len(nodes)))[0], partial(_live, live), POOL)


def _sum(table: np.ndarray, members: np.ndarray) -> np.ndarray:
    return members @ table


def _masked(table: np.ndarray, node: int, members: np.ndarray) -> np.ndarray:
    return members @ table - members[:, node] * (members.sum(1) > 1) * table[node]


def _live(oracle: Patching, members: np.ndarray) -> np.ndarray:
    return oracle.joint(members, np.zeros(len(members), int))


def run(model: LoadedModel) -> None:
    """Draw, count, and keep the table as far as it is."""
    rows: list[dict[str, object]] = []
    for case in cases(model):
        for count in VERIFIED:
            rows += _rows(case, count)
            pd.DataFrame(rows).to_csv(KEPT / "coverage.csv", index=False, lineterminator="\n", float_format="%.6g")
            print(f"coverage: {case.name}, {count} verified", flush=True)


def _rows(case: Case, count: int) -> list[dict[str, object]]:
    """One row a confidence, the first ``count`` nodes verified."""
    verified, size = np.zeros(len(case.effects), bool), np.abs(case.effects)
    verified[true_order(case.effects[None])[:count]] = True
    bounds = np.stack([upper_bounds(statistics, ~verified) for statistics in case.draws(verified)])
    largest = float(size[~verified].max())
    return [
        {
            "case": case.name,
            "verified": count,
            "samples": SAMPLES,
            "pool": case.pool,
            "confidence": confidence,
            "draws": DRAWS,
            "held": int((values >= largest).sum()),
            "true_max": largest,
            "bound": float(np.median(values)),
            "lowest": float(values.min()),
        }
        for confidence, values in zip(CONFIDENCES, bounds.T)
    ]
