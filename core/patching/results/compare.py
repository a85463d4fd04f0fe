"""An estimate against the exact effects of the same pairs: how far can it be trusted?

Nodes are compared by score: the magnitude of the mean, or the estimate's mean magnitude (see ``ranking``). What hurts
is a false negative, a node that matters and that the estimate ranks low, because nobody will look at it again; a
false positive costs one exact check. Nodes that are exactly 0 in both, such as all those before the first differing
token, are left out: they would raise every agreement for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from core.errors import ResultError
from core.patching.results.pooling import Scale, entering
from core.patching.results.ranking import Pool, Positions, pool
from core.patching.results.result import AttributionResult
from core.patching.spec import RunSpec
from core.prompts.show import answers_words
from core.terms import Average, NodeKind


@dataclass(frozen=True)
class Comparison:
    """Estimate and exact, node by node.

    Attributes:
        estimate, exact: the two runs.
        nodes: one row a node: node, layer, head, position, token, estimate, exact (means over pairs, signed where the
            method is), estimate_score, exact_score, estimate_rank, exact_rank (1 is the largest).
        signed: whether both carry a sign, so that the means themselves can be compared.
        spearman: rank correlation of the two scores; NaN where either does not vary.
        overlap: k -> share of the true top k found in the estimate's top k.
        sign_agreement: k -> share of the true top k whose estimate has the same sign; empty where not signed.
        false_negatives: rows of ``nodes`` in the true top k (the largest k) but not in the estimate's, worst
            estimated rank first.
        n_pairs: pairs that entered.
        average: what ranked the estimate, where it has a sign.
        answers: as in ``EffectTable``.
    """

    estimate: RunSpec
    exact: RunSpec
    scale: Scale
    nodes: pd.DataFrame
    signed: bool
    spearman: float
    overlap: dict[int, float]
    sign_agreement: dict[int, float]
    false_negatives: pd.DataFrame
    n_pairs: int
    average: Average = "signed"
    answers: str = ""


def compare(
    estimate: AttributionResult,
    exact: AttributionResult,
    *,
    kinds: tuple[NodeKind, ...],
    top: tuple[int, ...] = (10, 20, 50),
    scale: Scale = "signed",
    positions: Positions = "each",
    n_tokens: int | None = None,
    average: Average = "signed",
) -> Comparison:
    """Compare two results over the nodes that both hold.

    Args:
        top: the k of top-k overlap; those larger than the number of nodes are left out.
        positions, n_tokens, average: as in ``ranking``.

    Raises:
        ResultError: model, pairs, metric or direction differ; or no node is in both.
    """
    _same_question(estimate, exact)
    pooled = partial(pool, scale=scale, positions=positions, n_tokens=n_tokens, average=average)
    rows = [_rows(pooled(estimate, kind), pooled(exact, kind)) for kind in kinds]
    nodes = pd.concat(rows, ignore_index=True)
    if nodes.empty:
        raise ResultError(
            "The two results have no node with an effect in common.", next_step="Run both on the same nodes."
        )
    for side in ("estimate", "exact"):
        nodes[f"{side}_rank"] = rankdata(-nodes[f"{side}_score"], method="ordinal")
    ks = tuple(k for k in top if k <= len(nodes))
    signed = estimate.spec.signed and exact.spec.signed and scale != "absolute"
    used, _ = entering(exact, scale, n_tokens)
    return Comparison(
        estimate=estimate.spec,
        exact=exact.spec,
        scale=scale,
        nodes=nodes,
        signed=signed,
        spearman=_spearman(nodes),
        overlap={k: float((nodes.estimate_rank[nodes.exact_rank <= k] <= k).mean()) for k in ks},
        sign_agreement={k: _same_sign(nodes[nodes.exact_rank <= k]) for k in ks} if signed else {},
        false_negatives=_missed(nodes, max(ks, default=0)),
        n_pairs=len(used),
        average=average,
        answers=answers_words(exact.spec.metric, (exact.pairs[i].tokens for i in used)),
    )


def _same_question(a: AttributionResult, b: AttributionResult) -> None:
    questions = {
        "model": lambda r: (r.spec.model, r.spec.revision, r.shape),
        "pairs": lambda r: [
            (t.clean_ids, t.corrupt_ids, t.answer_id, t.distractor_id, t.rest_ids, t.links)
            for t in (p.tokens for p in r.pairs)
        ],
        "metric": lambda r: r.spec.metric,
        "direction": lambda r: r.spec.direction,
        "donor": lambda r: (r.spec.donor, r.spec.spans),
    }
    for what, read in questions.items():
        if read(a) != read(b):
            raise ResultError(
                f"The two results differ in their {what}, so their effects cannot be compared.",
                next_step="Run both methods on the same model and pairs, with one metric, direction and donor.",
            )


def _rows(a: Pool, b: Pool) -> pd.DataFrame:
    """Nodes of one kind, estimated and exact."""
    known = ~np.isnan(a.score) & ~np.isnan(b.score)
    flat = np.flatnonzero(known & ((a.score > 0) | (b.score > 0)))
    return b.nodes(flat).assign(
        estimate=a.mean.ravel()[flat],
        exact=b.mean.ravel()[flat],
        estimate_score=a.score.ravel()[flat],
        exact_score=b.score.ravel()[flat],
    )


def _spearman(nodes: pd.DataFrame) -> float:
    if nodes.estimate_score.nunique() < 2 or nodes.exact_score.nunique() < 2:
        return float("nan")
    return float(spearmanr(nodes.estimate_score, nodes.exact_score).statistic)


def _same_sign(nodes: pd.DataFrame) -> float:
    return float((np.sign(nodes.estimate) == np.sign(nodes.exact)).mean())


def _missed(nodes: pd.DataFrame, k: int) -> pd.DataFrame:
    missed = nodes[(nodes.exact_rank <= k) & (nodes.estimate_rank > k)]
    return missed.sort_values("estimate_rank", ascending=False).reset_index(drop=True)
