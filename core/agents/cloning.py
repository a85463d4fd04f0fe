"""Behavioural cloning: a network that gives the most probability to what was done.

    loss = mean of -log softmax(Q(s, .))[a]

The agent's network is used as it is; its values are then logits, and its best action the likeliest one.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from core.agents.agent import Agent
from core.agents.net import Net
from core.agents.play import Policy
from core.errors import SpecError
from core.progress import Progress
from core.worlds.tasks.world import World

REPORT_EVERY = 20  # steps


def shown(world: World, policy: Policy, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """What a policy saw and did in so many steps of all copies, episode after episode.

    Returns:
        Observations float32 [steps x copies, number] and actions int64 [steps x copies].
    """
    seen, done = [], []
    for _ in range(steps):
        actions = policy(world)
        seen.append(world.observe())
        done.append(actions)
        world.reset(world.step(actions).ended)
    return np.concatenate(seen), np.concatenate(done)


def clone(
    seen: np.ndarray,
    actions: np.ndarray,
    net: Net,
    *,
    seed: int = 0,
    steps: int = 2000,
    batch: int = 256,
    rate: float = 1e-3,
    progress: Progress | None = None,
) -> Agent:
    """Fit a network to observations float32 [row, number] and what was done there, int64 [row].

    Args:
        steps, batch, rate: of Adam; every step draws rows anew, with repetition.
        progress: advanced by one a step.

    Raises:
        SpecError: there is nothing to learn from, or an action or observation does not fit the network.
        Cancelled: its owner asked to stop.
    """
    if not len(seen) or len(seen) != len(actions):
        raise SpecError("There must be as many observations as actions, and one at least.", where="demonstrations")
    if seen.shape[1] != net.seen or not (actions.min() >= 0 and actions.max() < net.actions):
        raise SpecError("Observations or actions do not fit the network.", where="demonstrations")
    flat, rng = net.start([seed]).requires_grad_(), np.random.default_rng([seed, 3])
    adam = torch.optim.Adam([flat], lr=rate, fused=True)
    for step in range(steps):
        rows = rng.integers(0, len(seen), batch)
        loss = F.cross_entropy(net(flat, torch.from_numpy(seen[rows])[None])[0], torch.from_numpy(actions[rows]))
        (flat.grad,) = torch.autograd.grad(loss, flat)
        adam.step()
        if progress and (step + 1) % REPORT_EVERY == 0:
            progress.advance(REPORT_EVERY)
    return Agent(net, flat.detach())
