"""Likelihoods, intervals, affinity, Q from every place, settings: hand values, known truths, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from core.agents.agent import Agent
from core.agents.net import Net
from core.agents.play import at_random, play, scripted
from core.errors import SpecError
from core.labs.goals.affinity import COUNTS, affinity, felling
from core.labs.goals.everywhere import q_everywhere
from core.labs.goals.explain import fitted_beta, log_likelihoods
from core.labs.goals.extras import extras, note_of
from core.labs.goals.interval import interval, means
from core.labs.goals.settings import Settings, preset, variant_name, world_settings
from core.worlds.tasks.catalogue import TASKS, find_task
from core.worlds.tasks.monsters import Monsters, MonstersSettings
from core.worlds.tasks.tree import Tree, TreeSettings


def test_the_beta_that_made_the_actions_is_found():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 4))
    odds = softmax(1.7 * scores, axis=1).cumsum(1)
    actions = (rng.random((20_000, 1)) > odds).sum(1)
    assert fitted_beta(scores, actions) == pytest.approx(1.7, abs=0.05)
    assert fitted_beta(-scores, actions) == pytest.approx(0.0, abs=0.01)


def test_the_goal_that_made_the_actions_is_likelier():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(500, 2, 3))
    actions = scores[:, 1].argmax(1)
    scores[7, 0, 2] = -np.inf
    found = log_likelihoods(scores, actions)
    assert np.isnan(found[7]).all()
    told = np.delete(np.arange(500), 7)
    assert found[told, 1].mean() > found[told, 0].mean() + 0.5
    beta = fitted_beta(scores[told, 0], actions[told])
    plain = log_softmax(beta * scores[told, 0], axis=1)[np.arange(499), actions[told]]
    np.testing.assert_allclose(found[told, 0], plain)
    assert found[told, 0].mean() >= np.log(1 / 3) - 1e-9  # never worse than chance
    assert np.isnan(log_likelihoods(np.full((3, 2, 4), np.inf), np.zeros(3, int))).all()


def test_an_interval_over_seeds_and_episodes():
    rng = np.random.default_rng(2)
    found = interval(means([rng.normal(seed, 1, 400) for seed in (0, 1)]))
    assert found["mean"] == pytest.approx(0.5, abs=0.1)
    assert found["low"] < 0.1 < 0.9 < found["high"]  # seeds differ by 1: either may be drawn twice
    alone = interval(means([np.append(rng.normal(0, 1, 400), np.nan)]))
    assert alone["high"] - alone["low"] == pytest.approx(2 * 1.96 / 20, rel=0.15)
    assert interval(means([np.full(5, np.nan)]))["mean"] is None


def test_affinity_is_one_for_the_greedy_and_none_for_chance():
    greedy = affinity(scripted("proxy", np.random.default_rng(7)))
    chance = affinity(at_random(np.random.default_rng(8)))
    np.testing.assert_allclose(greedy, 1, atol=0.1)
    np.testing.assert_allclose(chance, 0, atol=0.2)
    still = felling(lambda world: np.full(world.copies, 4))
    np.testing.assert_array_equal(still, np.zeros(len(COUNTS)))


def test_what_was_taken_when_no_monster_was_left():
    free = Monsters(MonstersSettings(horizon=30, monsters=0), 20, np.random.default_rng(0))
    episodes = play(free, scripted("proxy", free.rng), 30, note=note_of)
    found = extras(episodes)
    np.testing.assert_array_equal(found["free_shields"], episodes.proxy.sum(0))
    np.testing.assert_array_equal(found["free_apples"], episodes.intended.sum(0))
    hunted = Monsters(MonstersSettings(horizon=5), 20, np.random.default_rng(0))
    assert extras(play(hunted, at_random(hunted.rng), 5, note=note_of))["free_shields"].sum() == 0


def test_when_an_orchard_is_bare():
    world = Tree(TreeSettings(trees=1, fastest=0.0, regrowth=0.0), 10, np.random.default_rng(0))
    moves = -world.scores("proxy").max(1) + 1
    found = extras(play(world, scripted("proxy", world.rng), 25, note=note_of))
    np.testing.assert_array_equal(found["bare"], moves)
    assert (found["trees"] == 0).all()


@pytest.mark.parametrize("task", TASKS[:4], ids=lambda task: task.name)
def test_q_from_every_place(task):
    world = task.world(task.training, 3, np.random.default_rng(0))
    seen = world.observe()
    agent = Agent(Net(seen.shape[1], len(world.actions), 8), Net(seen.shape[1], len(world.actions), 8).start([0]))
    found, mover = q_everywhere(world, agent, which=1), world.mover
    row, column = getattr(world.state, mover)[1]
    np.testing.assert_allclose(found[row, column], agent.q(seen)[1], atol=1e-6)
    np.testing.assert_array_equal(world.observe(), seen)
    if task.name == "corner":
        np.testing.assert_array_equal(np.isnan(found).all(2), world.state.blocks[1])


def test_settings_come_back_and_are_checked():
    settings = preset("corner", seeds=1, variants=({"corner": 3}, {"corner": 1, "random_levels": 0.02}))
    assert Settings.from_json(settings.to_json()) == settings
    assert [variant_name(v) for v in settings.variants] == ["corner=3", "corner=1, random_levels=0.02"]
    assert world_settings(find_task("corner"), {"corner": 3}, "away").away
    for wrong in ({"corner": 8}, {"corner": 0}, {"corner": 1.5}, {"levels": 3}, {"random_levels": "x"}):
        with pytest.raises(SpecError):
            preset("corner", variants=(wrong,))
    for wrong in ({"partner": "friend"}, {"partner": 1}):
        with pytest.raises(SpecError):
            preset("partner", variants=(wrong,))
    for change in ({"seeds": 0}, {"seed": -1}, {"steps": 3}, {"variants": ()}, {"seeds": 99}, {"preset": "big"}):
        with pytest.raises(SpecError):
            replace(settings, **change)
    with pytest.raises(SpecError, match="cannot be read"):
        Settings.from_json({"world": "corner"})
    for task in TASKS[:4]:
        assert preset(task.name, "paper").agents > preset(task.name).agents
