"""Double DQN: values that are known, rows and single runs alike, time limits, and going on after a stop."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.agents.agent import Agent, load_agents, save_agents
from core.agents.dqn import Row
from core.agents.learning import Learning, Run
from core.agents.train import COLUMNS, train
from core.errors import Cancelled, ResultError, SpecError
from core.worlds.tasks.corner import Corner, CornerSettings
from core.worlds.tasks.world import best
from tests.core.agents.walk import PLACES, Walk, WalkSettings

TINY = Learning(
    steps=1600, copies=8, width=16, rate=5e-3, batch=32, memory=512, warmup=64, target_every=20, gamma=0.9, bits=True
)
MAZE = replace(TINY, steps=400, ahead=3)


def _mazes() -> tuple[Run, ...]:
    return tuple(Run(Corner, CornerSettings(corner=c, levels=20, horizon=6), seed) for seed, c in ((0, 1), (1, 7)))


def _values(learning: Learning, horizon: int) -> np.ndarray:
    record = train((Run(Walk, WalkSettings(horizon), 0),), learning)
    return Agent(record.net, record.flat).q(np.eye(PLACES, dtype=np.float32)[:-1])


def test_values_of_a_walk():
    """Right from place p pays gamma^(3 - p); left costs two steps more, or one at the wall."""
    found = _values(replace(TINY, steps=12_000, floor=0.5), 20)
    right = 0.9 ** np.arange(3, -1, -1)
    np.testing.assert_allclose(found[:, 1], right, atol=0.03)
    np.testing.assert_allclose(found[:, 0], 0.9 * right[[0, 0, 1, 2]], atol=0.03)


def test_three_steps_ahead_find_the_way():
    found = _values(replace(TINY, steps=6_000, ahead=3), 20)
    assert (found[:, 1] > found[:, 0]).all()


def test_a_cut_off_episode_is_worth_what_it_would_have_been():
    """With episodes of two steps the values are the same: the time limit is no end."""
    found = _values(replace(TINY, steps=12_000, floor=0.5), 2)
    np.testing.assert_allclose(found[:, 1], 0.9 ** np.arange(3, -1, -1), atol=0.03)


def test_a_run_does_not_depend_on_its_row():
    runs = _mazes()
    together = train(runs, MAZE, points=4)
    for i, run in enumerate(runs):
        alone = train((run,), MAZE, points=4)
        np.testing.assert_allclose(together.curve[:, i], alone.curve[:, 0], atol=1e-5)
        np.testing.assert_allclose(together.flat[i], alone.flat[0], atol=1e-5)
    assert not torch.allclose(together.flat[0], together.flat[1])


def test_stopped_and_killed_runs_go_on_to_the_same_curve(tmp_path):
    runs, file = _mazes(), tmp_path / "row.safetensors"
    whole = train(runs, MAZE, points=5)
    for answers in ([False, True], [True]):  # stopped twice, at different places
        looks = iter(answers)
        with pytest.raises(Cancelled):
            train(runs, MAZE, points=5, scratch=file, cancelled=lambda looks=looks: next(looks))
    after = train(runs, MAZE, points=5, scratch=file)
    np.testing.assert_array_equal(after.curve, whole.curve)
    assert torch.equal(after.flat, whole.flat)
    again = train(runs, MAZE, points=5, scratch=file)
    np.testing.assert_array_equal(again.curve, whole.curve)
    with pytest.raises(ResultError, match="of other agents"):
        train((*runs, replace(runs[0], seed=5)), MAZE, points=5, scratch=file)


def test_the_curve_says_what_was_paid():
    record = train(_mazes(), MAZE, points=5, watch=lambda world, choose: {"first": float(choose(world.observe())[0])})
    assert record.columns == (*COLUMNS, "first")
    assert record.curve.shape == (5, 2, len(COLUMNS) + 1)
    assert record.at.tolist() == [80, 160, 240, 320, 400]
    np.testing.assert_array_equal(record.curve[..., 0], record.curve[..., 1])  # the intended goal is what pays
    assert record.curve[-1, 0, COLUMNS.index("explores")] == TINY.floor


def test_exploration_that_follows_does_what_the_proxy_does():
    row = Row((Run(Walk, WalkSettings(), 0),), replace(TINY, follow=1.0))
    row.players.following[:] = True
    world = row.players.worlds[0]
    explored = row.players.explore(np.ones((1, 8), np.int64), 1.0)
    np.testing.assert_array_equal(explored[0], best(world.scores("proxy"), world.rng))
    shares = [Row((Run(Walk, WalkSettings(), 0),), replace(TINY, follow=f)) for f in (0.0, 0.5)]
    rights = [np.mean([r.players.explore(np.ones((1, 8), np.int64), 1.0) for _ in range(400)]) for r in shares]
    assert rights == pytest.approx([0.5, 0.25], abs=0.05)


def test_agents_come_back_from_their_file(tmp_path):
    record = train(_mazes(), replace(MAZE, steps=80), points=1)
    agents = {f"run-{i}": Agent(record.net, record.flat[i : i + 1]) for i in range(2)}
    save_agents(agents, tmp_path / "agents.safetensors")
    stored = load_agents(tmp_path / "agents.safetensors")
    assert list(stored) == list(agents)
    seen = Corner(CornerSettings(levels=20), 5, np.random.default_rng(0)).observe()
    for name, agent in agents.items():
        assert stored[name].net == agent.net
        np.testing.assert_array_equal(stored[name].q(seen), agent.q(seen))
    (tmp_path / "broken.safetensors").write_bytes(b"12345678")
    with pytest.raises(ResultError, match="cannot be read"):
        load_agents(tmp_path / "broken.safetensors")


def test_what_cannot_learn_together_is_refused():
    with pytest.raises(SpecError, match="cannot learn in one row"):
        Row((Run(Walk, WalkSettings(), 0), _mazes()[0]), TINY)
    with pytest.raises(SpecError, match="out of range"):
        replace(TINY, gamma=1.5)
