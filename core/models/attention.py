"""The one attention function of every loaded model, and the place where the engine reads and edits heads.

Transformers hands each attention module's query, key and value, exactly as they enter the dot product (after
rotary embedding and q/k-norm, key and value with the model's own kv heads), to a registered function. Ours
computes ordinary attention; inside ``attention_pass`` it can also continue from the keys and values of
earlier positions, record what passes through, and replace single heads.

Shapes: query and z ``[batch, head, position, d_head]``, key and value ``[batch, kv_head, position, d_head]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from core.errors import ModelError

NAME = "circuitarium"


@dataclass(frozen=True)
class AttentionStep:
    """What one attention module computed in one forward; ``mask`` is additive, ``[1, 1, position, key]``."""

    layer: int
    q: Tensor
    k: Tensor
    v: Tensor
    z: Tensor
    mask: Tensor
    scaling: float
    softcap: float | None


@dataclass
class AttentionPass:
    """How attention departs from an ordinary forward.

    Attributes:
        prefix: per layer, key and value of all earlier positions (batch 1 or the batch of the forward).
        mask: per layer, the additive mask rows of the positions that are run; None: the model's own mask.
        edits: replacement of q, k, v (positions that are run) or z, applied as ``edit(tensor) -> tensor``.
        record: called with each layer's ``AttentionStep``.
    """

    prefix: Sequence[tuple[Tensor, Tensor]] | None = None
    mask: Sequence[Tensor] | None = None
    edits: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    record: Callable[[AttentionStep], None] | None = None


_current: ContextVar[AttentionPass | None] = ContextVar("attention_pass", default=None)


@contextmanager
def attention_pass(run: AttentionPass) -> Iterator[None]:
    """Apply ``run`` to every forward inside the block."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)


def scores(q: Tensor, k: Tensor, mask: Tensor, scaling: float, softcap: float | None) -> Tensor:
    """Masked attention scores ``[batch, head, query, key]`` in float32, kv heads shared by their group of heads."""
    batch, n_heads, n_query, d_head = q.shape
    n_kv, n_key = k.shape[1:3]
    grouped = q.reshape(batch, n_kv, (n_heads // n_kv) * n_query, d_head)  # a group of heads as more queries
    raw = (grouped.float() @ k.float().transpose(-1, -2)).reshape(batch, n_heads, n_query, n_key) * scaling
    if softcap is not None:
        raw = softcap * torch.tanh(raw / softcap)
    return raw + mask.float()


def mix(pattern: Tensor, v: Tensor) -> Tensor:
    """Head outputs z: ``pattern @ v`` with shared kv heads; inverse grouping of ``scores``."""
    batch, n_heads, n_query, n_key = pattern.shape
    n_kv, d_head = v.shape[1], v.shape[3]
    grouped = pattern.reshape(batch, n_kv, (n_heads // n_kv) * n_query, n_key)
    return (grouped.to(v.dtype) @ v).reshape(batch, n_heads, n_query, d_head)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scaling: float, softcap: float | None) -> Tensor:
    if torch.is_grad_enabled() or softcap is not None or mask.shape[:2] != (1, 1):
        return mix(torch.softmax(scores(q, k, mask, scaling, softcap), dim=-1), v)
    return _attend_fused(q, k, v, mask, scaling)


def _attend_fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scaling: float) -> Tensor:
    """The same for many short rows: one fused product per kv head, keys before queries, because a softmax over
    a short last axis does not vectorise."""
    batch, n_heads, n_query, d_head = q.shape
    n_kv, n_key = k.shape[1:3]
    group = n_heads // n_kv
    queries = q.reshape(batch * n_kv, group * n_query, d_head).float()
    keys = k.reshape(batch * n_kv, n_key, d_head).float()
    tiled = mask[0].float().transpose(-1, -2).repeat(1, 1, group)  # [1, key, group * query]
    score = torch.baddbmm(tiled, keys, queries.transpose(-1, -2), alpha=scaling)
    pattern = score.softmax(-2).to(v.dtype)
    z = torch.bmm(pattern.transpose(-1, -2), v.reshape(batch * n_kv, n_key, d_head))
    return z.reshape(batch, n_heads, n_query, d_head)


def _forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    if s_aux is not None:
        raise ModelError(f"{type(module).__name__} uses attention sinks, which the engine does not support.")
    run = _current.get() or AttentionPass()
    layer: int = module.layer_idx  # type: ignore[assignment]
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    q, k, v = (run.edits.get(name, _same)(x) for name, x in (("q", query), ("k", key), ("v", value)))
    if run.prefix is not None:
        earlier_k, earlier_v = run.prefix[layer]
        k, v = _after(earlier_k, k), _after(earlier_v, v)
    mask = run.mask[layer] if run.mask is not None else attention_mask
    if mask is None:
        mask = torch.zeros(1, 1, q.shape[2], k.shape[2], dtype=q.dtype, device=q.device)
    z = _attend(q, k, v, mask, scaling, softcap)
    z = run.edits.get("z", _same)(z)
    if run.record is not None:
        run.record(AttentionStep(layer, q, k, v, z, mask[:1], scaling, softcap))
    return z.transpose(1, 2), None


def _same(x: Tensor) -> Tensor:
    return x


def _after(earlier: Tensor, new: Tensor) -> Tensor:
    return torch.cat([earlier.expand(new.shape[0], -1, -1, -1), new], dim=2)


def register() -> None:
    """Make the function known to transformers under ``NAME``; masks are additive and always materialised."""
    AttentionInterface.register(NAME, _forward)
    AttentionMaskInterface.register(NAME, eager_mask)
