"""How much circuits of growing size explain: the first 0.1 % to all of a ranking's edges, each really run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.circuits.graph import Graph
from core.circuits.patched import circuit_metric
from core.circuits.select import first_edges, prune
from core.circuits.settings import SHARES
from core.patching.question import Question
from core.progress import Progress

Row = dict[str, float | int]


def curve(
    question: Question, graph: Graph, order: np.ndarray, possible: np.ndarray, *, progress: Progress | None = None
) -> Iterator[Row]:
    """One row a size: ``share`` of all edges, ``edges``, ``on_paths`` (those left after pruning), ``faithfulness`` with
    its bootstrap interval over pairs (``low``, ``high``), and ``completeness``.

    Args:
        order: flat indices of edges, the most important first.
        possible: which edges there are, bool ``[position or 1, writer, reader]``.
    """
    for share in SHARES:
        count = max(1, round(share * len(order)))
        mask = first_edges(order, count, possible.shape)
        found = circuit_metric(question, graph, np.stack([mask, possible & ~mask]), progress=progress)
        low, high = found.interval()[:, 0]
        yield {
            "share": share,
            "edges": count,
            "on_paths": int(prune(graph, mask).sum()),
            "faithfulness": float(found.faithfulness[0]),
            "low": float(low),
            "high": float(high),
            "completeness": float(1 - found.faithfulness[1]),
        }
