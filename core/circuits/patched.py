"""What a circuit does alone: every edge outside it carries the corrupt run's write, exactly.

    input of a reader = its input in the corrupt run + Σ over the circuit's edges into it of (live − corrupt write)

Writes are live: a head inside the circuit computes from its patched queries, keys and values. With all edges this is
the clean run, with none the corrupt one. Directions do not matter here: inside is clean, outside is corrupt.

    faithfulness    (m(circuit) − m(corrupt)) / (m(clean) − m(corrupt)), the share of the gap that the circuit makes
    completeness    1 − faithfulness of everything else, the share that is lost when the circuit alone is corrupted

Both take means over pairs before they divide. A circuit can be faithful and incomplete: others may do the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.circuits.graph import HEAD_READERS, Graph
from core.errors import SpecError
from core.models.attention import AttentionPass, attention_pass, mix, scores
from core.patching.base_run import Watcher, watched_writes
from core.patching.exact import CPU_CALL
from core.patching.forward import block_kwargs
from core.patching.question import Question
from core.progress import Progress
from core.readouts.block_attention import attention_of
from core.readouts.writes import head_writes, head_writes_of, stream_factor
from core.terms import NodeKind

HELD = 2**28  # bytes of writes held at once


@dataclass(frozen=True, eq=False)
class CircuitMetric:
    """``values`` ``[circuit, pair]``: the metric with everything outside the circuit corrupted; ``clean`` and
    ``corrupt`` ``[pair]``: the unpatched runs'."""

    values: np.ndarray
    clean: np.ndarray
    corrupt: np.ndarray

    @property
    def faithfulness(self) -> np.ndarray:
        """``[circuit]``: share of the mean gap."""
        return (self.values.mean(1) - self.corrupt.mean()) / self.gap

    @property
    def gap(self) -> float:
        return float(self.clean.mean() - self.corrupt.mean())

    def interval(self, *, seed: int = 0, draws: int = 1000, level: float = 0.95) -> np.ndarray:
        """Bootstrap interval of the faithfulness over pairs, ``[2, circuit]``; NaN for a single pair."""
        n = len(self.clean)
        if n < 2:
            return np.full((2, len(self.values)), np.nan)
        rows = np.random.default_rng(seed).integers(0, n, (draws, n))
        corrupt = self.corrupt[rows].mean(1)
        gap = self.clean[rows].mean(1) - corrupt
        shares = (self.values[:, rows].mean(-1) - corrupt) / gap
        tail = (1 - level) / 2
        return np.quantile(shares, [tail, 1 - tail], axis=1)


