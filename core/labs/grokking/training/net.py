"""The network of the grokking papers, with the weights of many runs side by side.

One transformer block without norms reads the four tokens ``x op y =`` and answers at the last: learned positions,
causal attention, a ReLU MLP, embedding and unembedding apart (Nanda et al. 2023, Varma et al. 2023).

Only the last position has to be computed, and with one block its query is the same for every example: keys and values
depend on a token and its place alone. So they are computed once a token, for the 2 p + 2 cases that exist (x, y, the
operation, the equals sign), and looked up for each example. This is exact, and saves three quarters of the work.

All weights of a run lie in one vector; ``views`` names its parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.labs.grokking.training.sizes import POSITIONS, Net

INPUTS = ("embed", "pos")
Weights = dict[str, Tensor]


def views(net: Net, flat: Tensor) -> Weights:
    """The weights by name, each [run, ...] and a view of ``flat`` [run, size]."""
    parts = flat.split([math.prod(shape) for shape in net.shapes.values()], dim=1)
    return {name: part.unflatten(1, shape) for (name, shape), part in zip(net.shapes.items(), parts)}


def start_weights(net: Net, seeds: Iterable[int], *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Fresh weights [run, size], each run from its own seed.

    Normal of variance 1 / d_model, the unembedding 1 / p, biases 0, as in Nanda et al.'s code.
    """
    rows = []
    for seed in seeds:
        draw = torch.Generator().manual_seed(seed)
        row = torch.zeros(1, net.size)
        for name, part in views(net, row).items():
            if not name.startswith("b_"):
                part.normal_(0.0, (net.p if name == "unembed" else net.d_model) ** -0.5, generator=draw)
        rows.append(row)
    return torch.cat(rows).to(dtype)


def token_table(weights: Weights) -> Tensor:
    """What enters the block for each case [run, 2 p + 2, d_model]: p as x, p as y, the operation, the equals sign."""
    embed, pos = (weights[name] for name in INPUTS)
    symbols, operation, equals = embed.split([embed.shape[1] - 2, 1, 1], dim=1)
    places = pos.split(1, dim=1)
    return torch.cat([symbols + places[0], symbols + places[2], operation + places[1], equals + places[3]], dim=1)


def logits(net: Net, flat: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Answers' logits [run, example, p].

    Args:
        flat: weights [run, size].
        x, y: symbols [example], the same for every run, or [run, example].
    """
    weights = views(net, flat)
    mlp, stream = _hidden(net, weights, x, y)
    stream = stream + torch.baddbmm(weights["b_out"][:, None], mlp, weights["w_out"])
    return torch.bmm(stream, weights["unembed"])


def neurons(net: Net, flat: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Activations of the MLP [run, example, d_mlp], after the ReLU; arguments as for ``logits``."""
    return _hidden(net, views(net, flat), x, y)[0]


def attention(net: Net, flat: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """What the last token attends to [run, example, 4 cases (x, y, operation, equals), head]."""
    return _attend(net, views(net, flat), x, y)[0]


def _hidden(net: Net, weights: Weights, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The MLP's neurons, and the stream that they read."""
    pattern, values, last = _attend(net, weights, x, y)
    heads = (pattern[..., None] * values.unflatten(-1, (net.n_heads, -1))).sum(2).flatten(-2)
    stream = torch.baddbmm(last, heads, weights["o"])
    return F.relu(torch.baddbmm(weights["b_in"][:, None], stream, weights["w_in"])), stream


def _attend(net: Net, weights: Weights, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pattern [run, example, 4, head], values [run, example, 4, d_model], and the last token's input [run, 1, d]."""
    table = token_table(weights)
    runs, n = table.shape[0], x.shape[-1]
    last = table[:, -1:]
    query = torch.bmm(last, weights["q"]).view(runs, 1, net.n_heads, -1)
    keys = torch.bmm(table, weights["k"]).unflatten(-1, (net.n_heads, -1))
    scores = (keys * query).sum(-1) * net.d_head**-0.5  # [run, case, head]
    constant = torch.full_like(x, 2 * net.p)
    cases = torch.stack([x, y + net.p, constant, constant + 1], dim=-1).expand(runs, n, POSITIONS)
    rows = torch.arange(runs, device=x.device)[:, None, None]
    values = torch.bmm(table, weights["v"])
    return scores[rows, cases].softmax(2), values[rows, cases], last
