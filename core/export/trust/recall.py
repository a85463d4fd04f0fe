"""Contests as a folder: curves, one number a method, bounds, and the scores that they come from.

    recall.csv          method, seed, k, cost, family: forward passes spent until the true top k are verified;
                        the oracle is a method too. All k up to 100, then 40 a decade
    summary.json        relative_cost[family][method], the geometric mean over seeds; agreement[family][method] of the
                        estimates with the exact effects (spearman; recall[k], the share of the true top k that is
                        in the estimate's top k); and what it was measured on
    bound.csv           verified, confidence, bound, true_max, family: no node that is not verified exceeds bound
    nodes.csv           family, node, kind, layer, head, position, token, exact: the mean effect over pairs
    scores.safetensors  family/method/seed, float64 [node]: forward passes spent when the node was verified;
                        family/method/estimate, float32 [node], of the AtP methods; and family/exact, float32
                        [pair, node]. Nodes are rows of nodes.csv of their family

cost(k) is the largest of the spendings of the k nodes whose |exact| is largest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save

from core.export.whole import whole_folder
from core.models.load import LoadedModel
from core.patching.nodes import Nodes
from core.patching.trust.agreement import Agreement
from core.patching.trust.contest import Contest
from core.patching.trust.prices import BACKWARD, FORWARD, QK_FIX
from core.patching.trust.recall import shown_ranks
from core.prompts.pairs import TokenPair
from core.terms import NODE_KINDS, WHOLE_KINDS, Direction, MetricName

FILES = ("recall.csv", "summary.json", "bound.csv", "nodes.csv", "scores.safetensors")


def write_recall(
    contests: Sequence[Contest],
    model: LoadedModel,
    pairs: Sequence[TokenPair],
    folder: Path,
    *,
    metric: MetricName,
    direction: Direction,
) -> None:
    """Write contests of one question, one a family.

    Raises:
        ResultError: the place holds other files, or cannot be written.
    """
    about = {
        "model": model.card.to_json(),
        "pairs": [pair.label for pair in pairs],
        "metric": metric,
        "direction": direction,
        "prices": {"forward": FORWARD, "backward": BACKWARD, "qk_fix": QK_FIX},
    }
    tokens = pairs[0].clean_tokens if direction == "noising" else pairs[0].corrupt_tokens
    texts = tokens if len(pairs) == 1 else None
    with whole_folder(folder, FILES) as partial:
        _csv(pd.concat([recall_table(c) for c in contests]), partial / "recall.csv")
        _csv(pd.concat([bound_table(c) for c in contests]), partial / "bound.csv")
        _csv(pd.concat([_node_table(c, texts) for c in contests]), partial / "nodes.csv")
        (partial / "scores.safetensors").write_bytes(save(_arrays(contests)))
        text = json.dumps(about | summary(contests), ensure_ascii=False, indent=1)
        (partial / "summary.json").write_text(text + "\n", encoding="utf-8")


def recall_table(contest: Contest) -> pd.DataFrame:
    """Rows method, seed, k, cost, family."""
    k = shown_ranks(len(contest.nodes))
    curves = [("oracle", 0, contest.oracle())]
    curves += [(e.method, seed, contest.cost(walk)) for e in contest.entrants for seed, walk in enumerate(e.walks)]
    return pd.concat(
        [pd.DataFrame({"method": m, "seed": s, "k": k, "cost": cost[k - 1]}) for m, s, cost in curves]
    ).assign(family=contest.family)


def bound_table(contest: Contest) -> pd.DataFrame:
    """Rows verified, confidence, bound, true_max, family."""
    rows = [(b.verified, b.confidence, b.bound, b.true_max, contest.family) for b in contest.bounds]
    return pd.DataFrame(rows, columns=["verified", "confidence", "bound", "true_max", "family"])


def summary(contests: Sequence[Contest]) -> dict[str, Any]:
    """The relative cost by family and method, by seed, with settings and sizes."""
    costs = {c.family: {e.method: c.relative_costs(e) for e in c.entrants} for c in contests}
    return {
        "relative_cost": {f: {m: float(np.exp(np.log(x).mean())) for m, x in by.items()} for f, by in costs.items()},
        "relative_cost_by_seed": costs,
        "agreement": {c.family: {m: _plain(a) for m, a in c.agreements().items()} for c in contests},
        "settings": {c.family: {e.method: e.setting for e in c.entrants if e.setting} for c in contests},
        "n_nodes": {c.family: len(c.nodes) for c in contests},
        "n_pairs": contests[0].n_pairs,
        "bound_order": {c.family: c.bound_order for c in contests},
    }


def _plain(found: Agreement) -> dict[str, Any]:
    spearman = None if np.isnan(found.spearman) else found.spearman
    return {"spearman": spearman, "recall": {str(k): share for k, share in found.recall.items()}}


def _node_table(contest: Contest, tokens: Sequence[str] | None) -> pd.DataFrame:
    nodes: Nodes = contest.nodes
    whole = np.isin(nodes.kind, [NODE_KINDS.index(kind) for kind in WHOLE_KINDS])
    return pd.DataFrame(
        {
            "family": contest.family,
            "node": np.arange(len(nodes)),
            "kind": np.array(NODE_KINDS)[nodes.kind],
            "layer": nodes.layer,
            "head": pd.Series(nodes.unit).astype("Int64").mask(whole),
            "position": nodes.position,
            "token": np.array(tokens, dtype=object)[nodes.position] if tokens is not None else "",
            "exact": contest.effects.mean(0, dtype=np.float64),
        }
    )


def _arrays(contests: Sequence[Contest]) -> dict[str, np.ndarray]:
    out = {}
    for contest in contests:
        out[f"{contest.family}/exact"] = np.ascontiguousarray(contest.effects, np.float32)
        for method, score in contest.scores.items():
            out[f"{contest.family}/{method}/estimate"] = np.ascontiguousarray(score, np.float32)
        for entrant in contest.entrants:
            for seed, walk in enumerate(entrant.walks):
                out[f"{contest.family}/{entrant.method}/{seed}"] = walk.verified_at
    return out


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")
