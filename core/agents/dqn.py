"""Double DQN with n-step returns, for a row of runs at once (Mnih et al. 2015; van Hasselt et al. 2016).

For a transition from s by action a, with discounted reward r and discount g to what was seen n steps later, s':

    loss = huber(Q(s, a) - (r + g Q_target(s', argmax over a' of Q(s', a'))))

A run's numbers depend on its own world, seed and settings alone, up to rounding, whoever shares its batch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.agents.learning import Learning, Run
from core.agents.net import Net
from core.agents.nstep import NStep
from core.agents.players import Moment, Players
from core.agents.replay import Replay
from core.errors import SpecError

STEEPEST = 10.0  # norm to which a run's gradient is cut


class Row:
    """Agents that learn together: same network, same learning; worlds' settings and seeds of their own.

    Attributes:
        flat, target: weights [run, size] of the networks, and of those that give the targets.
        rounds: steps of all copies done.
        loss: of the last learning step, float [run].

    Raises:
        SpecError: their worlds show or allow different numbers of things, or show more than 0 and 1 where
            ``learning.bits`` says so.
    """

    def __init__(self, runs: tuple[Run, ...], learning: Learning):
        self.runs, self.learning = runs, learning
        self.players = Players(runs, learning)
        self.net = Net(self.players.seen.shape[2], len(self.players.worlds[0].actions), learning.width)
        if learning.bits and not np.isin(self.players.seen, (0, 1)).all():
            raise SpecError("This world shows more than 0 and 1.", where="learning", next_step="Set bits to False.")
        self.flat = self.net.start(run.seed for run in runs)
        self.target = self.flat.clone()
        self.adam = torch.optim.Adam([self.flat], lr=learning.rate, fused=True)
        self.replay = Replay(len(runs), learning.memory, self.net.seen, bits=learning.bits)
        self.ahead = NStep(learning.ahead, learning.gamma)
        self.rounds, self.learned = 0, 0
        self.loss = np.full(len(runs), np.nan)

    def round(self) -> Moment:
        """One step of every copy, and learning when it is due."""
        seen = self.players.seen
        actions = self.players.explore(self.greedy(seen), self.learning.explores(self.rounds))
        now = self.players.step(actions)
        joined = self.ahead.add(seen, actions, now.reward, now.terminated, now.ended, now.later)
        if joined is not None:
            self.replay.add(joined)
        self.rounds += 1
        if len(self.replay) >= max(1, self.learning.warmup) and self.rounds % self.learning.every == 0:
            self._learn()
        return now

    def greedy(self, seen: np.ndarray) -> np.ndarray:
        """The best action of every copy, int64 [run, copy], from observations [run, copy, number]."""
        with torch.no_grad():
            return self.net(self.flat, torch.from_numpy(seen)).argmax(2).numpy()

    def _learn(self) -> None:
        batch = self.replay.draw(self.learning.batch, self.players.rngs)
        seen, later, action, reward, discount = (
            torch.from_numpy(values) for values in (batch.seen, batch.later, batch.action, batch.reward, batch.discount)
        )
        with torch.no_grad():
            next_action = self.net(self.flat, later).argmax(2, keepdim=True)
            goal = reward + discount * self.net(self.target, later).gather(2, next_action)[..., 0]
        flat = self.flat.requires_grad_()
        made = self.net(flat, seen).gather(2, action[..., None])[..., 0]
        loss = F.smooth_l1_loss(made, goal, reduction="none").mean(1)
        (grad,) = torch.autograd.grad(loss.sum(), flat)
        self.flat.requires_grad_(False)
        self.flat.grad = _cut(grad)
        self.adam.step()
        self.loss = loss.detach().numpy().astype(np.float64)
        self.learned += 1
        if self.learned % self.learning.target_every == 0:
            self.target = self.flat.clone()


def _cut(grad: Tensor) -> Tensor:
    """Gradients [run, size], none longer than ``STEEPEST``."""
    return grad * (STEEPEST / grad.norm(dim=1, keepdim=True).clamp(min=STEEPEST))
