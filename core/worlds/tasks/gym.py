"""Every task world as a Gymnasium environment, registered as ``circuitarium/<world>-v0``.

``gymnasium.make("circuitarium/corner-v0", settings=CornerSettings(corner=3))`` is one copy, and
``gymnasium.make_vec("circuitarium/corner-v0", 64)`` 64 copies that step as arrays. A new ``seed`` makes new levels.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from core.worlds.tasks.catalogue import TASKS, Task, find_task
from core.worlds.tasks.picture import picture
from core.worlds.tasks.world import Step, World

METADATA: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 8}


class TaskEnv(gymnasium.Env[np.ndarray, np.int64]):
    """One copy of a world.

    Args:
        task: the world's name.
        settings: of the world; its own training settings if None.
    """

    metadata = METADATA

    def __init__(self, task: str, settings: Any = None, render_mode: str | None = None) -> None:
        self.task: Task = find_task(task)
        self.settings = settings if settings is not None else self.task.training
        self.render_mode = render_mode
        self.world: World = self.task.world(self.settings, 1, np.random.default_rng(0))
        self.observation_space, self.action_space = _spaces(self.world)

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
        ended = bool(step.terminated[0]), bool(step.truncated[0])
        paid = {goal: float(pays[0]) for goal, pays in _paid(step).items()}
        return self.world.observe()[0], float(step.reward[0]), *ended, paid

    def render(self) -> np.ndarray | None:
        """The board as a picture, uint8 [height, width, 3]."""
        return picture(self.world.board()[0], self.world.tiles) if self.render_mode == "rgb_array" else None


class TaskVectorEnv(gymnasium.vector.VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Copies of a world that step as arrays; one that has ended begins anew in its next step.

    Args:
        task: the world's name.
        num_envs: how many copies.
        settings: of the world; its own training settings if None.
    """

    metadata: dict[str, Any] = {**METADATA, "autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, task: str, num_envs: int, settings: Any = None, render_mode: str | None = None) -> None:
        self.task, self.num_envs, self.render_mode = find_task(task), num_envs, render_mode
        self.settings = settings if settings is not None else self.task.training
        self.world: World = self.task.world(self.settings, num_envs, np.random.default_rng(0))
        self.single_observation_space, self.single_action_space = _spaces(self.world)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)
        self.over = np.zeros(num_envs, bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:  # type: ignore[override]
        """Begin all episodes; with a seed, of a world that is made anew from it."""
        super().reset(seed=seed)
        if seed is not None:
            self.world = self.task.world(self.settings, self.num_envs, np.random.default_rng(seed))
        else:
            self.world.reset()
        self.over[:] = False
        return self.world.observe(), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
        """One step of every copy; those that were over begin anew instead, and are paid nothing."""
        step, goes_on = self.world.step(actions), ~self.over
        self.world.reset(self.over)
        self.over = step.ended & goes_on
        paid = {goal: pays * goes_on for goal, pays in _paid(step).items()}
        ended = step.terminated & goes_on, step.truncated & goes_on
        return self.world.observe(), step.reward * goes_on, *ended, paid

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Every board as a picture."""
        if self.render_mode != "rgb_array":
            return None
        return tuple(picture(board, self.world.tiles) for board in self.world.board())


def _spaces(world: World) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Discrete]:
    """What one copy shows and takes."""
    shape = world.observe().shape[1:]
    return gymnasium.spaces.Box(-1, 1, shape, np.float32), gymnasium.spaces.Discrete(len(world.actions))


def _paid(step: Step) -> dict[str, np.ndarray]:
    return {"intended": step.intended, "proxy": step.proxy}


def register() -> None:
    """Make every world known to Gymnasium by name; again does nothing."""
    one, several = f"{__name__}:TaskEnv", f"{__name__}:TaskVectorEnv"
    for task in TASKS:
        name = f"circuitarium/{task.name}-v0"
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=one, vector_entry_point=several, kwargs={"task": task.name})
