"""Where a circuit's nodes stand and which lines join them; plain numbers, for any picture.

Layers go upwards: the embedding below, a layer's heads and to their right its MLP on one line, the logits on top. With
positions, tokens go across, and keys and values stand as small nodes where they are read, linked to the heads that
attend to them; without, heads stand side by side by number. A closed group is one node in the middle of its members;
edges between its members are not drawn, edges to the same node are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.circuits.circuit import Circuit, Edge
from core.circuits.graph import Reader, Writer

NodeKind = Literal["embed", "head", "mlp", "kv", "logits", "group"]
KV_STEP = -0.34  # of a layer: how far below their heads keys and values stand
SPREAD, MLP_ROOM, NARROWEST = 0.3, 0.36, 0.6  # widths in a token's column: a head, its MLPs, a column without any
MOST_COLUMNS = 32


@dataclass(frozen=True)
class DrawnNode:
    """``key`` names node and position, ``name`` the component alone; ``strength`` sums its edges' magnitudes."""

    key: str
    name: str
    label: str
    kind: NodeKind
    position: int | None
    x: float
    y: float
    strength: float = 0.0
    group: str = ""


@dataclass(frozen=True)
class DrawnEdge:
    """A line from one node to another; ``reader`` says as what it is read (a reader's kind)."""

    source: str
    target: str
    reader: str
    score: float
    name: str


@dataclass(frozen=True)
class Drawing:
    """``links`` join keys and values to the heads that attend to them. ``columns`` are the positions across,
    ``edges_at`` where each begins and the last one ends: busy tokens are wider."""

    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    links: tuple[tuple[str, str], ...]
    columns: tuple[int, ...]
    edges_at: tuple[float, ...]
    shown: int
    total: int


def drawing(circuit: Circuit) -> Drawing:
    """Lay a circuit out, pins, groups and hidden nodes as the person has them."""
    kept = [edge for edge in circuit.edges if not touched(circuit, edge) & set(circuit.hidden)]
    lines = [DrawnEdge(s, t, edge.reader.kind, edge.score, edge.name) for edge in kept for s, t in _ends(circuit, edge)]
    columns = _columns(circuit, kept)
    nodes, edges_at = _placed(circuit, kept, columns)
    links = tuple(_links(circuit, kept, set(nodes)))
    closed = {key: f"group {node.group}" for key, node in nodes.items() if node.group in circuit.closed}
    if closed:
        nodes, lines, links = _close(nodes, lines, links, closed)
    for line in lines:
        for end in (line.source, line.target):
            nodes[end] = replace(nodes[end], strength=nodes[end].strength + abs(line.score))
    return Drawing(tuple(nodes.values()), tuple(lines), links, columns, edges_at, len(kept), circuit.n_all)


def node_names(circuit: Circuit) -> tuple[str, ...]:
    """Components of the circuit, lowest first: what a person may name, group, pin or hide."""
    writers = {edge.writer for edge in circuit.edges}
    found = sorted(writers, key=circuit.graph.writer_index)
    return tuple(writer.name for writer in found)


def touched(circuit: Circuit, edge: Edge) -> set[str]:
    """Components at both ends of an edge; an edge into a group of heads is hidden when all of them are."""
    fed = _fed(circuit, edge.reader)
    hidden = set(circuit.hidden)
    left = [name for name in fed if name not in hidden]
    return {edge.writer.name} | (set() if left else set(fed))


def _fed(circuit: Circuit, reader: Reader) -> list[str]:
    writers = circuit.graph.fed(circuit.graph.reader_index(reader))
    if writers is None:
        return ["logits"]
    return [circuit.graph.writer(i).name for i in range(writers.start, writers.stop)]


def _key(name: str, position: int | None) -> str:
    return name if position is None else f"{name}@{position}"


def _kv_name(reader: Reader) -> str:
    return f"L{reader.layer} K/V {reader.unit}"


def _ends(circuit: Circuit, edge: Edge) -> Iterator[tuple[str, str]]:
    """Keys of the nodes that the lines of an edge join: one line, or one a head of the group without positions."""
    source = _key(edge.writer.name, edge.position)
    if edge.position is not None and edge.reader.kind in ("k", "v"):
        yield source, _key(_kv_name(edge.reader), edge.position)
        return
    targets = [name for name in _fed(circuit, edge.reader) if name not in circuit.hidden]
    if edge.reader.kind in ("k", "v"):
        writers = {other.writer.name for other in circuit.edges}
        targets = [name for name in targets if name in writers] or targets[:1]
    for name in targets:
        yield source, _key(name, edge.position)


def _columns(circuit: Circuit, edges: list[Edge]) -> tuple[int, ...]:
    if circuit.span == "summed" or not edges:
        return ()
    used = sorted({edge.position for edge in edges if edge.position is not None})
    if used[-1] - used[0] < MOST_COLUMNS:
        return tuple(range(used[0], used[-1] + 1))
    return tuple(used)