def circuit_metric(
    question: Question, graph: Graph, circuits: np.ndarray, *, progress: Progress | None = None
) -> CircuitMetric:
    """Run pairs of equal length with everything outside each circuit corrupted.

    Args:
        question: must hold ``attn_out`` and ``mlp_out``.
        circuits: bool ``[circuit, position or 1, writer, reader]``; 1: the same edges at every position.

    Raises:
        SpecError: clean and corrupt runs have the same mean metric, so there is no gap to share.
    """
    progress = progress or Progress(0)
    n, start = len(question.pairs), min(question.starts)
    clean, corrupt = np.array(question.values[:n]), np.array(question.values[n:])
    if abs(clean.mean() - corrupt.mean()) < 1e-6:
        raise SpecError("The clean and corrupt runs give the same metric, so a circuit has nothing to explain.")
    wide = np.broadcast_to(circuits, (len(circuits), question.length, graph.n_writers, graph.n_readers))
    out = np.zeros((len(circuits), n), np.float32)
    size = max(1, HELD // (4 * graph.n_writers * (question.length - start) * question.model.shape.d_model))
    for i, circuit in enumerate(wide):
        keep = torch.from_numpy(np.ascontiguousarray(circuit[start:] & graph.edges)).to(question.model.device)
        for first in range(0, n, size):
            pairs = torch.arange(first, min(n, first + size))
            out[i, pairs.numpy()] = _Run(question, graph, pairs, start).metric(keep, progress)
            progress.advance(len(pairs))
    return CircuitMetric(out, clean, corrupt)


class _Run:
    """One forward of some pairs with everything outside one circuit corrupted; rows are pairs."""

    def __init__(self, question: Question, graph: Graph, pairs: Tensor, start: int):
        n = len(question.pairs)
        self.question, self.graph, self.pairs, self.start = question, graph, pairs, start
        self.model, self.run = question.model, question.run
        self.clean, self.corrupt = pairs, pairs + n
        self.kwargs = block_kwargs(self.model, start, question.length)
        tokens = question.length - start
        first = self.run.inputs[0]
        self.lives = first.new_zeros((len(pairs), tokens, graph.n_writers, first.shape[-1]), dtype=torch.float32)
        self.lives[:, :, 0] = (first[self.clean, start:] - first[self.corrupt, start:]).float()

    def metric(self, keep: Tensor, progress: Progress) -> np.ndarray:
        """``[pair]``; ``keep`` is bool ``[position, writer, reader]``."""
        with torch.no_grad():
            for layer in range(self.graph.n_layers):
                progress.check()
                self._heads(layer, keep)
                self._mlp(layer, keep)
            last = self._inputs(keep[-1:], slice(-1, None), self.run.inputs[-1][self.corrupt, -1:])
            return self.question.read_rows(self.pairs, last[:, 0, 0]).float().cpu().numpy()

    def _inputs(self, keep: Tensor, readers: slice, corrupt: Tensor) -> Tensor:
        """Inputs ``[pair, reader, position, d_model]`` of readers of one kind; ``corrupt`` is theirs in that run."""
        before = int(np.flatnonzero(self.graph.edges[:, readers].any(1))[-1]) + 1
        chosen = keep[:, :before, readers].float().transpose(1, 2)  # [position, reader, writer]
        live = self.lives[:, -len(keep) :, :before]
        return (corrupt[:, None].float() + (chosen @ live).transpose(1, 2)).to(corrupt.dtype)

    def _heads(self, layer: int, keep: Tensor) -> None:
        """Live writes of a layer's heads, from the queries, keys and values of every head's own input."""
        step, start = self.run.heads[layer], self.start
        parts = {name: getattr(step, name)[self.corrupt][:, :, start:].clone() for name in HEAD_READERS}
        stream = self.run.inputs[layer][self.corrupt, start:]
        for name, part in parts.items():
            readers = self.graph.readers(layer, name)
            active = keep[:, :, readers].any(0).any(0).nonzero()[:, 0]
            if len(active):
                inputs = self._inputs(keep, readers, stream)[:, active]
                part[:, active] = self._read(layer, name, inputs, active)
        k, v = (torch.cat([getattr(step, name)[self.corrupt][:, :, :start], parts[name]], dim=2) for name in ("k", "v"))
        pattern = scores(parts["q"], k, step.mask[:, :, start:], step.scaling, step.softcap).softmax(-1)
        live = head_writes_of(self.model, layer, mix(pattern, v))
        change = live - head_writes(self.model, self.run, layer)[self.corrupt][:, :, start:]
        self.lives[:, :, self.graph.heads(layer)] = change.transpose(1, 2)

    def _read(self, layer: int, name: str, inputs: Tensor, heads: Tensor) -> Tensor:
        """What each head makes of its input ``[pair, head, position, d_model]``: ``[pair, head, position, d_head]``."""
        rows, tokens = inputs.flatten(0, 1), inputs.shape[2]
        own = heads.repeat(len(inputs))
        alone = AttentionPass(mask=[rows.new_zeros(1, 1, tokens, tokens)] * self.graph.n_layers)
        size = max(1, CPU_CALL // tokens) if rows.device.type == "cpu" else len(rows)
        found = []
        for part, index in zip(rows.split(size), own.split(size)):
            read = getattr(attention_of(self.model, layer, part, self.kwargs[layer], alone), name)
            found.append(read[torch.arange(len(part)), index])
        return torch.cat(found).reshape(len(inputs), len(heads), tokens, -1)

    def _mlp(self, layer: int, keep: Tensor) -> None:
        """The live write of a layer's MLP."""
        readers = self.graph.readers(layer, "mlp")
        if not bool(keep[:, :, readers].any()):
            return  # as in the corrupt run
        stream, factor = self.run.inputs[layer][self.corrupt, self.start :], stream_factor(self.model)
        if not self.graph.parallel:
            stream = stream + factor * self.run.writes["attn_out"][layer][self.corrupt, self.start :]
        inputs = self._inputs(keep, readers, stream)[:, 0]
        live = factor * self._mlp_write(layer, inputs).float()
        corrupt = factor * self.run.writes["mlp_out"][layer][self.corrupt, self.start :].float()
        self.lives[:, :, self.graph.mlp(layer)] = live - corrupt

    def _mlp_write(self, layer: int, x: Tensor) -> Tensor:
        """What the MLP writes for its own input: the block's, with nothing written by its attention."""
        writes: list[Tensor] = []
        watchers: dict[NodeKind, Watcher] = {"attn_out": torch.zeros_like, "mlp_out": lambda w: writes.append(w)}
        mask = [x.new_zeros(1, 1, x.shape[1], x.shape[1])] * self.graph.n_layers
        with attention_pass(AttentionPass(mask=mask)), watched_writes(self.model, watchers, len(x), layer):
            self.model.parts.blocks[layer](x, **self.kwargs[layer])
        return writes[0]
