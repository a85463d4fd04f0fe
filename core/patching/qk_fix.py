"""The QK fix of AtP* (paper, eq. 6-10): softmax recomputed exactly for a changed query or key.

All formulas are linear only after the softmax. With g the gradient of the metric by head outputs z, and
w_s = g . v_s the gain of looking at key s:

    query at position i:  I = sum_s (a'_s - a_s) w_s,  a' the row of the donor's query over the base's keys
    key at position t:    I = sum_i (p' - p) (w_t - w_rest),  over all queries i >= t

where p is the attention to key t before and p' after its score moved by delta, and w_rest the mean of w under
the attention to all other keys. Only one score moves, so p' = sigmoid(logit(p) + delta). Where key t holds
almost all attention, 1 - p has lost the other keys to rounding; for each row's strongest key both log(1 - p)
and w_rest are therefore computed from the scores without it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.attention import AttentionStep, scores


def _group_sum(x: Tensor, n_kv: int) -> Tensor:
    """Sum over the query heads that share a kv head: ``[..., head, position] -> [..., kv_head, position]``."""
    *lead, n_heads, n = x.shape
    return x.reshape(*lead, n_kv, n_heads // n_kv, n).sum(-2)


def _per_head(x: Tensor, n_heads: int) -> Tensor:
    """Repeat kv heads for the query heads that share them."""
    return x.repeat_interleave(n_heads // x.shape[1], dim=1)


def _gain(step: AttentionStep, base: Tensor, gradient: Tensor) -> Tensor:
    """w = g . v: ``[cotangent, pair, head, query, key]`` in float32."""
    v = _per_head(step.v[base], step.q.shape[1]).float()
    return gradient.float() @ v.transpose(-1, -2)


def _scores(step: AttentionStep, q: Tensor, k: Tensor, start: int) -> Tensor:
    return scores(q, k, step.mask[:, :, start:], step.scaling, step.softcap)


def fixed_query_effect(
    step: AttentionStep, donors: AttentionStep, base: Tensor, donor: Tensor, start: int, gradient: Tensor
) -> Tensor:
    """Estimated effect of every query from ``start`` on.

    Args:
        step, donors: the layer's heads in the base runs and in the donors (often the same); ``base`` and ``donor`` are
            rows of them.
        gradient: of the metric by z, ``[cotangent, pair, head, position, d_head]``, suffix positions.

    Returns:
        ``[cotangent, pair, head, position]``.
    """
    k = step.k[base]
    before = _scores(step, step.q[base, :, start:], k, start).softmax(-1)
    after = _scores(step, donors.q[donor, :, start:], k, start).softmax(-1)
    return ((after - before) * _gain(step, base, gradient)).sum(-1)


def fixed_key_effect(
    step: AttentionStep, donors: AttentionStep, base: Tensor, donor: Tensor, start: int, gradient: Tensor
) -> Tensor:
    """Estimated effect of every key from ``start`` on, summed over queries and over the heads that share it.

    Arguments as in ``fixed_query_effect``; returns ``[cotangent, pair, kv_head, position]``.
    """
    n_heads, n_kv = step.q.shape[1], step.k.shape[1]
    q = step.q[base, :, start:]
    score = _scores(step, q, step.k[base], start)  # [pair, head, query, key]
    delta = _scores(step, q, donors.k[donor], start) - score
    log_odds, others, strongest = _log_odds(score)
    change = _probability_change(log_odds, delta)
    gain = _gain(step, base, gradient)
    effect = change * (gain - _gain_of_the_rest(score, gain, others, strongest))
    visible = (step.mask[:, :, start:] == 0).expand_as(score)
    alone = visible.sum(-1, keepdim=True) < 2  # one visible key keeps all the attention
    effect = effect.masked_fill(~visible | alone, 0)
    return _group_sum(effect.sum(-2)[..., start:], n_kv) if n_kv != n_heads else effect.sum(-2)[..., start:]


def _log_odds(score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log-odds of attention to each key; scores without each row's strongest key; and that key's mask."""
    strongest = torch.zeros_like(score, dtype=torch.bool).scatter_(-1, score.argmax(-1, keepdim=True), True)
    others = score.masked_fill(strongest, -torch.inf)
    rest_of_strongest = others.logsumexp(-1, keepdim=True)
    log_p = score.log_softmax(-1)
    weak = log_p - torch.log1p(-log_p.exp().clamp(max=0.5))  # p <= 1/2 for all but the strongest key
    return torch.where(strongest, score - rest_of_strongest, weak), others, strongest


def _probability_change(log_odds: Tensor, delta: Tensor) -> Tensor:
    """sigmoid(log_odds + delta) - sigmoid(log_odds), from whichever tail is small."""
    after = log_odds + delta
    upper = torch.sigmoid(-log_odds) - torch.sigmoid(-after)
    return torch.where((log_odds > 0) & (after > 0), upper, torch.sigmoid(after) - torch.sigmoid(log_odds))


def _gain_of_the_rest(score: Tensor, gain: Tensor, others: Tensor, strongest: Tensor) -> Tensor:
    """Mean gain under the attention to all keys but one, for each key left out."""
    p = score.softmax(-1)
    weak = p.masked_fill(strongest, 0)
    total = (p * gain).sum(-1, keepdim=True)
    without_weak = (total - weak * gain) / (1 - weak)
    without_strongest = (others.softmax(-1).nan_to_num() * gain).sum(-1, keepdim=True)
    return torch.where(strongest, without_strongest, without_weak)
