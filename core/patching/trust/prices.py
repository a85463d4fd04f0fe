"""The price list: what each method spends, in forward passes over one prompt.

    one exact patch of a node or of a subset, in one pair      1
    a backward pass                                            2  (BACKWARD)
    AtP: clean run, corrupt run, one backward pass             4  a pair
    QK fix, where there are queries or keys                   +2  (the paper: less than 2 forward passes)
    GradDrop: (L + 1)/2 backward passes in place of one       +2 (L + 1)/2 - 2

Exact patching and the rivals are not charged for the unpatched runs that donate activations; AtP is. Real sweeps
are cheaper than this list (they start at the patched node), for every method alike, so that the list compares methods
and not implementations.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.terms import Method, NodeKind

FORWARD = 1.0
BACKWARD = 2.0
QK_FIX = 2.0


def estimate_price(method: Method, n_layers: int, kinds: Sequence[NodeKind]) -> float:
    """Forward passes that an estimate of all nodes of these kinds costs, for one pair."""
    price = 2 * FORWARD + BACKWARD
    if method in ("atp-qk", "atp-star") and {"q", "k"} & set(kinds):
        price += QK_FIX
    if method in ("atp-graddrop", "atp-star"):
        price += BACKWARD * (n_layers + 1) / 2 - BACKWARD
    return price
