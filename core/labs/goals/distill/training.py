"""The pupil's training: the teacher's values, made into shares of the actions, are what it shall answer.

The loss is the cross-entropy of the next word against softmax(values / ``sharpness``). Where two actions are as good
as each other it asks for nothing, and the clearer a choice, the more it weighs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from core.labs.goals.distill.network import Parameters, Size, fresh, logits
from core.labs.goals.distill.prompts import ACTIONS, WORDS
from core.labs.goals.distill.states import States


@dataclass(frozen=True)
class Plan:
    """How it is trained.

    Attributes:
        batch: boards a step, drawn anew from all of them.
        rate: highest learning rate, after ``warm`` steps; half a cosine takes it to a fiftieth.
        sharpness: what the values are divided by.
        every: steps between two reports.
    """

    size: Size = field(default_factory=Size)
    steps: int = 3000
    batch: int = 128
    rate: float = 2e-3
    warm: int = 200
    decay: float = 0.01
    sharpness: float = 0.02
    every: int = 100
    seed: int = 0


@dataclass
class Trainer:
    """A training that can stop after any step and go on from its checkpoint to the same weights."""

    plan: Plan
    states: States

    def __post_init__(self) -> None:
        self.step = 0
        weights = fresh(self.plan.size, torch.Generator().manual_seed(self.plan.seed))
        self.weights: Parameters = {name: tensor.requires_grad_() for name, tensor in weights.items()}
        self.optimiser = torch.optim.AdamW(
            self.weights.values(), lr=self.plan.rate, betas=(0.9, 0.98), weight_decay=self.plan.decay, fused=True
        )

    def run(self) -> Iterator[tuple[int, float]]:
        """Train to the end; step and mean loss since the last report."""
        losses: list[float] = []
        while self.step < self.plan.steps:
            losses.append(self._update())
            if self.step % self.plan.every == 0 or self.step == self.plan.steps:
                yield self.step, float(np.mean(losses))
                losses = []

    def _update(self) -> float:
        plan, states = self.plan, self.states
        index = np.random.default_rng((plan.seed, self.step)).integers(0, len(states), plan.batch)
        tokens = torch.from_numpy(states.tokens[index]).long()
        target = answers(torch.from_numpy(states.values[index]), plan.sharpness)
        loss = F.cross_entropy(logits(self.weights, tokens, plan.size), target)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimiser.param_groups[0]["lr"] = plan.rate * _share(plan, self.step)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def save(self, file: Path) -> None:
        """Write a checkpoint; the one before it stays until the new one is whole."""
        tensors = {f"weights/{name}": tensor.detach() for name, tensor in self.weights.items()}
        for name, tensor in self.weights.items():
            tensors |= {f"{key}/{name}": value for key, value in self.optimiser.state[tensor].items()}
        partial = file.with_suffix(".part")
        save_file(tensors | {"step": torch.tensor(self.step)}, partial)
        partial.replace(file)

    def restore(self, file: Path) -> None:
        """Go on from a checkpoint of the same plan and states."""
        tensors = load_file(file)
        self.step = int(tensors.pop("step"))
        for key, value in tensors.items():
            kind, name = key.split("/", 1)
            if kind == "weights":
                self.weights[name].data.copy_(value)
            else:
                self.optimiser.state[self.weights[name]][kind] = value


def answers(values: Tensor, sharpness: float) -> Tensor:
    """What the next word shall be, [board, word], from values [board, action]."""
    target = torch.zeros(len(values), len(WORDS))
    target[:, ACTIONS] = (values / sharpness).softmax(-1)
    return target


def _share(plan: Plan, step: int) -> float:
    """The learning rate as a share of the highest."""
    return min(1.0, (step + 1) / plan.warm) * (0.51 + 0.49 * math.cos(math.pi * step / plan.steps))
