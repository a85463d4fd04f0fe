"""Cross-entropy that stays exact when the network is nearly sure.

A grokked network gives the right answer a probability of 1 minus 1e-8 and less. In float32, ``1 - p`` is then 0 or a
multiple of 1.2e-7: the loss moves in jumps, gradients vanish or fire, and training shows spikes that are rounding, not
learning. Others use float64 for the softmax. Here the logits are shifted by the *right* one instead of the largest:

    e_c = exp(logit_c - logit_right),   S = sum of e_c over the wrong answers
    loss = log(1 + S),   d loss / d logit_c = e_c / (1 + S),   d loss / d logit_right = -S / (1 + S)

No two near-equal numbers are ever subtracted, so float32 keeps seven digits of a loss of 1e-30. A difference above
``CEILING`` counts as that, lest the exponential overflow; a loss so large does not occur in training.
"""

from __future__ import annotations

import torch
from torch import Tensor

CEILING = 80.0


def odds(logits: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """``e`` with 0 at the right answer, written over ``logits``, and ``S``.

    Args:
        logits: [..., class]; destroyed.
        answer: int64 [..., 1].

    Returns:
        e: [..., class], the memory of ``logits``.
        S: [..., 1].
    """
    right = logits.gather(-1, answer)
    e = logits.sub_(right).clamp_(max=CEILING).exp_().scatter_(-1, answer, 0.0)
    return e, e.sum(-1, keepdim=True)


def cross_entropy(logits: Tensor, answer: Tensor) -> Tensor:
    """Loss [...] of logits [..., class] and answers int64 [...]; nothing is changed."""
    return torch.log1p(odds(logits.clone(), answer[..., None])[1])[..., 0]
