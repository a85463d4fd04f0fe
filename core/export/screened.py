"""What a screen adds to a stored result.

In ``run.json``, ``screened`` has one entry a family: its name, how many nodes it has and how many should be verified,
the pairs (indices) and the bounds (confidence and bound; null: none could be given). In ``effects.safetensors``,
``attention/nodes`` (int32 ``[node, 4]``: index of the kind, layer, position, unit; in the estimate's order) and
``attention/estimates`` (float32 ``[pair, node]``) stand beside the effects, in which the exact values are already.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from core.errors import ResultError
from core.patching.nodes import Nodes, by_family
from core.patching.results.result import AttributionResult
from core.patching.results.screened import Screened, fits
from core.patching.spec import RunSpec
from core.terms import ModelShape

PARTS = ("nodes", "estimates")


def screened_json(result: AttributionResult) -> list[dict[str, Any]]:
    """The part of ``run.json``."""
    return [
        {
            "family": part.family,
            "n_nodes": part.n_nodes,
            "wanted": part.wanted,
            "pairs": list(part.pairs),
            "bounds": [[level, bound if math.isfinite(bound) else None] for level, bound in part.bounds.items()],
        }
        for part in result.screened
    ]


def screened_tensors(result: AttributionResult) -> dict[str, np.ndarray]:
    """The part of ``effects.safetensors``."""
    out = {}
    for part in result.screened:
        n = part.nodes
        columns = np.stack([n.kind, n.layer, n.position, n.unit], axis=1)
        out[f"{part.family}/nodes"] = np.ascontiguousarray(columns, dtype=np.int32)
        out[f"{part.family}/estimates"] = np.ascontiguousarray(part.estimates, dtype=np.float32)
    return out


def tensor_names(spec: RunSpec) -> set[str]:
    """Names of the tensors that a run has beside its effects."""
    return {f"{family}/{part}" for family in by_family(spec.nodes) for part in PARTS} if spec.screen else set()


def read_screened(
    data: Any, tensors: dict[str, Any], spec: RunSpec, shape: ModelShape, lengths: list[int]
) -> tuple[Screened, ...]:
    """The inverse, believing nothing.

    Args:
        tensors: as safetensors deserialises them.
        lengths: tokens of each pair.

    Raises:
        ResultError: anything missing, or not as the run describes it.
    """
    try:
        found = tuple(_family(entry, tensors) for entry in data)
        families = list(by_family(spec.nodes)) if spec.screen else []
        sound = [part.family for part in found] == families and all(fits(p, shape, lengths) for p in found)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ResultError("What was verified cannot be read.", where="run.json: screened") from error
    if not sound:
        raise ResultError("What was verified does not belong to this run.", where="run.json: screened")
    return found


def _family(entry: dict[str, Any], tensors: dict[str, Any]) -> Screened:
    family, pairs = str(entry["family"]), tuple(int(i) for i in entry["pairs"])
    nodes = _array(tensors[f"{family}/nodes"], "I32", "<i4")
    estimates = _array(tensors[f"{family}/estimates"], "F32", "<f4")
    if nodes.ndim != 2 or nodes.shape[1] != 4 or estimates.shape != (len(pairs), len(nodes)):
        raise ValueError
    if not np.isfinite(estimates).all() or not len(nodes) <= int(entry["n_nodes"]):
        raise ValueError
    bounds = {float(level): math.inf if bound is None else float(bound) for level, bound in entry["bounds"]}
    if any(not 0 < level < 1 or not bound >= 0 for level, bound in bounds.items()):
        raise ValueError
    return Screened(
        family, int(entry["n_nodes"]), int(entry["wanted"]), pairs, Nodes(*nodes.T.copy()), estimates, bounds
    )


def _array(tensor: dict[str, Any], dtype: str, kind: str) -> np.ndarray:
    if tensor["dtype"] != dtype:
        raise ValueError
    return np.frombuffer(tensor["data"], dtype=kind).reshape(tensor["shape"]).copy()
