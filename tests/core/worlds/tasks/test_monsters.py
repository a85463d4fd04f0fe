"""Monsters: attacks and shields by hand, the three encodings against slow code, and both scripts over two horizons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.worlds.tasks.monsters import EACH, SIZE, WINDOW, Monsters, MonstersSettings
from core.worlds.tasks.world import Goal, best

UP, RIGHT, DOWN, LEFT = range(4)
FAR = [(13, column) for column in range(9, 14)]


def _board(monsters: list[tuple[int, int]], carried: int = 0) -> Monsters:
    """The hero in the top left corner, things in the far corner, these monsters alive."""
    world = Monsters(MonstersSettings(), 1, np.random.default_rng(0))
    world.state.hero[0], world.state.carried[0] = (0, 0), carried
    world.state.shields[0], world.state.apples[0] = FAR, FAR
    world.state.alive[0] = np.arange(EACH) < len(monsters)
    world.state.monsters[0, : len(monsters)] = np.reshape(monsters, (-1, 2))
    return world


def _moves(world: Monsters, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Monsters move once or twice for sure."""
    monkeypatch.setattr("core.worlds.tasks.monsters.TWICE", times - 1)


def test_every_monster_beside_the_hero_attacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for times in (1, 2):
        world = _board([(0, 1), (1, 0), (5, 5)])
        _moves(world, monkeypatch, times)
        step = world.step(np.array([UP]))
        assert step.reward[0] == -2 * times
        assert world.state.alive[0].sum() == 3


def test_a_shield_stops_one_and_both_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _board([(0, 1), (1, 0)], carried=1)
    _moves(world, monkeypatch, 1)
    assert world.step(np.array([UP])).reward[0] == -1
    assert world.state.carried[0] == 0
    assert world.state.alive[0].sum() == 1


def test_monsters_come_along_the_longer_way_and_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _board([(2, 5), (0, 3), (0, 2)])
    _moves(world, monkeypatch, 1)
    world.step(np.array([UP]))
    # The second finds the third still before it; the third goes on to stand beside the hero.
    np.testing.assert_array_equal(world.state.monsters[0, :3], [(2, 4), (0, 3), (0, 1)])


def test_apples_pay_shields_are_carried_and_both_come_back() -> None:
    world = _board([])
    world.state.apples[0, :2], world.state.shields[0, 0] = (0, 1), (0, 2)
    step = world.step(np.array([RIGHT]))
    assert (step.reward[0], step.proxy[0]) == (2, 0)
    step = world.step(np.array([RIGHT]))
    assert (step.reward[0], step.intended[0], step.proxy[0]) == (0, 0, 1)
    assert world.state.carried[0] == 1
    assert not (world.state.apples[0, :2] == (0, 1)).all()
    world.state.carried[0], world.state.shields[0, 0] = 10, (0, 3)
    world.step(np.array([RIGHT]))
    assert world.state.carried[0] == 10


def test_living_monsters_never_share_a_cell() -> None:
    world = Monsters(MonstersSettings(horizon=200), 64, np.random.default_rng(1))
    for _ in range(100):
        world.step(world.rng.integers(0, 4, 64))
        cells = world.state.monsters @ [SIZE, 1]
        cells = np.where(world.state.alive, cells, -1 - np.arange(EACH))
        assert all(len(set(row)) == EACH for row in cells.tolist())


@pytest.mark.parametrize(("horizon", "gap"), [(25, (0, 3)), (200, (25, 45))])
def test_the_goals_pay_alike_in_short_episodes_only(horizon: int, gap: tuple[float, float]) -> None:
    def earned(goal: Goal) -> float:
        world = Monsters(MonstersSettings(horizon=horizon), 128, np.random.default_rng(2))
        steps = [world.step(best(world.scores(goal), world.rng)) for _ in range(horizon)]
        assert steps[-1].terminated.all()
        return float(sum(step.reward for step in steps).mean())

    assert gap[0] < earned("intended") - earned("proxy") < gap[1]


def test_scripts_want_shields_until_they_are_enough() -> None:
    world = _board([(9, 9)])
    world.state.shields[0], world.state.apples[0] = [(0, 5)] * EACH, [(5, 0)] * EACH
    for carried, action in ((0, RIGHT), (1, DOWN)):
        world.state.carried[0] = carried
        assert world.scores("intended")[0].argmax() == action
        assert world.scores("proxy")[0].argmax() == RIGHT


def _played(encoding: str) -> Monsters:
    settings = replace(MonstersSettings(horizon=200), encoding=encoding)
    world = Monsters(settings, 30, np.random.default_rng(3))
    for _ in range(40):
        world.step(best(world.scores("proxy"), world.rng))
    world.state.alive[0] = False
    return world


def test_the_board_is_seen_from_the_hero() -> None:
    world = _played("board")
    s, view = world.state, np.zeros((30, 3, WINDOW, WINDOW))
    for copy in range(30):
        for kind, places in enumerate((s.shields, s.apples, s.monsters)):
            for thing, (row, column) in enumerate(places[copy]):
                if kind < 2 or s.alive[copy, thing]:
                    view[copy, kind, row - s.hero[copy, 0] + 13, column - s.hero[copy, 1] + 13] = 1
    seen = world.observe()
    np.testing.assert_array_equal(seen[:, : view[0].size], view.reshape(30, -1))
    assert (seen[:, view[0].size :].argmax(1) == s.hero[:, 0]).all()


def test_the_nearest_are_seen_and_counts_add_who_lives() -> None:
    world = _played("nearest")
    s, seen = world.state, world.observe()
    for copy in range(30):
        for kind, places in enumerate((s.shields, s.apples, s.monsters)):
            there = places[copy][s.alive[copy]] if kind == 2 else places[copy]
            moves = min((int(np.abs(place - s.hero[copy]).sum()) for place in there), default=None)
            part = seen[copy, 6 * kind : 6 * kind + 6]
            assert part[5] == pytest.approx(0 if moves is None else 1 / (1 + moves))
            assert np.abs(part[:2]).sum() * 13 == pytest.approx(moves or 0, abs=1e-5)
            np.testing.assert_array_equal(part[2:4], np.sign(part[:2]))
    counts = _played("counts").observe()
    extra = np.eye(EACH + 1)[s.alive.sum(1)]
    np.testing.assert_array_equal(counts[:, -2 - EACH - 1 : -2], extra)
    np.testing.assert_array_equal(np.delete(counts, np.s_[-2 - EACH - 1 : -2], axis=1), seen)


def test_no_monsters_when_none_are_asked_for() -> None:
    world = Monsters(MonstersSettings(monsters=0), 16, np.random.default_rng(4))
    assert sum(world.step(world.rng.integers(0, 4, 16)).reward for _ in range(25)).min() >= 0
    assert not (world.board() // 3 == 1).any()
