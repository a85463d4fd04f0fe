"""A contest: AtP, its repairs and its rivals, each by the cost of verified recall on one family of nodes.

The exact truth is computed once, and every verification of a single node is looked up in it; effects of blocks and
subsets are really run. Each rival is run with several settings, and the one of lowest relative cost counts, as in the
paper: a choice in the rivals' favour, because it needs the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np

from core.errors import SpecError
from core.patching.estimates import estimate
from core.patching.nodes import FAMILIES, Nodes, all_nodes
from core.patching.question import Question
from core.patching.trust.agreement import Agreement, agreement
from core.patching.trust.bound import Bound, bounds_after
from core.patching.trust.oracle import Known, Oracle, Patching
from core.patching.trust.prices import estimate_price
from core.patching.trust.recall import oracle_cost, recall_cost, relative_cost, true_order
from core.patching.trust.rivals import (
    BlockEffects,
    Walk,
    block_effects,
    blocks,
    hierarchical,
    in_order,
    iterative,
    powers,
)
from core.patching.trust.subsampling import subsample
from core.progress import IsCancelled, OnStep, Progress
from core.terms import METHODS, NodeKind

Rival = Literal["iterative", "subsampling", "blocks", "hierarchical"]
RIVALS: tuple[Rival, ...] = get_args(Rival)
CONTESTANTS: tuple[str, ...] = (*METHODS[1:], *RIVALS)
SAMPLES = 1024  # most subsets that subsampling draws
BOUND_SAMPLES = 1024  # about 20 a node, enough for Welch's statistics of thousands of nodes
BOUND_AT = (0, 10, 100, 1000)  # numbers of verified nodes
MANY_PATCHES = 20_000  # from here on, blocks start at 16 nodes instead of 4


@dataclass(frozen=True, eq=False)
class Entrant:
    """One method: its walks, one a seed, with the best of its settings (empty where it has none)."""

    method: str
    setting: str
    walks: tuple[Walk, ...]


@dataclass(frozen=True, eq=False)
class Contest:
    """All methods on one family.

    Attributes:
        effects: exact effects, float32 ``[pair, node]``.
        scores: AtP method -> its non-negative estimates ``[node]``.
        entrants: in the order of ``CONTESTANTS``.
        bounds: on the largest effect not verified, nodes verified in the order of ``bound_order``.
    """

    family: str
    nodes: Nodes
    effects: np.ndarray
    scores: dict[str, np.ndarray]
    entrants: tuple[Entrant, ...]
    bounds: tuple[Bound, ...]
    bound_order: str

    @property
    def n_pairs(self) -> int:
        return len(self.effects)

    def cost(self, walk: Walk) -> np.ndarray:
        """cost(K), ``[K]``, in forward passes."""
        return recall_cost(true_order(self.effects), walk.verified_at)

    def oracle(self) -> np.ndarray:
        """The cost of a method that knew the order, ``[K]``."""
        return oracle_cost(len(self.nodes), self.n_pairs)

    def agreements(self) -> dict[str, Agreement]:
        """AtP method -> how well its estimates agree with the exact effects."""
        return {method: agreement(score, self.effects) for method, score in self.scores.items()}

    def relative_costs(self, entrant: Entrant) -> list[float]:
        """One a seed; 1 is the oracle."""
        return [relative_cost(self.cost(walk), self.n_pairs) for walk in entrant.walks]


def run_contest(
    question: Question,
    family: str,
    kinds: Sequence[NodeKind],
    *,
    methods: Sequence[str] = CONTESTANTS,
    seeds: int = 3,
    samples: int = SAMPLES,
    bound_samples: int = BOUND_SAMPLES,
    effects: np.ndarray | None = None,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
) -> Contest:
    """Run every method on the nodes of these kinds, all of one family.

    Args:
        samples: most subsets that subsampling draws a seed.
        bound_samples: subsets drawn for each bound; 0: no bounds.
        effects: exact effects ``[pair, node]`` where they are known already.

    Raises:
        SpecError: the kinds are not of the family.
        Cancelled: ``cancelled()`` became true.
    """
    if set(kinds) - set(FAMILIES[family]) or not kinds:
        raise SpecError(f"{', '.join(kinds)} are not nodes of the family {family}.", where="--nodes")
    nodes = all_nodes(kinds, question.model.shape, min(question.starts), question.length)
    field = _Field(len(nodes), len(question.pairs), seeds, samples)
    places = [k for k in BOUND_AT if k < len(nodes)] if bound_samples else []
    steps = field.steps(methods, known=effects is not None) + bound_samples * len(places)
    progress = Progress(steps, on_step, cancelled)
    live = Patching(question, nodes, progress)
    truth = live.effects(np.arange(len(nodes))) if effects is None else effects
    known = Known(truth, live)
    scores: dict[str, np.ndarray] = {m: estimate(question, nodes, kinds, m) for m in METHODS[1:] if m in methods}
    sized = cache(lambda size: block_effects(known, size))  # every block once, for all seeds and both methods

    def enter(method: str) -> Entrant:
        if method in scores:
            price = estimate_price(method, question.model.shape.n_layers, kinds)  # type: ignore[arg-type]
            per_seed = [
                {"": in_order(scores[method], price * known.n_pairs, known.n_pairs, rng)} for rng in field.generators()
            ]
        else:
            per_seed = [field.rival(method, known, sized, rng) for rng in field.generators()]
        return _best(method, per_seed, truth)

    entrants = tuple(enter(m) for m in CONTESTANTS if m in methods)
    by = next((m for m in reversed(METHODS) if m in scores), "exact")
    order = np.argsort(-scores[by], kind="stable") if by in scores else true_order(truth)
    rng, target = np.random.default_rng(seeds), np.abs(truth.mean(0))
    bounds = [b for k in places for b in bounds_after(known, _first(order, k), bound_samples, rng, truth=target)]
    return Contest(family, nodes, truth, scores, entrants, tuple(bounds), by)


@dataclass(frozen=True)
class _Field:
    """How much is run: the settings of the rivals, and what they add up to."""

    n_nodes: int
    n_pairs: int
    seeds: int
    samples: int

    def generators(self) -> list[np.random.Generator]:
        return [np.random.default_rng(seed) for seed in range(self.seeds)]

    @property
    def branching(self) -> int:
        return 4 if self.n_nodes * self.n_pairs < MANY_PATCHES else 16

    @property
    def sizes(self) -> list[int]:
        return list(powers(self.branching, self.n_nodes))

    @property
    def snapshots(self) -> list[int]:
        """Numbers of subsets at which subsampling is looked at: doubling from 64, never more than exact patching."""
        most = min(self.samples, self.n_nodes * self.n_pairs)
        return [m for m in powers(2, most + 1) if m >= 64] or [most]

    def steps(self, methods: Sequence[str], *, known: bool) -> int:
        """Forwards that are really run."""
        steps = 0 if known else self.n_nodes * self.n_pairs
        steps += self.seeds * self.snapshots[-1] if "subsampling" in methods else 0
        if {"blocks", "hierarchical"} & set(methods):
            steps += sum(-(-self.n_nodes // size) for size in self.sizes) * self.n_pairs
        return steps

    def rival(self, method: str, oracle: Oracle, effects: BlockEffects, rng: np.random.Generator) -> dict[str, Walk]:
        """Setting -> walk, for one seed."""
        n, pairs = self.n_nodes, self.n_pairs
        if method == "iterative":
            return {"": iterative(oracle, rng)}
        if method == "subsampling":
            drawn = subsample(oracle, self.snapshots, rng)
            return {f"m = {s.n}": in_order(np.abs(s.difference), s.n, pairs, rng) for s in drawn}
        if method == "blocks":
            return {f"B = {size}": blocks(effects(size), size, n, pairs, rng) for size in self.sizes}
        return {f"B = {self.branching}": hierarchical(effects, self.branching, n, pairs, rng)}


def _best(method: str, per_seed: list[dict[str, Walk]], truth: np.ndarray) -> Entrant:
    """The setting of lowest relative cost, as a geometric mean over seeds."""
    order = true_order(truth)
    walks = {setting: tuple(found[setting] for found in per_seed) for setting in per_seed[0]}

    def cost(setting: str) -> float:
        costs = [relative_cost(recall_cost(order, walk.verified_at), len(truth)) for walk in walks[setting]]
        return float(np.log(costs).mean())

    best = min(walks, key=cost)
    return Entrant(method, best, walks[best])


def _first(order: np.ndarray, count: int) -> np.ndarray:
    """Bool ``[node]``: the first nodes of an order."""
    chosen = np.zeros(len(order), bool)
    chosen[order[:count]] = True
    return chosen
