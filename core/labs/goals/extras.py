"""What one world measures beyond returns: of an orchard while it is learned in, of episodes with monsters or trees."""

from __future__ import annotations

import numpy as np

from core.agents.play import Episodes
from core.agents.train import Choose, Watch
from core.labs.goals.affinity import COUNTS, affinity
from core.worlds.tasks.monsters import Monsters
from core.worlds.tasks.tree import Tree
from core.worlds.tasks.world import World

AFFINITIES = tuple(f"affinity_{count}" for count in COUNTS)


def watch_of(world: str) -> Watch | None:
    """What is measured at every point of the learning curve."""
    return _orchard if world == "tree" else None


def _orchard(world: World, choose: Choose) -> dict[str, float]:
    """Trees standing and the share of bare orchards in training now; the affinity for felling by number of trees."""
    assert isinstance(world, Tree)
    standing = world.standing()
    found = affinity(lambda asked: choose(asked.observe()))
    return {"trees": float(standing.mean()), "bare": float((standing == 0).mean())} | dict(
        zip(AFFINITIES, found.tolist(), strict=True)
    )


def note_of(world: World) -> dict[str, np.ndarray]:
    """What ``extras`` needs to know before each step: monsters that live, or trees that stand, int64 [copy]."""
    if isinstance(world, Monsters):
        return {"living": world.state.alive.sum(1)}
    return {"standing": world.standing()} if isinstance(world, Tree) else {}


def extras(episodes: Episodes) -> dict[str, np.ndarray]:
    """More columns of each episode, float64 [copy].

    Args:
        episodes: with the notes of ``note_of``.

    Returns:
        monsters: ``free_apples`` and ``free_shields``, taken while no monster was left (none attacks then, so that what
        training pays is apples, what the proxy pays shields). tree: ``trees``, how many stand before the last step,
        and ``bare``, the steps before none stood, NaN for never.
    """
    if "living" in episodes.notes:
        free = (episodes.notes["living"] == 0) & episodes.going
        return {"free_apples": (episodes.intended * free).sum(0), "free_shields": (episodes.proxy * free).sum(0)}
    if "standing" in episodes.notes:
        standing = episodes.notes["standing"]
        bare = standing == 0
        return {"trees": standing[-1].astype(float), "bare": np.where(bare.any(0), bare.argmax(0), np.nan)}
    return {}
