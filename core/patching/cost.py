"""What each method would cost for this model and these pairs, before it is run.

The unit is a block-token: one token through one block, forward. A backward pass with frozen weights costs as
much as a forward; the wavefront's share comes from its own plan.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.models.attention import AttentionPass, attention_pass
from core.models.load import LoadedModel
from core.patching.donors.fixed import MEANS, start_of
from core.patching.forward import block_kwargs
from core.patching.nodes import by_family
from core.patching.plan import plan
from core.patching.spec import FIRST, SAMPLES, screening
from core.prompts.pairs import TokenPair
from core.terms import CHOICES, Choice, Donor, Method, ModelShape, NodeKind

CALL_SECONDS = 1e-3  # a block call's own cost, whatever its size


@dataclass(frozen=True)
class MethodCost:
    """Expected cost: in forward passes over one pair's clean prompt, and in seconds on this machine."""

    method: Choice
    forwards: float
    seconds: float
    recommended: bool
    why: str


def measure_speed(model: LoadedModel, *, tokens: int = 256) -> float:
    """Block-tokens a second, from one middle block on a batch of single tokens."""
    layer = model.shape.n_layers // 2
    kwargs = block_kwargs(model, 0, 1)[layer]
    x = torch.ones(tokens, 1, model.shape.d_model, device=model.device, dtype=model.dtype)
    mask = [torch.zeros(1, 1, 1, 1, device=model.device)] * model.shape.n_layers
    with torch.no_grad(), attention_pass(AttentionPass(mask=mask)):
        seconds = min(_time_block(model, layer, x, kwargs) for _ in range(3))
    return tokens / seconds


def _time_block(model: LoadedModel, layer: int, x: torch.Tensor, kwargs: dict) -> float:
    began = time.perf_counter()
    model.parts.blocks[layer](x, **kwargs)
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began


def method_costs(
    shape: ModelShape,
    pairs: Sequence[TokenPair],
    nodes: Sequence[NodeKind],
    *,
    speed: float,
    verify: int = FIRST,
    donor: Donor = "corrupt",
) -> tuple[MethodCost, ...]:
    """Expected cost of every method for these nodes, a screen first; the screen is recommended.

    Exact patching of neurons covers only chosen ones, so it is left out of the sum.

    Args:
        speed: ``measure_speed``'s block-tokens a second.
        verify: nodes of each family that a screen verifies.
    """
    one_forward = shape.n_layers * sum(len(pair) for pair in pairs) / max(1, len(pairs))
    costs: dict[Choice, tuple[float, float]] = {}
    for choice in CHOICES:
        method = screening(nodes) if choice == "screen" else choice
        tokens = sum(_block_tokens(method, shape, pair, nodes, donor) for pair in pairs)
        calls = sum(_calls(method, shape, pair, nodes, donor) for pair in pairs)
        if choice == "screen":
            tokens += _verify_tokens(shape, pairs, nodes, verify, donor)
        costs[choice] = tokens / one_forward, tokens / speed + calls * CALL_SECONDS
    why = f"The estimate at once, then its first {verify} nodes exactly, then what can still be missed."
    return tuple(MethodCost(c, *costs[c], c == "screen", why if c == "screen" else "") for c in CHOICES)


def _verify_tokens(
    shape: ModelShape, pairs: Sequence[TokenPair], nodes: Sequence[NodeKind], count: int, donor: Donor
) -> float:
    """Block-tokens to verify the first nodes of each family, as if they lay half-way up, and to bound the others."""
    suffixes = [len(pair) - start_of(pair, donor) for pair in pairs]
    mean = sum(suffixes) / max(1, len(suffixes))
    spent = 0.0
    for kinds in by_family(nodes).values():
        n_nodes = mean * shape.n_layers * sum(map(shape.units, kinds))
        spent += min(count, n_nodes) * sum(suffixes) / 2 * shape.n_layers / 2
        spent += SAMPLES * mean * shape.n_layers if n_nodes > count else 0
    return spent


def _block_tokens(method: Method, shape: ModelShape, pair: TokenPair, nodes: Sequence[NodeKind], donor: Donor) -> float:
    length, start = len(pair), start_of(pair, donor)
    base = (3 if donor in MEANS else 2) * length * shape.n_layers
    if method == "exact":
        kinds = [kind for kind in nodes if kind != "neuron"]
        return base + sum(sweep_tokens(shape, kinds, position, length) for position in range(start, length))
    backwards = (shape.n_layers + 1) / 2 if method in ("atp-graddrop", "atp-star") else 1
    return base + (length - start) * shape.n_layers * (1 + backwards)


def sweep_tokens(shape: ModelShape, kinds: Sequence[NodeKind], position: int, length: int) -> int:
    """Block-tokens of an exact sweep at one position: rows times suffix length over all blocks they climb."""
    suffix = length - position
    rows = [(join, len(join.units)) for join in plan(kinds, shape, position, length)]
    climbing = sum((shape.n_layers - 1 - join.layer + (join.kind == "resid_pre")) * n for join, n in rows)
    entering = sum(n * (suffix if join.kind in ("k", "v") else 1) for join, n in rows if join.kind != "resid_pre")
    return climbing * suffix + entering


def _calls(method: Method, shape: ModelShape, pair: TokenPair, nodes: Sequence[NodeKind], donor: Donor) -> int:
    """Block calls; a batched backward counts as three."""
    if method != "exact":
        return shape.n_layers * 5
    return (len(pair) - start_of(pair, donor)) * shape.n_layers * (1 + len(nodes))
