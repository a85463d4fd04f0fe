"""The worlds whose behaviours can be listed, by name."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import SpecError
from core.worlds.listed.arm import arm
from core.worlds.listed.behaviours import Behaviours
from core.worlds.listed.gridrobot import gridrobot

WORLDS: dict[str, tuple[str, Callable[[], Behaviours]]] = {"grid": ("GridRobot", gridrobot), "arm": ("Robot arm", arm)}
TITLES: dict[str, str] = {name: title for name, (title, _) in WORLDS.items()}


def load_world(name: str) -> Behaviours:
    """All behaviours of a world.

    Raises:
        SpecError: an unknown name.
    """
    if name not in WORLDS:
        raise SpecError(f"There is no world {name!r}.", where="world", next_step=f"One of {', '.join(WORLDS)}.")
    return WORLDS[name][1]()
