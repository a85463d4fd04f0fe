"""Linear probes on the layers of an agent: can what matters in its world be read off, and is that the training's work?

A probe is a ridge regression from what a layer holds to a quantity of the state, fitted on one half of the states and
scored on the other by R², the share of the quantity's variance that it explains; a quantity of several numbers is
scored as a whole. Three controls stand beside it:

    input     the observation itself: what could be read without any network
    random    the same layers of the same network before training
    shuffled  the agent's layer, but the quantity of another state: what a probe finds in nothing, about 0 or below

A quantity that a layer holds need not be used; ``steering`` asks that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.agents.agent import Agent
from core.worlds.tasks.world import World

PENALTY = 1e-4  # of the ridge, a state: small beside the variance of one cell among 169
COLUMNS = ("layer", "source", "r2")
Quantity = Callable[[World], np.ndarray]  # of every copy, float64 [copy, number]


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear reading: ``values = x @ weights + bias``.

    Attributes:
        weights: float64 [width, number].
        bias: float64 [number].
    """

    weights: np.ndarray
    bias: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Readings [state, number] of activations [state, width]."""
        return x @ self.weights + self.bias

    def direction(self, number: int) -> np.ndarray:
        """The smallest change of the activations, float64 [width], that raises one reading by 1."""
        weights = self.weights[:, number]
        return weights / (weights @ weights)


def cheese_place(world: Any) -> np.ndarray:
    """Row and column of the cheese in the corner world."""
    return world.state.cheese.astype(np.float64)


def monsters_alive(world: Any) -> np.ndarray:
    """How many monsters live in the monsters world."""
    return world.state.alive.sum(1, keepdims=True).astype(np.float64)


def fit_probe(x: np.ndarray, values: np.ndarray) -> Probe:
    """Ridge regression on centred activations [state, width] and quantities [state, number]."""
    x, values = x.astype(np.float64), values.astype(np.float64)
    middle, level = x.mean(0), values.mean(0)
    gram = (x - middle).T @ (x - middle) + PENALTY * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, (x - middle).T @ (values - level))
    return Probe(weights, level - middle @ weights)


def explained(probe: Probe, x: np.ndarray, values: np.ndarray) -> float:
    """R² of a probe's readings."""
    left = ((values - probe(x)) ** 2).sum()
    return float(1 - left / ((values - values.mean(0)) ** 2).sum())


def layers_of(agent: Agent, seen: np.ndarray) -> list[np.ndarray]:
    """The observation and both hidden layers, each float32 [state, width]."""
    return [seen, *agent.hidden(seen)]


def untrained(agent: Agent, seed: int) -> Agent:
    """An agent of the same size with the weights that training would have started from."""
    return Agent(agent.net, agent.net.start([seed]))


def probe_layers(agent: Agent, worlds: tuple[World, World], quantity: Quantity, *, seed: int = 0) -> pd.DataFrame:
    """Probe every layer of an agent.

    Args:
        worlds: whose copies' states are fitted on, and scored on.

    Returns:
        rows layer (0 the observation), source (``agent``, ``random``, ``shuffled``; ``input`` at layer 0), r2.
    """
    seen, values = [world.observe() for world in worlds], [quantity(world) for world in worlds]
    rng = np.random.default_rng(seed)
    mixed = [rng.permutation(part) for part in values]
    rows = []
    for source, network, told in (
        ("agent", agent, values),
        ("random", untrained(agent, seed), values),
        ("shuffled", agent, mixed),
    ):
        fitted, scored = (layers_of(network, part) for part in seen)
        for layer in range(1, len(fitted)):
            probe = fit_probe(fitted[layer], told[0])
            rows.append((layer, source, explained(probe, scored[layer], told[1])))
    rows.append((0, "input", explained(fit_probe(seen[0], values[0]), seen[1], values[1])))
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(["layer", "source"], ignore_index=True)


def steered(agent: Agent, change: np.ndarray) -> Callable[[World], np.ndarray]:
    """The agent's Q-values, [copy, action], with its last hidden layer changed by one vector [width]."""

    def values(world: World) -> np.ndarray:
        last = torch.from_numpy(agent.hidden(world.observe())[-1] + change.astype(np.float32))
        return agent.net.answer(agent.weights, last[None])[0].numpy()

    return values
