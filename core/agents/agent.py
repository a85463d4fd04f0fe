"""A trained agent: its network, its policy, and agents in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.agents.net import Net
from core.errors import ResultError
from core.worlds.tasks.world import World


@dataclass(frozen=True, eq=False)
class Agent:
    """One agent.

    Attributes:
        net: sizes of its network.
        weights: float32 [1, size].
    """

    net: Net
    weights: Tensor

    def q(self, seen: np.ndarray) -> np.ndarray:
        """Q of every action, float32 [copy, action], from observations float32 [copy, number]."""
        with torch.no_grad():
            return self.net(self.weights, torch.from_numpy(seen)[None])[0].numpy()

    def hidden(self, seen: np.ndarray) -> list[np.ndarray]:
        """Activations of both hidden layers, each float32 [copy, width]."""
        with torch.no_grad():
            return [layer[0].numpy() for layer in self.net.hidden(self.weights, torch.from_numpy(seen)[None])]

    def __call__(self, world: World) -> np.ndarray:
        """The best action of every copy, int64 [copy]."""
        return self.q(world.observe()).argmax(1)


def save_agents(agents: Mapping[str, Agent], path: Path) -> None:
    """Write agents by name: of each layer ``<name>.weight-0`` [in, out] and ``<name>.bias-0`` [out], and so on."""
    tensors: dict[str, Tensor] = {}
    for name, agent in agents.items():
        for k, (weight, bias) in enumerate(agent.net.layers(agent.weights)):
            tensors |= {f"{name}.weight-{k}": weight[0].contiguous(), f"{name}.bias-{k}": bias[0].contiguous()}
    save_file(tensors, path)


def load_agents(path: Path) -> dict[str, Agent]:
    """What ``save_agents`` wrote.

    Raises:
        ResultError: the file cannot be read, or holds something else.
    """
    try:
        tensors = load_file(path)
        names = sorted({name.rpartition(".")[0] for name in tensors})
        return {name: _agent(tensors, name) for name in names}
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise ResultError("The agents cannot be read.", where=path.name) from error


def _agent(tensors: dict[str, Tensor], name: str) -> Agent:
    layers = [(tensors[f"{name}.weight-{k}"], tensors[f"{name}.bias-{k}"]) for k in range(3)]
    net = Net(len(layers[0][0]), len(layers[-1][1]) - 1, len(layers[0][1]))
    weights = torch.cat([part.flatten() for layer in layers for part in layer])[None].float()
    if weights.shape[1] != net.size:
        raise ValueError("these are no three layers of an agent")
    return Agent(net, weights)
