"""Scores of every edge: an estimate of what patching it alone would do to the metric.

    EAP            Σ (w_donor − w_base) · dm/d(input of the reader)      Syed, Rager, Conmy (2023)
    EAP-IG         the same with the gradient averaged between the runs  Hanna, Pezzelle, Belinkov (2024)
    EAP + QK fix   into queries and keys: the reader's new query or key computed exactly, and the softmax after it;
                   linear from the head's output on. Other edges as EAP.
    EAP-IG + QK fix  both: the softmax exactly, and every gradient averaged between the runs.

w is what a writer adds to the stream at one position. Base and donor are as everywhere: noising starts from the clean
run, denoising from the corrupt one; a score is the estimated change of the metric. EAP-IG moves the embeddings from
the base run towards the donor's in ``steps`` equal steps and starts at the base run; its first step alone is EAP.

Under a saturated softmax the gradient by queries and keys is 0, so EAP cannot see an edge that moves attention; the QK
fix (AtP* paper, section 3.1, there for nodes) does. It holds the other keys and queries as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.circuits.fixed import add_fixed
from core.circuits.graph import Graph
from core.circuits.settings import AVERAGED, FIXED, EdgeMethod
from core.circuits.sweep import LayerGradients, reader_gradients
from core.models.attention import AttentionPass, attention_pass
from core.models.load import LoadedModel
from core.patching.base_run import BaseRun
from core.patching.forward import block_kwargs
from core.patching.question import Question
from core.progress import Progress
from core.readouts.writes import head_writes, mlp_writes

STEPS = 5
HELD = 2**28  # bytes of writes held at once


@dataclass(frozen=True, eq=False)
class EdgeScores:
    """Mean estimate over pairs, float32 ``[position, writer, reader]``; 0 where there is no edge."""

    graph: Graph
    method: EdgeMethod
    values: np.ndarray
    n_pairs: int
    seconds: float

    def summed(self) -> np.ndarray:
        """Over positions, ``[1, writer, reader]``."""
        return self.values.sum(0, keepdims=True)


def edge_scores(
    question: Question, graph: Graph, method: EdgeMethod, *, steps: int = STEPS, progress: Progress | None = None
) -> EdgeScores:
    """Scores of all edges for pairs of equal length; the question must hold ``mlp_out``.

    Progress counts layers: as many as ``score_steps`` says.
    """
    began = time.perf_counter()
    progress = progress or Progress(0)
    n, length, start = len(question.pairs), question.length, min(question.starts)
    total = torch.zeros(length - start, graph.n_writers, graph.n_readers, device=question.model.device)
    for pairs in batches(question, graph):
        changes = write_changes(question, graph, pairs, start)
        by_z: dict[int, Tensor] = {}
        for run, rows, weight in _points(question, pairs, method, steps):
            last = run.inputs[-1][rows]
            top = torch.zeros_like(last[:, start:])
            top[:, -1] = weight * question.gradient(last[:, -1], pairs[0])
            total[:, :, -1:] += _products(changes, top[:, None])
            for found in reader_gradients(question.model, run, rows, start, top, progress):
                _add_layer(graph, found, changes, total, fixed=method in FIXED)
                by_z[found.layer] = by_z.get(found.layer, 0) + found.z
        for layer, gradient in by_z.items() if method in FIXED else ():
            add_fixed(question, graph, pairs, start, layer, gradient, changes, total)
            progress.advance(1)
    values = np.zeros((length, graph.n_writers, graph.n_readers), np.float32)
    values[start:] = total.cpu().numpy() / n
    values *= graph.possible(start, length)
    return EdgeScores(graph, method, values, n, time.perf_counter() - began)


def score_steps(question: Question, graph: Graph, method: EdgeMethod, steps: int = STEPS) -> int:
    """How many steps ``edge_scores`` reports: layers, for each batch of pairs and each sweep over it."""
    sweeps = (steps if method in AVERAGED else 1) + (method in FIXED)
    return len(batches(question, graph)) * graph.n_layers * sweeps


def batches(question: Question, graph: Graph) -> list[list[int]]:
    """The pairs in lists whose writes fit into ``HELD``."""
    one = 4 * graph.n_writers * (question.length - min(question.starts)) * question.model.shape.d_model
    size, every = max(1, HELD // one), list(range(len(question.pairs)))
    return [every[i : i + size] for i in range(0, len(every), size)]


def write_changes(question: Question, graph: Graph, pairs: list[int], start: int) -> Tensor:
    """Donor minus base of every write, float32 ``[position, writer, pair, d_model]``, positions from ``start``."""
    donor, base = [question.donor_rows[i] for i in pairs], [question.base_rows[i] for i in pairs]
    run, model = question.run, question.model
    first = (run.inputs[0][donor, start:] - run.inputs[0][base, start:]).float()
    out = first.new_empty(first.shape[1], graph.n_writers, len(pairs), first.shape[2])
    out[:, 0] = first.transpose(0, 1)
    for layer in range(graph.n_layers):
        heads, mlps = head_writes(model, run, layer)[:, :, start:], mlp_writes(model, run, layer)[:, start:]
        out[:, graph.heads(layer)] = (heads[donor] - heads[base]).permute(2, 1, 0, 3)
        out[:, graph.mlp(layer)] = (mlps[donor] - mlps[base]).transpose(0, 1)
    return out


def _points(
    question: Question, pairs: list[int], method: EdgeMethod, steps: int
) -> Iterator[tuple[BaseRun, Tensor, float]]:
    """Runs at which gradients are taken, the rows of these pairs in them, and the weight of each."""
    base = torch.tensor([question.base_rows[i] for i in pairs])
    donor = torch.tensor([question.donor_rows[i] for i in pairs])
    points = steps if method in AVERAGED else 1
    yield question.run, base, 1 / points
    for point in range(1, points):
        yield between(question.model, question.run, base, donor, point / points), torch.arange(len(pairs)), 1 / points


def between(model: LoadedModel, run: BaseRun, base: Tensor, donor: Tensor, share: float) -> BaseRun:
    """A run from embeddings ``share`` of the way from the base's to the donor's; row i is pair i."""
    out = BaseRun()
    x = run.inputs[0][base] + share * (run.inputs[0][donor] - run.inputs[0][base])
    kwargs = block_kwargs(model, 0, x.shape[1])
    with torch.no_grad(), attention_pass(AttentionPass(mask=run.masks, record=out.heads.append)):
        for block, arguments in zip(model.parts.blocks, kwargs):
            out.inputs.append(x)
            x = block(x, **arguments)
    out.inputs.append(x)
    return out


def _add_layer(graph: Graph, found: LayerGradients, changes: Tensor, total: Tensor, *, fixed: bool) -> None:
    """Linear scores of the edges into one layer; without its queries and keys where those are fixed."""
    layer = found.layer
    heads = [found.v] if fixed else [found.q, found.k, found.v]
    first, last = graph.readers(layer, "v" if fixed else "q").start, graph.readers(layer, "v").stop
    before = graph.before(layer, "q")
    total[:, :before, first:last] += _products(changes[:, :before], torch.cat(heads, dim=1))
    before = graph.before(layer, "mlp")
    total[:, :before, graph.readers(layer, "mlp")] += _products(changes[:, :before], found.mlp[:, None])


def _products(changes: Tensor, gradient: Tensor) -> Tensor:
    """Changes ``[position, writer, pair, d_model]`` times gradients ``[pair, reader, position, d_model]``, summed over
    pairs: ``[position, writer, reader]``."""
    return changes.flatten(2) @ gradient.float().permute(2, 0, 3, 1).flatten(1, 2)
