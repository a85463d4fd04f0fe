"""Faithfulness and completeness of one circuit, on the pairs of the run that it comes from."""

from __future__ import annotations

import numpy as np

from core.circuits.circuit import Circuit
from core.circuits.patched import circuit_metric
from core.circuits.stored import CircuitRun
from core.circuits.study import circuit_question
from core.models.load import LoadedModel


def explain(model: LoadedModel, run: CircuitRun, circuit: Circuit) -> tuple[float, float, float, float]:
    """Faithfulness, its 95 % bootstrap interval over pairs (NaN for one pair), completeness.

    Raises:
        SpecError: the pairs have no gap.
    """
    question = circuit_question(model, run.pairs, run.settings)
    mask = np.broadcast_to(circuit.mask(question.length), (question.length, *circuit.graph.edges.shape))
    found = circuit_metric(question, circuit.graph, np.stack([mask, circuit.graph.edges & ~mask]))
    low, high = found.interval()[:, 0]
    return float(found.faithfulness[0]), float(low), float(high), float(1 - found.faithfulness[1])
