"""A circuit: named edges of one model on one set of pairs, with what a person did to its drawing.

It is a small thing of plain values: saved as JSON, linked, and rebuilt by a script.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from core.circuits.graph import READER_KINDS, WRITER_KINDS, Graph, Reader, Writer
from core.circuits.select import first_edges, prune, ranking
from core.circuits.settings import SPANS, Span
from core.errors import ResultError


@dataclass(frozen=True, order=True)
class Edge:
    """``position`` is None where the edge stands for all positions. ``score`` is its estimate (units of the metric)."""

    position: int | None
    writer: Writer = field(compare=False)
    reader: Reader = field(compare=False)
    score: float = field(compare=False, default=0.0)

    @property
    def name(self) -> str:
        """``L9 H6 → L11 MLP``, with ``@13`` where it has a position."""
        at = "" if self.position is None else f" @{self.position}"
        return f"{self.writer.name} → {self.reader.name}{at}"


@dataclass(frozen=True, eq=False)
class Circuit:
    """Edges in the order of their magnitude, out of ``n_all`` that could carry a difference.

    Attributes:
        tokens: of the first clean prompt; empty where positions are summed.
        asked: how many edges were taken before those on no path were dropped.
        about: model, pairs, metric, direction, method: what the scores are.
        names, groups: a person's names of nodes and their groups, by node name (``L9 H6``).
        pins: places of nodes that a person moved, ``(x, y)`` in the drawing's units, by node key.
        hidden: names of nodes not drawn.
        closed: groups drawn as one node.
    """

    graph: Graph
    span: Span
    edges: tuple[Edge, ...]
    n_all: int
    asked: int
    tokens: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    pins: dict[str, tuple[float, float]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    def mask(self, length: int) -> np.ndarray:
        """The edges as bool ``[position or 1, writer, reader]``."""
        out = np.zeros((1 if self.span == "summed" else length, self.graph.n_writers, self.graph.n_readers), bool)
        for edge in self.edges:
            place = edge.position or 0
            out[place, self.graph.writer_index(edge.writer), self.graph.reader_index(edge.reader)] = True
        return out

    def to_frame(self) -> pd.DataFrame:
        """Tidy rows: rank, writer, reader, layers, position, token, score."""
        return pd.DataFrame(
            {
                "rank": range(1, len(self.edges) + 1),
                "writer": [edge.writer.name for edge in self.edges],
                "reader": [edge.reader.name for edge in self.edges],
                "writer_layer": [edge.writer.layer for edge in self.edges],
                "reader_layer": [edge.reader.layer for edge in self.edges],
                "position": pd.array([edge.position for edge in self.edges], dtype="Int64"),
                "token": [self._token(edge) for edge in self.edges],
                "score": [edge.score for edge in self.edges],
            }
        )

    def _token(self, edge: Edge) -> str:
        return self.tokens[edge.position] if edge.position is not None and self.tokens else ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; ``from_json`` reads them."""
        return {
            "format": "circuitarium-circuit-1",
            "graph": self.graph.to_json(),
            "span": self.span,
            "n_all": self.n_all,
            "asked": self.asked,
            "tokens": list(self.tokens),
            "about": self.about,
            "names": self.names,
            "groups": self.groups,
            "pins": {key: list(place) for key, place in self.pins.items()},
            "hidden": list(self.hidden),
            "closed": list(self.closed),
            "edges": [
                {
                    "writer": [edge.writer.kind, edge.writer.layer, edge.writer.unit],
                    "reader": [edge.reader.kind, edge.reader.layer, edge.reader.unit],
                    "position": edge.position,
                    "score": edge.score,
                    "name": edge.name,
                }
                for edge in self.edges
            ],
        }

    @classmethod
    def from_json(cls, data: Any) -> Circuit:
        """Read what ``to_json`` wrote.

        Raises:
            ResultError: it is something else, or names edges that its graph does not have.
        """
        try:
            if data["format"] != "circuitarium-circuit-1":
                raise ValueError("unknown format")
            graph = Graph.from_json(data["graph"])
            edges = tuple(_edge(graph, entry, len(data["tokens"])) for entry in data["edges"])
            return cls(
                graph,
                data["span"] if data["span"] in SPANS else "summed",
                edges,
                int(data["n_all"]),
                int(data["asked"]),
                tuple(map(str, data["tokens"])),
                dict(data["about"]),
                {str(k): str(v)[:60] for k, v in data["names"].items()},
                {str(k): str(v)[:60] for k, v in data["groups"].items()},
                {str(k): (float(v[0]), float(v[1])) for k, v in data["pins"].items()},
                tuple(map(str, data["hidden"])),
                tuple(map(str, data["closed"])),
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ResultError(
                "The file is not a circuit.", next_step="Open a JSON file that the Circuit page saved."
            ) from error

    def with_words(self, **changes: Any) -> Circuit:
        """The same edges with other names, groups, pins or hidden nodes."""
        return replace(self, **changes)


def _edge(graph: Graph, entry: dict[str, Any], length: int) -> Edge:
    (writer_kind, *place), (reader_kind, *other) = entry["writer"], entry["reader"]
    if writer_kind not in WRITER_KINDS or reader_kind not in READER_KINDS:
        raise ValueError("unknown kind of node")
    writer, reader = Writer(writer_kind, *map(int, place)), Reader(reader_kind, *map(int, other))
    position = None if entry["position"] is None else int(entry["position"])
    if not graph.edges[graph.writer_index(writer), graph.reader_index(reader)] or not 0 <= (position or 0) < 4096:
        raise ValueError("no such edge")
    return Edge(position, writer, reader, float(entry["score"]))


def take(
    graph: Graph,
    values: np.ndarray,
    possible: np.ndarray,
    count: int,
    *,
    tokens: tuple[str, ...] = (),
    pruned: bool = True,
    about: dict[str, Any] | None = None,
) -> Circuit:
    """The ``count`` edges of largest magnitude, less those on no path from the embedding to the logits.

    Args:
        values: scores ``[position, writer, reader]``, or summed over positions ``[1, writer, reader]``.
        possible: which edges there are, of the same shape.
    """
    mask = first_edges(ranking(values, possible), count, possible.shape)
    kept = prune(graph, mask) if pruned else mask
    places = np.argwhere(kept)
    scores = values[kept]
    span: Span = "summed" if len(values) == 1 else "position"
    edges = tuple(
        Edge(
            None if span == "summed" else int(places[i, 0]),
            graph.writer(int(places[i, 1])),
            graph.reader(int(places[i, 2])),
            float(scores[i]),
        )
        for i in np.argsort(-np.abs(scores), kind="stable")
    )
    held = tokens if span == "position" else ()
    return Circuit(graph, span, edges, int(possible.sum()), int(mask.sum()), held, about or {})
