"""What is measured of every run while it trains."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.labs.grokking.tasks import Task
from core.labs.grokking.training.loss import cross_entropy
from core.labs.grokking.training.net import logits
from core.labs.grokking.training.row import Run, answers, training_examples
from core.labs.grokking.training.sizes import Net

AT_ONCE = 4096  # pairs times runs


class Ruler:
    """Measures a group of runs on the whole table.

    A run that trains on all pairs has no test pairs; its test values are those of the whole table.
    """

    def __init__(self, task: Task, net: Net, runs: tuple[Run, ...], *, device: torch.device):
        self.net = net
        self.x, self.y = (torch.tensor(column, device=device) for column in (task.x, task.y))
        self.answer = torch.tensor(np.stack([answers(task, run) for run in runs]), device=device)
        train = torch.zeros(self.answer.shape, device=device, dtype=torch.float64)
        for i, run in enumerate(runs):
            train[i, training_examples(task, run)] = 1.0
        test = torch.where(train.sum(1, keepdim=True) < len(task), 1 - train, train)
        self.chosen = torch.stack([train, test])
        self.sizes = self.chosen.sum(2)  # [2, run]

    @torch.no_grad()
    def read(self, flat: Tensor) -> np.ndarray:
        """``core.labs.grokking.training.row.COLUMNS`` of every run, float64 [run, column].

        ``correct_logit`` is the mean over training pairs of the right answer's logit above the mean of all answers';
        ``efficiency`` is that divided by ``norm``, the Euclidean norm of all weights.
        """
        parts = []
        size = max(1, AT_ONCE // len(flat))
        for start in range(0, len(self.x), size):
            now = slice(start, start + size)
            found, answer = logits(self.net, flat, self.x[now], self.y[now]), self.answer[:, now]
            right = found.gather(-1, answer[..., None])[..., 0]
            above = right - found.mean(-1)
            hit = (found.argmax(-1) == answer).to(found.dtype)
            parts.append(torch.stack([cross_entropy(found, answer), hit, above]))
        loss, hit, above = torch.cat(parts, dim=2).double()  # each [run, pair]
        # Divided last: all pairs right is then exactly 1.
        losses, hits, correct = (((what * self.chosen).sum(2) / self.sizes) for what in (loss, hit, above))
        norm = flat.double().norm(dim=1)
        return torch.stack([*losses, *hits, norm, correct[0], correct[0] / norm], dim=1).cpu().numpy()
