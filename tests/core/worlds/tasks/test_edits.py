"""Changes by hand: each does what it says to the first copy and nothing else; impossible ones are refused."""

from dataclasses import fields

import numpy as np
import pytest

from core.errors import SpecError
from core.worlds.tasks.catalogue import TASKS, find_task
from core.worlds.tasks.edits import EDITS, edit

PLACE = (3, 4)


def _world(task, copies=2):
    found = find_task(task)
    return found.world(found.training, copies, np.random.default_rng(0))


def _changed(before, after):
    return {f.name for f in fields(before) if not np.array_equal(getattr(before, f.name), getattr(after, f.name))}


@pytest.mark.parametrize(("task", "name"), [(task, name) for task, edits in EDITS.items() for name in edits])
def test_every_change_is_of_the_first_copy_alone(task, name):
    world = _world(task)
    if task == "corner":
        world.state.blocks[:] = False
    if name == "tree":
        world.state.trees[:] = False
    before = world.take(slice(None))
    edit(task, world, name, PLACE if EDITS[task][name].placed else None)
    assert not _changed(type(before)(**{f.name: getattr(before, f.name)[1:] for f in fields(before)}), world.take([1]))
    assert len(_changed(before, world.take(slice(None)))) <= 2
    assert world.observe().shape[0] == 2


def test_every_world_can_be_changed():
    assert set(EDITS) == {task.name for task in TASKS}


def test_the_cheese_and_the_mouse_move_and_are_drawn_there():
    world = _world("corner", 1)
    world.state.blocks[:] = False
    edit("corner", world, "cheese", (6, 6))
    edit("corner", world, "mouse", (6, 5))
    board = world.board()[0]
    assert world.tiles[board[6, 6]] == "cheese"
    assert world.tiles[board[6, 5]] == "mouse"
    assert world.scores("intended")[0].argmax() == world.actions.index("right")


def test_a_block_comes_and_goes_and_is_in_the_way():
    world = _world("corner", 1)
    world.state.blocks[:] = False
    edit("corner", world, "mouse", (5, 5))
    edit("corner", world, "block", PLACE)
    assert world.state.blocks[0][PLACE]
    with pytest.raises(SpecError, match="block is there"):
        edit("corner", world, "cheese", PLACE)
    for taken in ((0, 0), (5, 5), tuple(world.state.cheese[0])):
        with pytest.raises(SpecError, match="free of blocks"):
            edit("corner", world, "block", taken)
    edit("corner", world, "block", PLACE)
    assert not world.state.blocks.any()


def test_trees_are_planted_and_taken():
    world = _world("tree", 1)
    edit("tree", world, "bare")
    assert world.standing() == 0
    edit("tree", world, "woodcutter", (0, 0))
    edit("tree", world, "tree", PLACE)
    assert world.standing() == 1
    assert world.state.trees[0][PLACE]
    with pytest.raises(SpecError, match="woodcutter"):
        edit("tree", world, "tree", (0, 0))
    full = _world("tree", 1)
    free = np.argwhere(full.board()[0] == 0)[0]
    with pytest.raises(SpecError, match="10 trees at most"):
        edit("tree", full, "tree", tuple(free))


def test_another_partner_walks_the_other_way_round():
    world = _world("partner", 1)
    shown = world.shown().copy()
    edit("partner", world, "anti")
    np.testing.assert_array_equal(np.take_along_axis(world.shown(), shown, 1), [[0, 1, 2, 3]])
    edit("partner", world, "nobody")
    assert not world.accompanied
    assert find_task("partner").training.partner == "expert"  # the catalogue's settings stay


def test_monsters_go_and_come_back_and_shields_are_carried():
    world = _world("monsters", 1)
    edit("monsters", world, "none")
    assert not world.state.alive.any()
    edit("monsters", world, "monster", PLACE)
    assert world.state.alive.sum() == 1
    edit("monsters", world, "armed")
    assert world.state.carried[0] == 5
    edit("monsters", world, "unarmed")
    assert world.state.carried[0] == 0
    edit("monsters", world, "shield", PLACE)
    assert (world.state.shields[0] == PLACE).all(1).any()


@pytest.mark.parametrize(("name", "place", "said"), [("cheese", (7, 0), "not on the board"), ("cheese", None, "board")])
def test_what_cannot_be_is_refused(name, place, said):
    with pytest.raises(SpecError, match=said):
        edit("corner", _world("corner"), name, place)


def test_an_unknown_change_is_refused_with_those_that_are():
    with pytest.raises(SpecError, match="no change") as error:
        edit("tree", _world("tree"), "cheese", PLACE)
    assert "woodcutter" in error.value.next_step
