"""What a changed query or key does to one row of attention: really, and as the gradient sees it.

AtP follows the tangent of the softmax. Where one key holds all the attention the tangent is flat, and AtP sees nothing
of a change that moves the attention elsewhere; the QK fix recomputes the row (see ``qk_fix``).
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.attention import scores
from core.patching.missed.findings import AttentionRow
from core.patching.place import Node
from core.patching.question import Question


def attention_rows(question: Question, node: Node, gradient: Tensor, pair: int = 0) -> list[AttentionRow]:
    """Every row that a query or key node changes; their effects sum to the node's QK-fixed and plain estimate.

    Args:
        node: of kind q or k, with unit and position.
        gradient: of the metric by z of the node's layer, ``[head, position, d_head]``, the last positions of the
            prompt down to the node's at least.
    """
    step, donors = question.run.heads[node.layer], question.donors.heads[node.layer]
    unit, t = int(node.unit or 0), int(node.position or 0)
    base, donor = question.base_rows[pair], question.donor_rows[pair]
    group = step.q.shape[1] // step.k.shape[1]
    kv, heads = (unit // group, [unit]) if node.kind == "q" else (unit, list(range(unit * group, (unit + 1) * group)))
    stop = t + 1 if node.kind == "q" else question.length
    q, k = step.q[base : base + 1, heads, t:stop].float(), step.k[base : base + 1, kv : kv + 1].float()
    if node.kind == "q":
        own, other = q, donors.q[donor : donor + 1, heads, t:stop].float()
    else:
        own, other = k, k.clone()
        other[:, :, t] = donors.k[donor, kv, t].float()

    def rows(changed: Tensor) -> Tensor:
        with_it = (changed, k) if node.kind == "q" else (q, changed)
        return scores(*with_it, step.mask[:, :, t:stop], step.scaling, step.softcap).softmax(-1)[0]

    before, tangent = torch.func.jvp(rows, (own,), (other - own,))[:2]
    after = rows(other)
    end = gradient.shape[1] - (question.length - stop)
    gain = gradient[heads, end - (stop - t) : end].float() @ step.v[base, kv].float().T  # [head, query, key]
    return [
        AttentionRow(
            head=head,
            query=t + i,
            before=_plain(before[h, i, : t + i + 1]),
            after=_plain(after[h, i, : t + i + 1]),
            tangent=_plain((before + tangent)[h, i, : t + i + 1]),
            effect_after=float(((after - before)[h, i] * gain[h, i]).sum()),
            effect_tangent=float((tangent[h, i] * gain[h, i]).sum()),
        )
        for h, head in enumerate(heads)
        for i in range(stop - t)
    ]


def _plain(row: Tensor) -> tuple[float, ...]:
    return tuple(row.tolist())
