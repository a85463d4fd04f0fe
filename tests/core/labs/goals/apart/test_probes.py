"""Probes and steering, with networks whose layers are known."""

import numpy as np
import pytest
import torch

from core.agents.agent import Agent
from core.agents.net import Net
from core.labs.goals.apart.probes import (
    cheese_place,
    explained,
    fit_probe,
    monsters_alive,
    probe_layers,
    steered,
    untrained,
)
from core.labs.goals.apart.steering import RANDOM_DIRECTIONS, action_shares, steer
from core.worlds.tasks.corner import SIZE, WINDOW, Corner, CornerSettings
from core.worlds.tasks.monsters import Monsters, MonstersSettings


def corner(seed, copies=3000):
    return Corner(CornerSettings(random_levels=1.0, levels=copies), copies, np.random.default_rng(seed))


def agent_of(world, width=24):
    net = Net(world.observe().shape[1], len(world.actions), width)
    return Agent(net, net.start([1]))


def test_a_probe_finds_a_linear_rule_and_its_direction_moves_one_reading():
    rng = np.random.default_rng(0)
    x, rule = rng.standard_normal((3000, 6)), rng.standard_normal((6, 2))
    values = x @ rule + (3.0, -1.0)
    probe = fit_probe(x, values)
    assert explained(probe, x, values) > 0.999
    np.testing.assert_allclose(probe.weights, rule, atol=0.03)
    moved = probe(x + 2 * probe.direction(1)) - probe(x)
    np.testing.assert_allclose(moved[:, 1], 2, atol=1e-9)
    assert explained(fit_probe(x, rng.permutation(values)), x, values) < 0.05


def test_controls_stand_beside_every_layer():
    worlds = corner(0), corner(1)
    agent = agent_of(worlds[0])
    table = probe_layers(agent, worlds, cheese_place)
    assert [*zip(table.layer, table.source, strict=True)] == [
        (0, "input"),
        *((layer, source) for layer in (1, 2) for source in ("agent", "random", "shuffled")),
    ]
    r2 = table.set_index(["layer", "source"]).r2
    assert r2[0, "input"] > 0.8  # place of the mouse and way to the cheese are both seen
    assert r2[1, "shuffled"] < 0.1
    same = untrained(agent, 1)
    assert torch.equal(same.weights, agent.weights)


def test_what_one_layer_holds_and_the_next_one_drops_is_seen():
    worlds = corner(2), corner(3)
    agent = agent_of(worlds[0])
    (first, shift), (second, constant), _ = agent.net.layers(agent.weights)
    way, view = np.mgrid[:WINDOW, :WINDOW].reshape(2, -1).T, WINDOW * WINDOW
    first[..., :2] = 0
    first[0, view : 2 * view, :2] = torch.from_numpy(way).float()  # of the cheese, from the mouse
    first[0, 2 * view : 2 * view + SIZE, 0] = first[0, 2 * view + SIZE :, 1] = torch.arange(SIZE).float()
    shift[..., :2] = 0
    second.zero_()
    constant.fill_(1.0)
    r2 = probe_layers(agent, worlds, cheese_place).set_index(["layer", "source"]).r2
    assert r2[1, "agent"] > 0.99
    assert r2[1, "random"] < 0.3
    assert r2[2, "agent"] == pytest.approx(0, abs=0.05)


def test_steering_by_nothing_changes_nothing_and_along_an_actions_weights_brings_that_action():
    world = corner(4)
    agent = agent_of(world)
    np.testing.assert_allclose(steered(agent, np.zeros(24))(world), agent.q(world.observe()), atol=1e-6)
    down = agent.net.layers(agent.weights)[2][0][0, :, 2].numpy()
    assert action_shares(steered(agent, 1000 * down), world)[2] == 1
    shares = action_shares(steered(agent, np.zeros(24)), world)
    np.testing.assert_allclose(shares, np.bincount(agent(world), minlength=4) / world.copies)


def test_steering_is_compared_with_random_directions_of_the_same_length():
    world = corner(5)
    agent = agent_of(world)
    probe = fit_probe(agent.hidden(world.observe())[-1], cheese_place(world))
    table = steer(agent, world, probe, 0, (0.0, 3.0))
    assert len(table) == 2 * (1 + RANDOM_DIRECTIONS) * 4
    assert np.allclose(table.groupby(["amount", "direction"]).share.sum(), 1)
    still = table[table.amount == 0].groupby("action").share
    assert (still.max() == still.min()).all()


def test_living_monsters_are_counted():
    world = Monsters(MonstersSettings(), 3, np.random.default_rng(0))
    alive = monsters_alive(world)
    assert alive.shape == (3, 1)
    world.state.alive[1, :2] = False
    assert (alive - monsters_alive(world)).ravel().tolist() == [0, 2, 0]
