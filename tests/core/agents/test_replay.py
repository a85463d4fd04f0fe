"""Memory and n-step returns against slow loops, and the dueling end against its formula."""

import numpy as np
import torch

from core.agents.net import Net
from core.agents.nstep import NStep
from core.agents.replay import Replay, Transitions

GAMMA = 0.8


def test_n_step_returns_equal_a_loop():
    rng, n, length, copies = np.random.default_rng(0), 4, 60, 5
    seen, later = rng.normal(size=(2, length, 1, copies, 2)).astype(np.float32)
    reward = rng.normal(size=(length, 1, copies)).astype(np.float32)
    terminated = rng.random((length, 1, copies)) < 0.15
    ended = terminated | (rng.random((length, 1, copies)) < 0.15)
    ahead = NStep(n, GAMMA)
    for t in range(length):
        action = np.full((1, copies), t)
        joined = ahead.add(seen[t], action, reward[t], terminated[t], ended[t], later[t])
        if joined is None:
            assert t < n - 1
            continue
        for copy in range(copies):
            total, k = 0.0, 0
            while True:
                at = t - n + 1 + k
                total += GAMMA**k * reward[at, 0, copy]
                k += 1
                if ended[at, 0, copy] or k == n:
                    break
            assert joined.action[0, copy] == t - n + 1
            np.testing.assert_allclose(joined.reward[0, copy], total, rtol=1e-4, atol=1e-6)
            worth = 0.0 if terminated[at, 0, copy] else GAMMA**k
            np.testing.assert_allclose(joined.discount[0, copy], worth, rtol=1e-6)
            np.testing.assert_array_equal(joined.later[0, copy], later[at, 0, copy])


def test_memory_keeps_the_newest_and_its_bits():
    rng = np.random.default_rng(1)
    for bits in (False, True):
        replay = Replay(2, 6, 11, bits=bits)
        seen = (rng.random((10, 2, 1, 11)) < 0.5).astype(np.float32)
        for t in range(10):
            number = np.full((2, 1), t)
            replay.add(Transitions(seen[t], 1 - seen[t], number, number, number))
        assert len(replay) == 6
        drawn = replay.draw(200, [np.random.default_rng(s) for s in (0, 1)])
        assert set(drawn.action.ravel()) == set(range(4, 10))
        assert not np.array_equal(drawn.action[0], drawn.action[1])
        for run in range(2):
            np.testing.assert_array_equal(drawn.seen[run], seen[drawn.action[run], run, 0])
            np.testing.assert_array_equal(drawn.later[run], 1 - drawn.seen[run])


def test_the_dueling_end():
    net = Net(3, 4, 8)
    flat, seen = net.start([0, 1]), torch.randn(2, 6, 3)
    found = net(flat, seen)
    for run in range(2):
        x = seen[run]
        for k, (weight, bias) in enumerate(net.layers(flat[run : run + 1])):
            x = x @ weight[0] + bias[0]
            x = x.relu() if k < 2 else x
        q = x[:, 4:] + x[:, :4] - x[:, :4].mean(1, keepdim=True)
        torch.testing.assert_close(found[run], q)
    assert torch.equal(net.start([1])[0], flat[1])
