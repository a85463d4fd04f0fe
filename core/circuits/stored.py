"""A circuit's run as a folder, and read back.

edges.csv            method, span, rank, writer, reader, layers, position, token, score: the largest of each
curve.csv            method, span, seed, share, edges, on_paths, faithfulness, low, high, completeness
scores.safetensors   the same edges as numbers: ``method/span/index`` (flat, int64) and ``method/span/score``
circuit.json         sizes of the graph, settings, pairs, their metric, model
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from core.circuits.circuit import Circuit, take
from core.circuits.graph import Graph
from core.circuits.select import ranking
from core.circuits.settings import CircuitSettings, Span
from core.errors import ResultError
from core.prompts.pairs import TokenPair

FILES = ("edges.csv", "curve.csv", "scores.safetensors", "circuit.json", "run.json")
KEPT = 4000  # edges of each method and span


@dataclass(frozen=True, eq=False)
class CircuitRun:
    """What the folder holds. ``n_all`` is the number of edges that could carry a difference, by span."""

    graph: Graph
    settings: CircuitSettings
    pairs: tuple[TokenPair, ...]
    clean: np.ndarray
    corrupt: np.ndarray
    model: dict[str, Any]
    n_all: dict[str, int]
    curve: pd.DataFrame
    scores: dict[str, np.ndarray] = field(repr=False)

    @property
    def gap(self) -> float:
        """Mean clean minus mean corrupt metric."""
        return float(self.clean.mean() - self.corrupt.mean())

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.pairs[0].clean_tokens

    def most(self, method: str, span: Span) -> int:
        """How many edges of a ranking are kept."""
        return len(self.scores[f"{method}/{span}/index"])

    def circuit(self, method: str, span: Span, count: int, *, pruned: bool = True) -> Circuit:
        """The first ``count`` edges of a ranking."""
        shape = (1 if span == "summed" else len(self.tokens), self.graph.n_writers, self.graph.n_readers)
        values, possible = np.zeros(shape, np.float32), np.zeros(shape, bool)
        index = self.scores[f"{method}/{span}/index"]
        values.ravel()[index] = self.scores[f"{method}/{span}/score"]
        possible.ravel()[index] = True
        found = take(self.graph, values, possible, count, tokens=self.tokens, pruned=pruned)
        about = {
            "model": self.model.get("model_id", ""),
            "revision": self.model.get("revision", ""),
            "method": method,
            "metric": self.settings.metric,
            "direction": self.settings.direction,
            "pairs": len(self.pairs),
        }
        return found.with_words(n_all=self.n_all[span], about=about)


def write_run(
    out: Path,
    *,
    graph: Graph,
    settings: CircuitSettings,
    pairs: list[dict[str, Any]],
    values: list[float],
    model: dict[str, Any],
    scores: dict[tuple[str, str], np.ndarray],
    possible: dict[str, np.ndarray],
    curve: pd.DataFrame,
) -> None:
    """Write the files (``run.json`` is written by whoever keeps the folder)."""
    arrays, tables = {}, []
    tokens = tuple(pairs[0]["clean_tokens"])
    for (method, span), array in scores.items():
        index = ranking(array, possible[span])[:KEPT]
        arrays[f"{method}/{span}/index"] = index.astype(np.int64)
        arrays[f"{method}/{span}/score"] = array.ravel()[index].astype(np.float32)
        circuit = take(graph, array, possible[span], KEPT, tokens=tokens, pruned=False)
        tables.append(circuit.to_frame().assign(method=method, span=span))
    save_file(arrays, out / "scores.safetensors")
    _csv(pd.concat(tables), out / "edges.csv")
    _csv(curve, out / "curve.csv")
    about = {
        "graph": graph.to_json(),
        "settings": settings.to_json(),
        "pairs": pairs,
        "values": values,
        "model": model,
        "n_all": {span: int(mask.sum()) for span, mask in possible.items()},
    }
    (out / "circuit.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_run(folder: Path) -> CircuitRun:
    """Read a folder that ``write_run`` wrote.

    Raises:
        ResultError: a file is missing or damaged.
    """
    try:
        about = json.loads((folder / "circuit.json").read_text(encoding="utf-8"))
        n = len(about["pairs"])
        text = (folder / "curve.csv").read_text(encoding="utf-8")
        return CircuitRun(
            Graph.from_json(about["graph"]),
            CircuitSettings.from_json(about["settings"]),
            tuple(_pair(pair) for pair in about["pairs"]),
            np.array(about["values"][:n]),
            np.array(about["values"][n:]),
            about["model"],
            about["n_all"],
            pd.read_csv(folder / "curve.csv") if text.strip() else pd.DataFrame(),
            load_file(folder / "scores.safetensors"),
        )
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ResultError("The circuit's files are damaged.", where=folder.name) from error


def _pair(data: dict[str, Any]) -> TokenPair:
    fields: dict[str, Any] = {name: tuple(x) if isinstance(x, list) else x for name, x in data.items()}
    return TokenPair(**fields)


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")
