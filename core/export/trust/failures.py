"""Missed nodes of a pair as one JSON document, ``failures.json``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import ResultError, UserError
from core.patching.missed.findings import REPAIRS, AttentionRow, Candidate, Failures, Parts
from core.patching.place import Node

FILE = "failures.json"


def write_failures(found: Failures, about: dict[str, str], folder: Path) -> None:
    """Write the file.

    Args:
        about: what was asked, in words: model, pair, metric, direction.
    """
    candidates = [asdict(c) | {"node": c.node.key} for c in found.candidates]
    data = {"about": about} | asdict(found) | {"candidates": candidates}
    (folder / FILE).write_text(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_failures(folder: Path) -> tuple[Failures, dict[str, str]]:
    """The inverse of ``write_failures``.

    Raises:
        ResultError: the file is missing or damaged.
    """
    try:
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
        about = {str(k): str(v) for k, v in data["about"].items()}
        found = tuple(_candidate(c) for c in data["candidates"])
        tokens, donor = (tuple(map(str, data[name])) for name in ("tokens", "donor"))
        if any((c.node.position or 0) >= len(tokens) for c in found) or len(tokens) != len(donor):
            raise ValueError("a node lies outside the prompt")
        return Failures(int(data["n_nodes"]), tokens, donor, found), about
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UserError) as error:
        raise ResultError("The missed nodes cannot be read.", where=folder.name, next_step="Run it again.") from error


def _candidate(data: dict[str, Any]) -> Candidate:
    row, parts = data["row"], data["parts"]
    if data["repair"] not in REPAIRS:
        raise ValueError("an unknown repair")
    return Candidate(
        node=Node.parse(data["node"]),
        repair=data["repair"],
        score={str(k): float(v) for k, v in data["score"].items()},
        rank={str(k): int(v) for k, v in data["rank"].items()},
        exact=float(data["exact"]),
        row=None if row is None else AttentionRow(**_plain(row)),
        parts=Parts(**_plain(parts)),
        estimated=_floats(data["estimated"]),
    )


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


def _floats(values: list[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
