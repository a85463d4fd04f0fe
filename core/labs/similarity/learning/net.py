"""Multi-layer perceptrons of many runs side by side: a run's weights lie in one vector, runs in a leading dimension.

A step of small networks spends its time on starting operations, not on arithmetic; one batched product serves all runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Net:
    """A perceptron with SiLUs between its layers; with ReLUs some seeds lose a part of their small networks for good.

    Attributes:
        widths: of the input, the hidden layers and the output.
    """

    widths: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many weights and biases a run has."""
        return sum((before + 1) * after for before, after in pairwise(self.widths))

    def start(self, seeds: Iterable[int], *, dtype: torch.dtype = torch.float32) -> Tensor:
        """Fresh weights [run, size], each run from its own seed: uniform within 1 / sqrt(inputs of the layer)."""
        rows = []
        for seed in seeds:
            draw = torch.Generator().manual_seed(seed)
            layers = [
                (torch.rand((before + 1) * after, generator=draw, dtype=torch.float64) * 2 - 1) * before**-0.5
                for before, after in pairwise(self.widths)
            ]
            rows.append(torch.cat(layers))
        return torch.stack(rows).to(dtype)

    def __call__(self, flat: Tensor, x: Tensor) -> Tensor:
        """Outputs [run, row, out].

        Args:
            flat: weights [run, size].
            x: inputs [run, row, in], or [row, in], the same for every run.
        """
        x = x.expand(len(flat), *x.shape) if x.ndim == 2 else x
        parts = flat.split([(before + 1) * after for before, after in pairwise(self.widths)], dim=1)
        for i, (part, before, after) in enumerate(zip(parts, self.widths, self.widths[1:])):
            weight, bias = part.split([before * after, after], dim=1)
            x = torch.baddbmm(bias[:, None], x, weight.unflatten(1, (before, after)))
            if i < len(parts) - 1:
                x = F.silu(x)
        return x


def rows(table: Tensor, numbers: Tensor) -> Tensor:
    """``table[numbers]``, [..., column], four times as fast where rows are long."""
    return table.index_select(0, numbers.flatten()).unflatten(0, numbers.shape)
