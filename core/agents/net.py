"""The network of an agent: a perceptron with a dueling end, the weights of many runs side by side.

Two layers of ReLUs read what the agent sees; the last one gives an advantage A(s, a) of every action and a value V(s):

    Q(s, a) = V(s) + A(s, a) - mean over actions of A(s, .)                                  (Wang et al. 2016, eq. 9)

A run's weights lie in one vector, runs in a leading dimension: one batched product serves all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Net:
    """Sizes of an agent's network.

    Attributes:
        seen: numbers in an observation.
        actions: how many.
        width: of both hidden layers.
    """

    seen: int
    actions: int
    width: int = 128

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the input, the hidden layers, and the output: advantages, then the value."""
        return (self.seen, self.width, self.width, self.actions + 1)

    @property
    def size(self) -> int:
        """How many weights and biases a run has."""
        return sum((before + 1) * after for before, after in pairwise(self.widths))

    def start(self, seeds: Iterable[int]) -> Tensor:
        """Fresh weights float32 [run, size], each run from its own seed: uniform within 1 / sqrt(layer's inputs)."""
        rows = []
        for seed in seeds:
            draw = torch.Generator().manual_seed(seed)
            parts = [
                (2 * torch.rand((before + 1) * after, generator=draw) - 1) * before**-0.5
                for before, after in pairwise(self.widths)
            ]
            rows.append(torch.cat(parts))
        return torch.stack(rows)

    def layers(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weight [run, in, out] and bias [run, out] of every layer, views of ``flat`` [run, size]."""
        sizes = [(before + 1) * after for before, after in pairwise(self.widths)]
        found = []
        for part, (before, after) in zip(flat.split(sizes, dim=1), pairwise(self.widths), strict=True):
            weight, bias = part.split([before * after, after], dim=1)
            found.append((weight.unflatten(1, (before, after)), bias))
        return found

    def hidden(self, flat: Tensor, seen: Tensor) -> list[Tensor]:
        """Activations of both hidden layers, after the ReLU, each [run, row, width]; arguments as for a call."""
        found = []
        for weight, bias in self.layers(flat)[:-1]:
            seen = torch.baddbmm(bias[:, None], seen, weight).relu()
            found.append(seen)
        return found

    def answer(self, flat: Tensor, last: Tensor) -> Tensor:
        """Q [run, row, action] from the last hidden layer [run, row, width]."""
        weight, bias = self.layers(flat)[-1]
        advantage, value = torch.baddbmm(bias[:, None], last, weight).split([self.actions, 1], dim=2)
        return value + advantage - advantage.mean(2, keepdim=True)

    def __call__(self, flat: Tensor, seen: Tensor) -> Tensor:
        """Q of every action, float32 [run, row, action].

        Args:
            flat: weights [run, size].
            seen: observations [run, row, number].
        """
        return self.answer(flat, self.hidden(flat, seen)[-1])