def _placed(
    circuit: Circuit, edges: list[Edge], columns: tuple[int, ...]
) -> tuple[dict[str, DrawnNode], tuple[float, ...]]:
    """Every node that an edge touches, where it stands; and where the columns begin and end."""
    rows: dict[tuple[float, int | None, bool], dict[str, DrawnNode]] = {}
    for edge in edges:
        for node in _touched(circuit, edge):
            rows.setdefault((node.y, node.position, node.kind == "mlp"), {})[node.key] = node
    edges_at = _widths(rows, columns)
    out: dict[str, DrawnNode] = {}
    for (_, position, aside), row in rows.items():
        ordered = sorted(row.values(), key=lambda node: node.x)
        for i, node in enumerate(ordered):
            x = node.x
            if position is not None:
                first, last = edges_at[columns.index(position)], edges_at[columns.index(position) + 1]
                middle = last - MLP_ROOM / 2 - 0.05 if aside else (first + last - MLP_ROOM) / 2
                x = middle + SPREAD * (i - (len(ordered) - 1) / 2)
            place = circuit.pins.get(node.key, (x, node.y))
            out[node.key] = replace(node, x=float(place[0]), y=float(place[1]))
    return out, edges_at


def _widths(
    rows: dict[tuple[float, int | None, bool], dict[str, DrawnNode]], columns: tuple[int, ...]
) -> tuple[float, ...]:
    """Where each column begins and the last one ends, as wide as its fullest row of heads needs."""
    ends = [0.0]
    for column in columns:
        fullest = max(
            (len(row) for (_, position, aside), row in rows.items() if position == column and not aside), default=0
        )
        ends.append(ends[-1] + max(NARROWEST, SPREAD * fullest + MLP_ROOM + 0.1))
    return tuple(ends)


def _touched(circuit: Circuit, edge: Edge) -> Iterator[DrawnNode]:
    yield _node(circuit, edge.writer, edge.position)
    position = edge.position
    if position is not None and edge.reader.kind in ("k", "v"):
        name, unit = _kv_name(edge.reader), edge.reader.unit
        key = _key(name, position)
        yield DrawnNode(key, name, f"kv{unit}", "kv", position, unit, edge.reader.layer + KV_STEP)
        return
    wanted = {target for _, target in _ends(circuit, edge)}
    if edge.reader.kind == "logits":
        x = 0.5 * circuit.graph.n_heads if circuit.span == "summed" else 0.0
        yield DrawnNode(
            _key("logits", position), "logits", "logits", "logits", position, x, circuit.graph.n_layers + 0.5
        )
        return
    fed = circuit.graph.fed(circuit.graph.reader_index(edge.reader))
    for index in range(fed.start, fed.stop) if fed else ():
        node = _node(circuit, circuit.graph.writer(index), position)
        if node.key in wanted:
            yield node


def _node(circuit: Circuit, writer: Writer, position: int | None) -> DrawnNode:
    short = {"embed": "emb", "head": f"{writer.layer}.{writer.unit}", "mlp": f"m{writer.layer}"}[writer.kind]
    across = {"embed": 0.5 * circuit.graph.n_heads, "head": float(writer.unit), "mlp": circuit.graph.n_heads + 0.5}
    return DrawnNode(
        _key(writer.name, position),
        writer.name,
        circuit.names.get(writer.name, short),
        writer.kind,
        position,
        across[writer.kind],
        float(writer.layer),
        group=circuit.groups.get(writer.name, ""),
    )


def _links(circuit: Circuit, edges: list[Edge], keys: set[str]) -> Iterator[tuple[str, str]]:
    """Keys and values to every head of their group at a later position that is in the drawing."""
    if circuit.span == "summed":
        return
    heads = [(edge.writer.name, edge.position) for edge in edges if edge.writer.kind == "head"]
    seen = set()
    for edge in edges:
        if edge.reader.kind not in ("k", "v") or edge.position is None:
            continue
        source, fed = _key(_kv_name(edge.reader), edge.position), set(_fed(circuit, edge.reader))
        for name, position in heads:
            link = source, _key(name, position)
            if (
                name in fed
                and position is not None
                and position >= edge.position
                and link not in seen
                and link[1] in keys
            ):
                seen.add(link)
                yield link


def _close(
    nodes: dict[str, DrawnNode], lines: list[DrawnEdge], links: tuple[tuple[str, str], ...], closed: dict[str, str]
) -> tuple[dict[str, DrawnNode], list[DrawnEdge], tuple[tuple[str, str], ...]]:
    """Put every closed group's members into one node."""
    out = {key: node for key, node in nodes.items() if key not in closed}
    for key in dict.fromkeys(closed.values()):
        members = [node for other, node in nodes.items() if closed.get(other) == key]
        x, y = np.mean([(node.x, node.y) for node in members], axis=0)
        group = members[0].group
        out[key] = DrawnNode(key, group, group, "group", None, float(x), float(y), group=group)
    sums: dict[tuple[str, str, str], DrawnEdge] = {}
    for line in lines:
        source, target = closed.get(line.source, line.source), closed.get(line.target, line.target)
        if source == target:
            continue
        place = source, target, line.reader
        if source == line.source and target == line.target:
            sums[(line.name, target, line.reader)] = line
        elif place in sums:
            sums[place] = replace(
                sums[place], score=sums[place].score + line.score, name=f"{source} → {target}, summed"
            )
        else:
            sums[place] = replace(line, source=source, target=target)
    joined = {(closed.get(a, a), closed.get(b, b)) for a, b in links}
    return out, list(sums.values()), tuple(sorted((a, b) for a, b in joined if a != b))
