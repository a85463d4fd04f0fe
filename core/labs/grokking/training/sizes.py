"""Sizes of the network: its tokens, its widths, the shapes of its weights. No torch, so that pages can read it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.errors import SpecError

POSITIONS = 4


@dataclass(frozen=True)
class Net:
    """Sizes. ``p`` symbols and as many answers; two more tokens stand for the operation and the equals sign."""

    p: int
    d_model: int = 128
    n_heads: int = 4
    d_mlp: int = 512

    def __post_init__(self) -> None:
        if min(self.d_model, self.n_heads, self.d_mlp) < 1 or self.d_model % self.n_heads:
            raise SpecError(
                f"A width of {self.d_model} cannot be parted among {self.n_heads} heads, or a size is below 1.",
                where="net",
                next_step="Make the width a multiple of the number of heads.",
            )

    @property
    def d_head(self) -> int:
        return self.d_model // self.n_heads

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights of one run, in the order in which they lie."""
        d, m = self.d_model, self.d_mlp
        return {
            "embed": (self.p + 2, d),
            "pos": (POSITIONS, d),
            "q": (d, d),
            "k": (d, d),
            "v": (d, d),
            "o": (d, d),
            "w_in": (d, m),
            "b_in": (m,),
            "w_out": (m, d),
            "b_out": (d,),
            "unembed": (d, self.p),
        }

    @property
    def size(self) -> int:
        """Number of weights of one run."""
        return sum(math.prod(shape) for shape in self.shapes.values())
