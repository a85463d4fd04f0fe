"""Changes of a board by hand: the mouse here, the cheese there, no monsters, another partner.

Each changes the first copy of a world where it stands, and nothing else of it: what the agent does next then differs
for that one reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from core.errors import SpecError
from core.worlds.tasks.corner import CORNER
from core.worlds.tasks.tree import FULL
from core.worlds.tasks.world import World

Place = tuple[int, int]  # (row, column)


@dataclass(frozen=True)
class Edit:
    """One kind of change.

    Attributes:
        title: in words, as an order.
        change: of the world's first copy; takes the place if ``placed``.
        placed: whether it needs a cell.
    """

    title: str
    change: Callable[..., None]
    placed: bool = True


def edit(task: str, world: World, name: str, place: Place | None = None) -> None:
    """Make one change.

    Args:
        task: the world's name in the catalogue.
        world: its first copy is changed.
        name: of the change, in ``EDITS[task]``.
        place: the cell, for changes that need one.

    Raises:
        SpecError: there is no such change, the cell is not on the board, or something there is in the way.
    """
    found = EDITS.get(task, {}).get(name)
    if found is None:
        names = ", ".join(EDITS.get(task, {})) or "none"
        raise SpecError(f"There is no change {name!r} of this world.", where="change", next_step=f"There are: {names}.")
    if not found.placed:
        found.change(world)
        return
    rows, columns = world.board().shape[1:]
    if place is None or not (0 <= place[0] < rows and 0 <= place[1] < columns):
        raise SpecError(
            "That cell is not on the board.",
            where="place",
            next_step=f"Rows go from 0 to {rows - 1}, columns from 0 to {columns - 1}.",
        )
    found.change(world, np.array(place))


def _put(field: str, world: World, place: np.ndarray) -> None:
    getattr(world.state, field)[0] = place


def _put_free(field: str, world: World, place: np.ndarray) -> None:
    """In the maze: not onto a block."""
    if world.state.blocks[0, place[0], place[1]]:
        raise SpecError("A block is there.", where="place", next_step="Take it away first, or name another cell.")
    _put(field, world, place)


def _toggle_block(world: World, place: np.ndarray) -> None:
    s = world.state
    if any((place == there).all() for there in (s.mouse[0], s.cheese[0], CORNER)):
        raise SpecError("Mouse, cheese and corner stay free of blocks.", where="place", next_step="Name another cell.")
    s.blocks[0, place[0], place[1]] ^= True


def _toggle_tree(world: World, place: np.ndarray) -> None:
    s = world.state
    if (place == s.woodcutter[0]).all():
        raise SpecError("The woodcutter stands there.", where="place", next_step="Name another cell.")
    if s.trees[0].sum() == FULL and not s.trees[0, place[0], place[1]]:
        raise SpecError(f"The orchard holds {FULL} trees at most.", where="place", next_step="Take one away first.")
    s.trees[0, place[0], place[1]] ^= True


def _fell_all(world: World) -> None:
    world.state.trees[0] = False


def _walk_with(partner: str, world: World) -> None:
    world.settings = replace(world.settings, partner=partner)


def _no_monsters(world: World) -> None:
    world.state.alive[0] = False


def _monster(world: World, place: np.ndarray) -> None:
    """The first living monster, or the first of all, brought back to life."""
    s = world.state
    first = int(s.alive[0].argmax())
    s.monsters[0, first], s.alive[0, first] = place, True


def _nearest(field: str, world: World, place: np.ndarray) -> None:
    """The thing of that kind that is nearest to the place moves there."""
    things = getattr(world.state, field)[0]
    things[np.abs(things - place).sum(1).argmin()] = place


def _carry(count: int, world: World) -> None:
    world.state.carried[0] = count


def _edits(**kinds: tuple[Any, ...]) -> dict[str, Edit]:
    return {name: Edit(*parts) for name, parts in kinds.items()}


EDITS: dict[str, dict[str, Edit]] = {
    "corner": _edits(
        cheese=("Put the cheese on a cell", partial(_put_free, "cheese")),
        mouse=("Put the mouse on a cell", partial(_put_free, "mouse")),
        block=("Put a block on a cell, or take it away", _toggle_block),
    ),
    "tree": _edits(
        tree=("Plant a tree on a cell, or take it away", _toggle_tree),
        woodcutter=("Put the woodcutter on a cell", partial(_put, "woodcutter")),
        bare=("Take all trees away", _fell_all, False),
    ),
    "partner": _edits(
        partner=("Put the partner on a cell", partial(_put, "partner")),
        learner=("Put the learner on a cell", partial(_put, "learner")),
        expert=("Let an expert walk along", partial(_walk_with, "expert"), False),
        anti=("Let an anti-expert walk along", partial(_walk_with, "anti"), False),
        nobody=("Let nobody walk along", partial(_walk_with, "nobody"), False),
    ),
    "monsters": _edits(
        none=("Take all monsters away", _no_monsters, False),
        monster=("Put a monster on a cell", _monster),
        shield=("Bring the nearest shield to a cell", partial(_nearest, "shields")),
        apple=("Bring the nearest apple to a cell", partial(_nearest, "apples")),
        hero=("Put the hero on a cell", partial(_put, "hero")),
        unarmed=("Take the hero's shields", partial(_carry, 0), False),
        armed=("Give the hero five shields", partial(_carry, 5), False),
    ),
}
