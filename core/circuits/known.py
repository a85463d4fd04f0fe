"""Transformers built by hand, whose circuits are known by construction: what edge scores are checked against.

Small GPT-2s without norms. A few heads and neurons read and write named directions of the stream and do one task; all
other weights are small random numbers, so that every edge of the model carries something and has some effect. The
true edges are those that carry what differs between the prompts: an edge with which the construction moves only
positions, equal in both, is no part of them.

    induction   A B … A → B. A head of layer 0 writes each token's predecessor beside it; a head of layer 1 looks for
                the place whose predecessor is the current token and copies what stands there.
    inhibition  A B … A → B, the name that is not repeated. A head of layer 0 carries the repeated name to the last
                place; a head of layer 1 looks at names other than that one and copies.
    conjunction x y → x AND y. Two heads of layer 0 carry the bits to the last place, a neuron of layer 0 fires when
                both are there, a neuron of layer 1 turns that into the answer.

Attention is sharp (scores tens apart), as in heads that have learned a rule. There the softmax has no slope, EAP
gives the edges into queries and keys almost nothing, and the QK fix is what finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.circuits.graph import Graph, Reader, Writer
from core.models.load import LoadedModel, wrap
from core.models.toy import toy_hf
from core.prompts.pairs import TokenPair

NOISE = 0.02  # standard deviation of the weights that do nothing
SHARP = 30.0  # score of the key that a head looks for, over all others


@dataclass(frozen=True, eq=False)
class Known:
    """A model, pairs on which its circuit works, and the true edges, bool ``[writer, reader]`` (all positions)."""

    name: str
    model: LoadedModel
    pairs: tuple[TokenPair, ...]
    graph: Graph
    truth: np.ndarray


class _Stream:
    """Named blocks of directions of the residual stream."""

    def __init__(self, **widths: int):
        self.at: dict[str, slice] = {}
        self.width = 0
        for name, width in widths.items():
            self.at[name] = slice(self.width, self.width + width)
            self.width += width


def _noisy(stream: _Stream, *, vocab: int, n_ctx: int, heads: int, layers: int, d_mlp: int, seed: int) -> Any:
    """A model of small random weights (heads as wide as the widest block)."""
    generator = torch.Generator().manual_seed(seed)
    d_head = max(block.stop - block.start for block in stream.at.values())
    width = d_head * heads
    assert width >= stream.width, "the heads together are narrower than the stream"
    hf = toy_hf(vocab_size=vocab, n_ctx=n_ctx, d_model=width, n_heads=heads, n_layers=layers, d_mlp=d_mlp)
    for parameter in hf.parameters():
        if parameter.ndim == 2:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * NOISE)
    return hf


def _head(hf: Any, layer: int, head: int) -> dict[str, torch.Tensor]:
    """Views of a head: what q, k and v read, ``[stream, d_head]``, and what it writes, ``z`` ``[d_head, stream]``;
    cleared."""
    attention, config = hf.transformer.h[layer].attn, hf.config
    width = config.n_embd // config.n_head
    own = slice(head * width, (head + 1) * width)
    views = {kind: part[:, own] for kind, part in zip("qkv", attention.c_attn.weight.split(config.n_embd, dim=1))}
    views["z"] = attention.c_proj.weight[own]
    for view in views.values():
        view.zero_()
    return views


def _copy(view: torch.Tensor, rows: slice, columns: slice, strength: float = 1.0) -> None:
    """Identity between two blocks of the same width."""
    view[rows, columns] = strength * torch.eye(rows.stop - rows.start, columns.stop - columns.start)


def _score(hf: Any) -> float:
    """Strength of each side of a match so that its score is ``SHARP``."""
    return float((SHARP * (hf.config.n_embd // hf.config.n_head) ** 0.5) ** 0.5)


def induction(seed: int = 0) -> Known:
    """A B … A → B."""
    letters, length = 8, 8
    stream = _Stream(token=letters, place=length, before=letters, answer=letters)
    hf = _noisy(stream, vocab=letters, n_ctx=length, heads=4, layers=2, d_mlp=8, seed=seed)
    at, sharp = stream.at, _score(hf)
    first = slice(0, letters)
    _copy(hf.transformer.wte.weight, first, at["token"])
    _copy(hf.transformer.wpe.weight, slice(0, length), at["place"])
    before = _head(hf, 0, 1)
    before["q"][at["place"]] = sharp * torch.eye(length).roll(-1, 1)  # place t asks for place t - 1
    before["k"][at["place"]] = sharp * torch.eye(length)
    _copy(before["v"], at["token"], first)
    _copy(before["z"], first, at["before"])
    copier = _head(hf, 1, 2)
    _copy(copier["q"], at["token"], first, sharp)
    _copy(copier["k"], at["before"], first, sharp)
    _copy(copier["v"], at["token"], first)
    _copy(copier["z"], first, at["answer"])
    _copy(hf.lm_head.weight, first, at["answer"], 10.0)
    pairs = [_induction_pair(np.random.default_rng(row + 1000 * seed), row, letters, length) for row in range(24)]
    edges = (
        (Writer("embed", -1), Reader("v", 0, 1)),
        (Writer("head", 0, 1), Reader("k", 1, 2)),
        (Writer("embed", -1), Reader("q", 1, 2)),
        (Writer("embed", -1), Reader("v", 1, 2)),
        (Writer("head", 1, 2), Reader("logits", 2)),
    )
    return _known("induction", hf, pairs, edges)


def _induction_pair(rng: np.random.Generator, row: int, letters: int, length: int) -> TokenPair:
    """Distinct letters, then the first again; the corrupt prompt is another such prompt."""
    clean, corrupt = rng.permutation(letters)[: length - 1], rng.permutation(letters)[: length - 1]
    ask, other = rng.integers(1, length - 2), rng.integers(1, length - 2)  # the first place has no predecessor
    while corrupt[other + 1] == clean[ask + 1]:
        corrupt = rng.permutation(letters)[: length - 1]
    answers = int(clean[ask + 1]), int(corrupt[other + 1])
    return _pair(row, [*clean, clean[ask]], [*corrupt, corrupt[other]], *answers)


def inhibition(seed: int = 0) -> Known:
    """… A B … A END → B."""
    names, length = 8, 7
    stream = _Stream(token=names, place=length, inhibit=names, answer=names)
    hf = _noisy(stream, vocab=names + 1, n_ctx=length, heads=4, layers=2, d_mlp=8, seed=seed)
    at, sharp, first = stream.at, _score(hf), slice(0, names)
    _copy(hf.transformer.wte.weight, first, at["token"])
    _copy(hf.transformer.wpe.weight, slice(0, length), at["place"])
    here = at["place"].start
    carrier = _head(hf, 0, 3)  # the last place looks at the repeated name's and carries the name over
    carrier["q"][here + length - 1, 0] = carrier["k"][here + length - 2, 0] = sharp
    _copy(carrier["v"], at["token"], first)
    _copy(carrier["z"], first, at["inhibit"])
    mover = _head(hf, 1, 1)  # it looks at names, but not at that one, and copies
    mover["q"][here + length - 1, first] = sharp
    _copy(mover["q"], at["inhibit"], first, -2 * sharp)
    _copy(mover["k"], at["token"], first, sharp)
    _copy(mover["v"], at["token"], first)
    _copy(mover["z"], first, at["answer"])
    _copy(hf.lm_head.weight, first, at["answer"], 10.0)
    pairs = [_names_pair(np.random.default_rng(row + 1000 * seed), row, names) for row in range(24)]
    edges = (
        (Writer("embed", -1), Reader("v", 0, 3)),
        (Writer("head", 0, 3), Reader("q", 1, 1)),
        (Writer("embed", -1), Reader("k", 1, 1)),
        (Writer("embed", -1), Reader("v", 1, 1)),
        (Writer("head", 1, 1), Reader("logits", 2)),
    )
    return _known("inhibition", hf, pairs, edges)


def _names_pair(rng: np.random.Generator, row: int, names: int) -> TokenPair:
    """Filler, two names, two fillers, one of the names, END; the corrupt prompt has two other names."""
    four, filler = rng.permutation(names)[:4], names
    repeated = rng.integers(0, 2)
    clean, corrupt = ([filler, *two, filler, filler, two[repeated], filler] for two in (four[:2], four[2:]))
    return _pair(row, clean, corrupt, int(four[1 - repeated]), int(four[3 - repeated]))


def conjunction(seed: int = 0) -> Known:
    """x y END → x AND y."""
    length, zero, one, filler = 4, 0, 1, 2
    stream = _Stream(bit=1, place=length, left=1, right=1, both=1, answer=1)
    hf = _noisy(stream, vocab=3, n_ctx=length, heads=3, layers=2, d_mlp=8, seed=seed)
    at, sharp = stream.at, _score(hf)
    hf.transformer.wte.weight[one, at["bit"]] = 1
    _copy(hf.transformer.wpe.weight, slice(0, length), at["place"])
    here = at["place"].start
    for head, place, block in ((0, 0, "left"), (2, 1, "right")):
        carrier = _head(hf, 0, head)
        carrier["q"][here + length - 1, 0] = carrier["k"][here + place, 0] = sharp
        carrier["v"][at["bit"], 0] = 1
        carrier["z"][0, at[block]] = 1
    gate, reader = (hf.transformer.h[layer].mlp for layer in (0, 1))
    gate.c_fc.weight[:, 3], gate.c_fc.bias[3] = 0, -1
    gate.c_fc.weight[at["left"], 3] = gate.c_fc.weight[at["right"], 3] = 1  # fires when both are there
    gate.c_proj.weight[3], reader.c_proj.weight[5], reader.c_fc.weight[:, 5] = 0, 0, 0
    gate.c_proj.weight[3, at["both"]] = reader.c_fc.weight[at["both"], 5] = reader.c_proj.weight[5, at["answer"]] = 1
    hf.lm_head.weight[one, at["answer"]] = 10
    pairs = [
        _pair(row, [one, one, filler, filler], [*bits, filler, filler], one, zero)
        for row, bits in enumerate(((one, zero), (zero, one), (zero, zero)))
    ]
    edges = (
        (Writer("embed", -1), Reader("v", 0, 0)),
        (Writer("embed", -1), Reader("v", 0, 2)),
        (Writer("head", 0, 0), Reader("mlp", 0)),
        (Writer("head", 0, 2), Reader("mlp", 0)),
        (Writer("mlp", 0), Reader("mlp", 1)),
        (Writer("mlp", 1), Reader("logits", 2)),
    )
    return _known("conjunction", hf, pairs, edges)


KNOWN: dict[str, Callable[[int], Known]] = {
    "induction": induction,
    "inhibition": inhibition,
    "conjunction": conjunction,
}


def _pair(row: int, clean: Sequence[int], corrupt: Sequence[int], answer: int, distractor: int) -> TokenPair:
    def texts(ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(f" {i}" for i in ids)

    return TokenPair(
        row=row,
        name="",
        clean_ids=tuple(map(int, clean)),
        corrupt_ids=tuple(map(int, corrupt)),
        clean_tokens=texts(clean),
        corrupt_tokens=texts(corrupt),
        answer_id=answer,
        distractor_id=distractor,
        answer=f" {answer}",
        distractor=f" {distractor}",
    )


def _known(name: str, hf: Any, pairs: list[TokenPair], edges: tuple[tuple[Writer, Reader], ...]) -> Known:
    model = wrap(hf, None, model_id=f"known-{name}")
    graph = Graph.of(model.shape, parallel=False)
    truth = np.zeros_like(graph.edges)
    for writer, reader in edges:
        truth[graph.writer_index(writer), graph.reader_index(reader)] = True
    return Known(name, model, tuple(pairs), graph, truth)


def auroc(scores: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve of magnitudes: how likely a true edge stands before another; ties count half."""
    ranks = pd.Series(np.abs(scores)).rank().to_numpy()
    n = int(truth.sum())
    return float((ranks[truth].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))
