"""On a set of pairs: is an estimate averaged by magnitude, as in the paper (eq. 5), or with its sign?

The effect to be found is the magnitude of a mean (eq. 1), in which opposite signs cancel; a mean of magnitudes cannot
cancel. Rows of ``signs.csv``: set, method, score (``magnitudes`` or ``signed``), spearman, and the share of the true
top k that is in the score's top k.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.atp_study.contests import KEPT, studies
from core.models.load import LoadedModel
from core.patching.estimates import estimates
from core.patching.nodes import FAMILIES, all_nodes
from core.patching.question import ask
from core.patching.trust.agreement import agreement
from core.patching.trust.oracle import Patching
from core.terms import Method

SIGNED: tuple[Method, ...] = ("atp", "atp-qk")
KINDS = FAMILIES["attention"]


def run(model: LoadedModel) -> None:
    """Both averages of both signed methods on every set, against the exact effects; keep the table."""
    rows = []
    for study in studies(model):
        if len(study.pairs) == 1:
            continue
        question = ask(model, study.pairs, kinds=KINDS, metric="logit_diff", direction="noising")
        nodes = all_nodes(KINDS, model.shape, min(question.starts), question.length)
        exact = Patching(question, nodes).effects(np.arange(len(nodes)))
        for method in SIGNED:
            signed = estimates(question, nodes, KINDS, method)
            for score, values in (("magnitudes", np.abs(signed).mean(0)), ("signed", np.abs(signed.mean(0)))):
                found = agreement(values, exact)
                row = {"set": study.name.removesuffix("-set"), "method": method, "score": score}
                rows.append(row | {"spearman": found.spearman} | {f"top_{k}": r for k, r in found.recall.items()})
        print(f"signs: {study.name}", flush=True)
    pd.DataFrame(rows).to_csv(KEPT / "signs.csv", index=False, lineterminator="\n", float_format="%.4g")
