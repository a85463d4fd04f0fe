"""Verifying a stored estimate: which nodes it ranks, what is known of them by now, and how to know more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.errors import SpecError
from core.models.load import LoadedModel
from core.patching.donors.fixed import donors_of, start_of
from core.patching.nodes import Nodes, all_nodes, by_family
from core.patching.question import ask
from core.patching.results.result import AttributionResult
from core.patching.spec import RunSpec
from core.patching.trust.bound import Bound, bounds_after
from core.patching.trust.oracle import Patching
from core.patching.trust.verify import Verification, verify, verify_until_sure
from core.progress import IsCancelled, OnStep, Progress
from core.prompts.pairs import TokenPair, largest_group
from core.terms import Average


@dataclass(frozen=True)
class Goal:
    """When to stop: the first ``count`` nodes of the estimate are verified; or, where ``sure_of`` is given, the true
    top ``sure_of`` are certain at ``confidence``."""

    count: int = 0
    sure_of: int | None = None
    confidence: float = 0.99


@dataclass(eq=False)
class Verified:
    """A verification with what it verifies. ``bounds`` belong to the present state, empty where none was sampled.

    ``rows`` are the pairs' indices in the result; ``average`` is what orders the nodes; ``whole`` holds every pair of
    the set, over which donors may be averaged.
    """

    spec: RunSpec
    family: str
    nodes: Nodes
    pairs: tuple[TokenPair, ...]
    rows: tuple[int, ...]
    average: Average
    state: Verification
    bounds: tuple[Bound, ...] = ()
    whole: tuple[TokenPair, ...] = ()

    def words(self) -> list[str]:
        """What is known now, one sentence a line."""
        state = self.state
        lines = [f"{state.done} of {state.n_nodes} nodes verified, {state.forwards} forward passes"]
        for b in self.bounds:
            level = f"at {100 * b.confidence:g} % confidence"
            if np.isfinite(b.bound):
                sure = f"sure of the true top {state.sure_of(b.bound)}"
                lines.append(f"{level}, no other node exceeds {b.bound:.3g}: {sure}")
            else:
                lines.append(f"{level}, no bound: too few samples")
        return lines

    def block_tokens(self, count: int, samples: int) -> int:
        """About what it takes to verify up to ``count`` nodes and to bound the rest: tokens through one block."""
        nodes, length = self.state.order[self.state.done : count], len(self.pairs[0])
        n_layers, start = int(self.nodes.layer.max()) + 1, int(self.nodes.position.min())
        climbing = (n_layers - self.nodes.layer[nodes]) * (length - self.nodes.position[nodes])
        return int(climbing.sum()) * len(self.pairs) + samples * n_layers * (length - start)

    def table(self, top: int | None = None) -> pd.DataFrame:
        """The ranking, one row a node; its first ``top`` rows."""
        order = self.state.ranking()[:top]
        tokens = self.pairs[0].clean_tokens if self.spec.direction == "noising" else self.pairs[0].corrupt_tokens
        places = [self.nodes.at(i) for i in order]
        positions = self.nodes.position[order]
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(order) + 1),
                "node": [place.kind for place in places],
                "layer": self.nodes.layer[order],
                "head": pd.array([place.unit for place in places], dtype="Int64"),
                "position": positions,
                "token": np.array(tokens, dtype=object)[positions] if len(self.pairs) == 1 else "",
                "estimate": self.state.score[order],
                "exact": self.state.exact.mean(0)[order],
            }
        )

    def summary(self) -> dict[str, Any]:
        """Plain JSON values. A bound that could not be given is null."""
        return {
            "result": self.spec.digest,
            "family": self.family,
            "average": self.average,
            "verified": self.state.done,
            "n_nodes": self.state.n_nodes,
            "n_pairs": len(self.pairs),
            "forward_passes": self.state.forwards,
            "bounds": [
                {
                    "confidence": b.confidence,
                    "bound": b.bound if np.isfinite(b.bound) else None,
                    "sure_of_top": self.state.sure_of(b.bound),
                }
                for b in self.bounds
            ],
        }


def begin(result: AttributionResult, family: str | None = None, *, average: Average = "magnitude") -> Verified:
    """The nodes of one family of an estimate, nothing verified yet.

    Only the pairs of the commonest number of tokens enter: a node at a position must mean the same in all of them.

    Args:
        result: an estimate; of a screen, its estimate is taken as it was before anything was verified.
        family: default: the first that the result holds.
        average: nodes are ordered by the magnitude of the ``signed`` mean over pairs, or by the mean ``magnitude``.
            Scores without a sign know no difference.

    Raises:
        SpecError: the result is exact, or holds no nodes of the family.
    """
    result = result.estimate
    spec = result.spec
    if spec.method == "exact":
        raise SpecError("The result is exact already.", where="--result", next_step="Verify an estimate.")
    families = by_family(spec.nodes)
    family = family or next(iter(families))
    if family not in families:
        raise SpecError(f"The result holds no nodes of the family {family}.", where="--family")
    whole = tuple(run.tokens for run in result.pairs)
    if spec.spans is not None:
        raise SpecError(
            "An estimate on linked pairs of unequal length cannot be verified here.",
            where="--result",
            next_step="Run exact patching of the same pairs instead.",
        )
    pairs = largest_group(whole)
    chosen = set(pairs)
    rows = [i for i, run in enumerate(result.pairs) if run.tokens in chosen]
    nodes = all_nodes(families[family], result.shape, min(start_of(p, spec.donor) for p in pairs), len(pairs[0]))
    found = nodes.read({kind: result.stack(kind, rows) for kind in families[family]})
    score = np.abs(found.mean(0)) if average == "signed" else np.abs(found).mean(0)
    state = Verification.of(np.nan_to_num(score), len(pairs))
    return Verified(spec, family, nodes, pairs, tuple(rows), average, state, whole=whole)


def carry_on(
    verified: Verified,
    model: LoadedModel,
    goal: Goal,
    *,
    samples: int = 0,
    seed: int = 0,
    on_step: OnStep | None = None,
    cancelled: IsCancelled | None = None,
    on_found: Callable[[], None] | None = None,
) -> None:
    """Verify until the goal is reached, and bound the others by ``samples`` subsets. Steps are forward passes.

    Args:
        on_found: called now and then, when ``verified`` holds more than before; to keep it.

    Raises:
        SpecError: the model is not the one of the result.
        Cancelled: ``cancelled()`` became true; what was found is kept.
    """
    spec, state = verified.spec, verified.state
    if (model.revision, model.card.precision) != (spec.revision, spec.dtype):
        raise SpecError(
            f"The result is of {spec.model} with other weights or another precision.",
            where="--result",
            next_step="Choose the model, device and precision with which it was made.",
        )
    verified.bounds = ()
    progress = Progress(0, on_step, cancelled)
    kinds = by_family(spec.nodes)[verified.family]
    donors = donors_of(spec.donor, model, verified.whole, kinds)
    question = ask(model, verified.pairs, kinds=kinds, metric=spec.metric, direction=spec.direction, donors=donors)
    oracle, rng = Patching(question, verified.nodes, progress), np.random.default_rng(seed)
    if goal.sure_of is not None:
        bounds = verify_until_sure(
            oracle,
            state,
            goal.sure_of,
            confidence=goal.confidence,
            samples=samples,
            rng=rng,
            on_found=on_found,
            on_round=progress.extend,
        )
        verified.bounds = tuple(bounds)
        return
    progress.extend(max(0, min(goal.count, state.n_nodes) - state.done) * len(verified.pairs) + samples)
    verify(oracle, state, goal.count, on_found=on_found)
    if samples:
        verified.bounds = tuple(bounds_after(oracle, state.verified, samples, rng))
