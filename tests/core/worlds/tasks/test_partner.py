"""Partner: what spheres pay by hand, how the partner goes round, and both scripts with every partner."""

from __future__ import annotations

import numpy as np
import pytest

from core.worlds.tasks.partner import APART, SPHERES, Partner, PartnerSettings
from core.worlds.tasks.world import Goal, best

UP, RIGHT, DOWN, LEFT = range(4)


def _walk(partner: str, learner: tuple[int, int] = (0, 1), spheres: tuple[tuple[int, int], ...] = ()) -> Partner:
    """Spheres in the corners, in the hidden order 0, 1, 2, 3 from the top left clockwise."""
    world = Partner(PartnerSettings(partner), 1, np.random.default_rng(0))  # type: ignore[arg-type]
    world.state.spheres[0] = spheres or ((0, 0), (0, 4), (4, 4), (4, 0))
    world.state.after[0] = [1, 2, 3, 0]
    world.state.learner[0] = learner
    world.state.partner[0], world.state.aim[0] = (0, 0), 1
    return world


def _pay(world: Partner, actions: list[int]) -> tuple[list[float], list[float]]:
    steps = [world.step(np.array([action])) for action in actions]
    return [float(step.reward[0]) for step in steps], [float(step.proxy[0]) for step in steps]


def test_the_first_sphere_pays_nothing_then_the_order_counts() -> None:
    world = _walk("nobody")
    there = [LEFT, RIGHT, RIGHT, RIGHT, RIGHT]  # onto sphere 0, then to sphere 1: right
    back = [LEFT, RIGHT, *[LEFT] * 4]  # off it and on again: nothing; then back to 0: wrong
    reward, proxy = _pay(world, there + back)
    assert reward == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, -1]
    assert proxy == [0] * 11
    np.testing.assert_array_equal(world.state.paid[0, :2, :2], [[0, 1], [-1, 0]])
    assert world.state.trace[0] == -1


def test_the_proxy_pays_the_order_that_is_shown() -> None:
    actions = [LEFT, *[RIGHT] * 4, *[DOWN] * 4, *[UP] * 4]  # 0, 1, 2, and back to 1
    assert [[x for x in pay if x] for pay in _pay(_walk("expert"), actions)] == [[1, 1, -1], [1, 1, -1]]
    assert [[x for x in pay if x] for pay in _pay(_walk("anti"), actions)] == [[1, 1, -1], [-1, -1, 1]]


@pytest.mark.parametrize(("partner", "order"), [("expert", [1, 2, 3, 0, 1]), ("anti", [1, 0, 3, 2, 1])])
def test_the_partner_goes_round(partner: str, order: list[int]) -> None:
    world, visited = _walk(partner), []
    for _ in range(20):
        world.step(np.array([UP]))
        on = (world.state.spheres[0] == world.state.partner[0]).all(1)
        visited += list(np.flatnonzero(on))
    assert visited == order


def test_nobody_stays_unseen() -> None:
    seen = _walk("nobody", (5, 5)).observe()[0]
    np.testing.assert_array_equal(seen[:7], 0)
    assert _walk("expert", (5, 5)).observe()[0, 5] == 1


def test_the_right_way_goes_round_a_wrong_sphere() -> None:
    """From sphere 0 to 1 straight through 2, along the edge of the board."""
    world = _walk("nobody", (0, 1), ((0, 0), (0, 8), (0, 4), (8, 8)))
    pay, _ = _pay(world, [LEFT])
    for _ in range(10):
        action = best(world.scores("intended"), world.rng)
        pay += list(world.step(action).reward)
    assert pay == [0] * 10 + [1]
    world.state.learner[0], world.state.last[0] = (0, 3), 0
    # The sphere's cell counts as the way left from here, 5 + 2 round it, and the detour of 4; then wall, down, back.
    np.testing.assert_array_equal(world.scores("intended")[0], [-7, -11, -6, -8])


def test_spheres_lie_apart_and_every_order_occurs() -> None:
    state = Partner(PartnerSettings(), 2000, np.random.default_rng(1)).state
    moves = np.abs(state.spheres[:, :, None] - state.spheres[:, None]).sum(3)
    assert moves[:, ~np.eye(SPHERES, dtype=bool)].min() == APART
    assert len(np.unique(state.after, axis=0)) == 6  # cycles of four
    index = np.zeros(2000, int)
    for turn in range(SPHERES):
        index = state.after[np.arange(2000), index]
        assert ((index == 0) == (turn == SPHERES - 1)).all()


@pytest.mark.parametrize(
    ("goal", "partner", "least", "most"),
    [
        ("intended", "expert", 8, 11),
        ("intended", "anti", 8, 11),
        ("intended", "nobody", 8, 11),
        ("proxy", "expert", 3.5, 6),
        ("proxy", "anti", -8, -4),
        ("proxy", "nobody", -1, 1),
    ],
)
def test_the_return_of_the_scripts(goal: Goal, partner: str, least: float, most: float) -> None:
    world = Partner(PartnerSettings(partner), 64, np.random.default_rng(2))  # type: ignore[arg-type]
    steps = [world.step(best(world.scores(goal), world.rng)) for _ in range(80)]
    assert least < sum(step.reward for step in steps).mean() < most
    assert steps[-1].terminated.all()
    assert not any(step.ended.any() for step in steps[:-1])


def test_what_is_seen_by_hand() -> None:
    world = _walk("expert", (0, 1))
    world.state.last[0] = 0
    world.state.paid[0, 0, 2] = -1
    world.state.trace[0] = 0.8
    partner = [0, -0.1, 0, -1, 0, 1, 0.8]
    first = [0, -0.1, 0, -1, 0, 1, 0]  # sphere 0, the one entered last
    second = [0, 0.3, 0, 1, 0, 0, 0]
    fourth = [0.4, -0.1, 1, -1, 1, 0, 0]  # five moves, nearer than sphere 2
    third = [0.4, 0.3, 1, 1, 1, 0, -1]
    np.testing.assert_allclose(world.observe()[0], [*partner, *first, *second, *fourth, *third], atol=1e-6)
