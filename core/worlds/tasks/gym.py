"""Every task world as a Gymnasium environment: one copy, registered as ``circuitarium/<world>-v0``.

``gymnasium.make("circuitarium/corner-v0", settings=CornerSettings(corner=3))``; a new ``seed`` makes new levels.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np

from core.worlds.tasks.catalogue import TASKS, Task, find_task
from core.worlds.tasks.picture import picture
from core.worlds.tasks.world import World


class TaskEnv(gymnasium.Env[np.ndarray, np.int64]):
    """One copy of a world.

    Args:
        task: the world's name.
        settings: of the world; its own training settings if None.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 8}

    def __init__(self, task: str, settings: Any = None, render_mode: str | None = None) -> None:
        self.task: Task = find_task(task)
        self.settings = settings if settings is not None else self.task.training
        self.render_mode = render_mode
        self.world: World = self.task.world(self.settings, 1, np.random.default_rng(0))
        seen = self.world.observe()
        self.observation_space = gymnasium.spaces.Box(-1, 1, seen.shape[1:], np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(self.world.actions))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begin an episode; with a seed, of a world that is made anew from it."""
        super().reset(seed=seed)
        if seed is not None:
            self.world = self.task.world(self.settings, 1, np.random.default_rng(seed))
        else:
            self.world.reset()
        return self.world.observe()[0], {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One step; ``info`` holds what the intended and the proxy goal pay."""
        step = self.world.step(np.array([action]))
        paid = {"intended": float(step.intended[0]), "proxy": float(step.proxy[0])}
        ended = bool(step.terminated[0]), bool(step.truncated[0])
        return self.world.observe()[0], float(step.reward[0]), *ended, paid

    def render(self) -> np.ndarray | None:
        """The board as a picture, uint8 [height, width, 3]."""
        return picture(self.world.board()[0], self.world.tiles) if self.render_mode == "rgb_array" else None


def register() -> None:
    """Make every world known to Gymnasium by name; again does nothing."""
    for task in TASKS:
        name = f"circuitarium/{task.name}-v0"
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=TaskEnv, kwargs={"task": task.name})
