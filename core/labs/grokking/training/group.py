"""A group of runs of about the same size, trained as one batch by one thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.labs.grokking.training.curves import Ruler
from core.labs.grokking.training.row import Row, answers, training_examples
from core.labs.grokking.training.step import Step


class Group:
    """Weights, optimiser and record of some runs of a row.

    Args:
        members: numbers of the runs in the row.
        start: weights [member, size]; this group keeps its own copy.

    Attributes:
        step: optimiser steps done.
        measured: values [point, member, column] of ``core.labs.grokking.training.row.COLUMNS``, so far.
        kept: weights [moment, member, size] at the row's ``kept_at``, so far.
    """

    def __init__(self, row: Row, members: tuple[int, ...], start: Tensor):
        self.row, self.members = row, members
        runs = tuple(row.runs[i] for i in members)
        self.flat = start.clone()
        device = self.flat.device
        self._step = Step(row.net, self.flat, *_padded(row, members, device))
        self._ruler = Ruler(row.task, row.net, runs, device=device)
        self._decay = torch.tensor([[run.weight_decay] for run in runs], device=device, dtype=self.flat.dtype)
        self.flat.grad = self._step.grad
        # Weight decay differs from run to run, so it is applied here, before Adam's step, as AdamW does.
        betas = row.training.betas
        self._adam = torch.optim.AdamW([self.flat], lr=0.0, betas=betas, weight_decay=0.0, fused=True)
        self.step = 0
        self.measured: list[np.ndarray] = []
        self.kept: list[np.ndarray] = []

    @property
    def cost(self) -> int:
        """Examples seen in all of training."""
        return self.row.training.steps * sum(self.row.runs[i].n_train for i in self.members)

    @property
    def finished(self) -> bool:
        return self.step == self.row.training.steps

    def advance(self, stopped: Callable[[], bool]) -> None:
        """Train up to the next point where something is measured, or until ``stopped()``; measure it."""
        training = self.row.training
        points = training.measured_at()
        if not self.measured:
            self._measure()
        until = points[len(self.measured)] if len(self.measured) < len(points) else training.steps
        rates = self._adam.param_groups[0]
        while self.step < until and not stopped():
            rates["lr"] = training.rate(self.step)
            self._step.run()
            self.flat.mul_(1 - rates["lr"] * self._decay)
            self._adam.step()
            self.step += 1
            if self.step in self.row.kept_at:
                self.kept.append(self._copy())
        if self.step == until:
            self._measure()

    def _measure(self) -> None:
        self.measured.append(self._ruler.read(self.flat))
        if self.step == 0 and 0 in self.row.kept_at:
            self.kept.append(self._copy())

    def _copy(self) -> np.ndarray:
        return self.flat.cpu().numpy().copy()

    def save(self, path: Path) -> None:
        """Everything needed to go on, written whole or not at all."""
        state = self._adam.state.get(self.flat, {})
        tensors = {"flat": self.flat, "step": torch.tensor(self.step)}
        tensors |= {f"adam.{name}": torch.as_tensor(value).contiguous() for name, value in state.items()}
        tensors |= {"measured": torch.tensor(np.array(self.measured)), "kept": torch.tensor(np.array(self.kept))}
        unfinished = path.with_suffix(".new")
        save_file({name: value.cpu() for name, value in tensors.items()}, unfinished)
        unfinished.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from what ``save`` wrote."""
        stored = load_file(path)
        self.flat.copy_(stored.pop("flat"))
        self.step = int(stored.pop("step"))
        self.measured, self.kept = list(stored.pop("measured").numpy()), list(stored.pop("kept").numpy())
        if stored:
            state = {name.removeprefix("adam."): value for name, value in stored.items()}
            self._adam.load_state_dict({**self._adam.state_dict(), "state": {0: state}})


def _padded(row: Row, members: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x, y, answer int64 [member, n] and the weight of each example, 0 where a smaller run is filled up."""
    chosen = [training_examples(row.task, row.runs[i]) for i in members]
    n = max(map(len, chosen))
    columns = np.zeros((3, len(members), n), dtype=np.int64)
    weight = np.zeros((len(members), n))
    for i, (member, pairs) in enumerate(zip(members, chosen)):
        labels = answers(row.task, row.runs[member])
        columns[:, i, : len(pairs)] = row.task.x[pairs], row.task.y[pairs], labels[pairs]
        weight[i, : len(pairs)] = 1 / len(pairs)
    x, y, answer = (torch.tensor(column, device=device) for column in columns)
    return x, y, answer, torch.tensor(weight, device=device)
