"""The graph of a model: writers, readers and the edges between them.

At every token position the residual stream is a sum of what *writers* added: the embedding, every head, every MLP.
*Readers* take their input from it: every query head, every key and value head (the model's own kv heads, which a
group of query heads shares), every MLP, and the logits. An edge is one writer's part in one reader's input at one
position. A writer precedes a reader when it was added before the reader reads.

Writers are numbered upwards: 0 the embedding, then for each layer its heads and its MLP. Readers likewise: for each
layer its queries, keys, values and its MLP, last the logits. Attention carries information between positions, edges
do not: a key or value reader at one position feeds its heads at every later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from core.terms import ModelShape

WriterKind = Literal["embed", "head", "mlp"]
ReaderKind = Literal["q", "k", "v", "mlp", "logits"]
WRITER_KINDS: tuple[WriterKind, ...] = ("embed", "head", "mlp")
READER_KINDS: tuple[ReaderKind, ...] = ("q", "k", "v", "mlp", "logits")
HEAD_READERS: tuple[ReaderKind, ...] = ("q", "k", "v")
LAYER_READERS: tuple[ReaderKind, ...] = (*HEAD_READERS, "mlp")
LAST_ONLY: tuple[ReaderKind, ...] = ("q", "mlp", "logits")  # of the last layer: heard at the last token alone


@dataclass(frozen=True)
class Writer:
    """``layer`` is −1 for the embedding; ``unit`` the head, 0 for others."""

    kind: WriterKind
    layer: int
    unit: int = 0

    @property
    def name(self) -> str:
        """``embedding``, ``L9 H6`` or ``L9 MLP``."""
        return {"embed": "embedding", "head": f"L{self.layer} H{self.unit}", "mlp": f"L{self.layer} MLP"}[self.kind]


@dataclass(frozen=True)
class Reader:
    """``unit`` is the query head, or the kv head of a key or value; ``layer`` of the logits is the layer count."""

    kind: ReaderKind
    layer: int
    unit: int = 0

    @property
    def name(self) -> str:
        """``L9 H6 query``, ``L9 H2 key``, ``L9 MLP`` or ``logits``."""
        if self.kind == "logits":
            return "logits"
        words = {"q": "query", "k": "key", "v": "value"}
        return f"L{self.layer} MLP" if self.kind == "mlp" else f"L{self.layer} H{self.unit} {words[self.kind]}"


@dataclass(frozen=True)
class Graph:
    """Sizes of a model's graph.

    Attributes:
        parallel: attention and MLP of a layer read the same stream, so that a layer's heads do not reach its MLP.
        coupled: the heads' sum is normalised before it is added, so that each head's write depends on the others'.
    """

    n_layers: int
    n_heads: int
    n_kv_heads: int
    parallel: bool = False
    coupled: bool = False

    @classmethod
    def of(cls, shape: ModelShape, *, parallel: bool, coupled: bool = False) -> Graph:
        return cls(shape.n_layers, shape.n_heads, shape.n_kv_heads, parallel, coupled)

    def to_json(self) -> list[int]:
        """Plain numbers; ``from_json`` reads them."""
        return [self.n_layers, self.n_heads, self.n_kv_heads, int(self.parallel), int(self.coupled)]

    @classmethod
    def from_json(cls, data: list[int]) -> Graph:
        """The inverse of ``to_json``; ValueError for anything else."""
        layers, heads, kv_heads, parallel, coupled = map(int, data)
        return cls(layers, heads, kv_heads, bool(parallel), bool(coupled))

    @property
    def n_writers(self) -> int:
        return 1 + self.n_layers * (self.n_heads + 1)

    @property
    def readers_a_layer(self) -> int:
        return self.n_heads + 2 * self.n_kv_heads + 1

    @property
    def n_readers(self) -> int:
        return self.n_layers * self.readers_a_layer + 1

    def heads(self, layer: int) -> slice:
        """Writers that are the heads of a layer."""
        first = 1 + layer * (self.n_heads + 1)
        return slice(first, first + self.n_heads)

    def mlp(self, layer: int) -> int:
        """The writer that is a layer's MLP."""
        return self.heads(layer).stop

    def readers(self, layer: int, kind: ReaderKind) -> slice:
        """Readers of one kind in a layer."""
        start = layer * self.readers_a_layer
        counts = {"q": self.n_heads, "k": self.n_kv_heads, "v": self.n_kv_heads, "mlp": 1}
        for name, count in counts.items():
            if name == kind:
                return slice(start, start + count)
            start += count
        return slice(self.n_readers - 1, self.n_readers)

    def before(self, layer: int, kind: ReaderKind) -> int:
        """How many writers (the first so many) precede a reader."""
        if kind == "logits":
            return self.n_writers
        first = self.heads(layer).start
        return first + self.n_heads if kind == "mlp" and not self.parallel else first

    def writer(self, index: int) -> Writer:
        if index == 0:
            return Writer("embed", -1)
        layer, unit = divmod(index - 1, self.n_heads + 1)
        return Writer("mlp", layer) if unit == self.n_heads else Writer("head", layer, unit)

    def reader(self, index: int) -> Reader:
        if index == self.n_readers - 1:
            return Reader("logits", self.n_layers)
        layer, place = divmod(index, self.readers_a_layer)
        for kind in HEAD_READERS:
            count = self.n_heads if kind == "q" else self.n_kv_heads
            if place < count:
                return Reader(kind, layer, place)
            place -= count
        return Reader("mlp", layer)

    def writer_index(self, writer: Writer) -> int:
        """The number of a writer; inverse of ``writer``."""
        if writer.kind == "embed":
            return 0
        return self.mlp(writer.layer) if writer.kind == "mlp" else self.heads(writer.layer).start + writer.unit

    def reader_index(self, reader: Reader) -> int:
        """The number of a reader; inverse of ``reader``."""
        return self.readers(reader.layer, reader.kind).start + reader.unit

    @cached_property
    def edges(self) -> np.ndarray:
        """Which edges exist, bool ``[writer, reader]``."""
        out = np.zeros((self.n_writers, self.n_readers), bool)
        for layer in range(self.n_layers):
            for kind in LAYER_READERS:
                out[: self.before(layer, kind), self.readers(layer, kind)] = True
        out[:, -1] = True
        return out

    def fed(self, reader: int) -> slice | None:
        """Writers whose output depends on a reader: a query's head, the group of a key or value, an MLP."""
        found = self.reader(reader)
        if found.kind == "logits":
            return None
        if found.kind == "mlp":
            return slice(self.mlp(found.layer), self.mlp(found.layer) + 1)
        first, group = self.heads(found.layer).start, self.n_heads // self.n_kv_heads
        if found.kind == "q":
            return slice(first + found.unit, first + found.unit + 1)
        return slice(first + found.unit * group, first + (found.unit + 1) * group)

    def possible(self, start: int, length: int) -> np.ndarray:
        """Which edges can carry a difference, bool ``[position, writer, reader]``.

        Left out are positions before ``start``, the first difference; at positions before the last one the logits, and
        whatever reaches them only at its own position: the last layer's queries and MLP, with the edges into them.
        """
        out = np.zeros((length, *self.edges.shape), bool)
        out[start:] = self.edges
        last = self.n_layers - 1
        for kind in LAST_ONLY:
            out[: length - 1, :, self.readers(last, kind)] = False
        return out
