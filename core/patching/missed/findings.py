"""What was found where plain AtP misses nodes of a pair (see ``failures``): plain data, read without the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from core.patching.place import Node

Repair = Literal["atp-qk", "atp-graddrop"]
REPAIRS: tuple[Repair, ...] = get_args(Repair)


@dataclass(frozen=True)
class AttentionRow:
    """One row of one head's attention over keys 0 .. ``query``.

    Attributes:
        before: in the base run; after: with the donor's query or key in place; tangent: as the gradient has it (it
            may leave 0 .. 1).
        effect_after, effect_tangent: what either change of the row is worth, linear from there on, in the metric's
            units.
    """

    head: int
    query: int
    before: tuple[float, ...]
    after: tuple[float, ...]
    tangent: tuple[float, ...]
    effect_after: float
    effect_tangent: float


@dataclass(frozen=True)
class Parts:
    """Exact parts, in the metric's units; ``through[i]`` is what passes through block ``layers[i]``.

    ``direct`` holds all later writes still; it includes the reaction of the node's own block.
    """

    total: float
    direct: float
    layers: tuple[int, ...]
    through: tuple[float, ...]


@dataclass(frozen=True)
class Candidate:
    """One node that a repair ranks far higher than AtP.

    Attributes:
        score, rank: by each AtP method, over all attention nodes; rank 1 is the largest.
        exact: signed effect of really patching it.
        row: for queries and keys, the row of attention in which the tangent errs most.
        parts: of the exact effect; ``estimated`` are the same parts by the gradient (I - I_l), QK-fixed.
    """

    node: Node
    repair: Repair
    score: dict[str, float]
    rank: dict[str, int]
    exact: float
    row: AttentionRow | None
    parts: Parts
    estimated: tuple[float, ...]

    @property
    def rescued(self) -> bool:
        """Whether the repair is nearer to the exact magnitude than plain AtP."""
        truth = abs(self.exact)
        return abs(self.score[self.repair] - truth) < abs(self.score["atp"] - truth)


@dataclass(frozen=True)
class Failures:
    """All candidates of one pair, by repair, those raised most first. ``tokens`` are the base run's, ``donor`` the
    other's."""

    n_nodes: int
    tokens: tuple[str, ...]
    donor: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    def of(self, repair: Repair) -> tuple[Candidate, ...]:
        """The candidates of one repair."""
        return tuple(c for c in self.candidates if c.repair == repair)

    def table(self, repair: Repair) -> pd.DataFrame:
        """One row a candidate of a repair: node, layer, head, position, token, magnitudes, ranks, rescued."""
        rows = [
            {
                "node": c.node.kind,
                "layer": c.node.layer,
                "head": c.node.unit,
                "position": c.node.position,
                "token": self.tokens[c.node.position or 0],
                "exact": abs(c.exact),
                "atp": c.score["atp"],
                "repaired": c.score[repair],
                "atp_rank": c.rank["atp"],
                "repaired_rank": c.rank[repair],
                "atp_star_rank": c.rank["atp-star"],
                "rescued": c.rescued,
            }
            for c in self.of(repair)
        ]
        return pd.DataFrame(rows)
