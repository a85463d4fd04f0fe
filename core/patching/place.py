"""Node: one place in a model, as clicks, links and tables name it, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import SpecError
from core.terms import NODE_KINDS, WHOLE_KINDS, NodeKind

_WORDS: dict[NodeKind, str] = {
    "q": "query head",
    "k": "key head",
    "v": "value head",
    "z": "head",
    "neuron": "neuron",
    "attn_out": "attention output",
    "mlp_out": "MLP output",
    "resid_pre": "residual stream before the layer",
}

_SHORT: dict[NodeKind, str] = {
    "q": "H{unit} query",
    "k": "H{unit} key",
    "v": "H{unit} value",
    "z": "H{unit}",
    "neuron": "N{unit}",
    "attn_out": "attention",
    "mlp_out": "MLP",
    "resid_pre": "residual",
}


@dataclass(frozen=True)
class Node:
    """One node: ``unit`` is a head, kv head or neuron (None: a whole write), ``position`` a token (None: all)."""

    kind: NodeKind
    layer: int
    unit: int | None = None
    position: int | None = None

    @property
    def key(self) -> str:
        """Short text for links and widget options, e.g. ``z.9.6.13`` or ``mlp_out.4._.13``; ``_`` stands for None."""
        parts = [self.kind, self.layer, self.unit, self.position]
        return ".".join("_" if part is None else str(part) for part in parts)

    @classmethod
    def parse(cls, key: str) -> Node:
        """The inverse of ``key``; anything else is refused (keys arrive in links)."""
        kind, *numbers = key.split(".")
        plain = all(n == "_" or (n.isdecimal() and n.isascii() and len(n) < 9) for n in numbers)
        if kind not in NODE_KINDS or len(numbers) != 3 or not plain or numbers[0] == "_":
            raise SpecError(f"{key[:40]!r} does not name a node.", next_step="A node reads like z.9.6.13.")
        layer, unit, position = (None if n == "_" else int(n) for n in numbers)
        return cls(kind, layer or 0, unit, position)


def words(node: Node, token: str | None = None) -> str:
    """The place in words: ``layer 9, head 6, at ' Mary'``; the position's number where the token is not given."""
    name = _WORDS[node.kind]
    if node.unit is not None:
        name = f"{name} {node.unit}"
    elif node.kind not in WHOLE_KINDS:
        name = f"all {name}s"
    text = f"layer {node.layer}, {name}"
    if node.position is None:
        return text
    return f"{text}, at {token!r}" if token is not None else f"{text}, at position {node.position}"


def short(node: Node) -> str:
    """The place as a label: ``L9 H6``, ``L9 H6 query``, ``L9 N1042``, ``L9 MLP``."""
    label = _SHORT[node.kind].format(unit="*" if node.unit is None else node.unit)
    return f"L{node.layer} {label}"
