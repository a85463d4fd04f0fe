"""What is learned: losses against hand computations, and batches of runs against one run after another."""

import numpy as np
import pytest
import torch

from core.errors import Cancelled
from core.labs.similarity.learning.fit import Training, fit
from core.labs.similarity.learning.net import Net
from core.labs.similarity.learning.preferences import ask, fit_preferences, random_rewards
from core.labs.similarity.learning.triplet import fit_similarity, triplet_loss
from core.labs.similarity.learning.vae import fit_vae
from core.labs.similarity.person import Person, simulated
from core.progress import Progress
from core.worlds.listed.gridrobot import gridrobot

NET, SHORT = Net((19, 12, 12, 3)), Training(steps=30, batch=16)
RAW = torch.as_tensor(gridrobot().raw).double()


def test_the_triplet_loss_by_hand():
    a, p = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    near, far = torch.tensor([[1.0, 1.0]]), torch.tensor([[9.0, 0.0]])
    # d(a, p) = 1, d(a, n) = 2, d(p, n) = 1: max(1 - 2 + 1, 0) + max(1 - 1 + 1, 0)
    assert triplet_loss(a, p, near).item() == pytest.approx(0 + 1)
    assert triplet_loss(a, p, near, margin=2.5).item() == pytest.approx(1.5 + 2.5)
    assert triplet_loss(a, p, far).item() == 0
    assert triplet_loss(a, far, p).item() == pytest.approx((81 - 1 + 1) + (81 - 64 + 1))


def test_a_net_is_the_same_layers_one_run_at_a_time():
    flat = NET.start([3, 4], dtype=torch.float64)
    for run in range(2):
        x, at = RAW, 0
        for i, (before, after) in enumerate([(19, 12), (12, 12), (12, 3)]):
            weight = flat[run, at : at + before * after].reshape(before, after)
            bias = flat[run, at + before * after : at + (before + 1) * after]
            x, at = x @ weight + bias, at + (before + 1) * after
            x = x * torch.sigmoid(x) if i < 2 else x
        torch.testing.assert_close(NET(flat, RAW)[run], x)
    assert at == NET.size


def similarity(counts, seeds):
    world = gridrobot()
    triples = [simulated(world, n, seed, Person(noise=0.1)) for n, seed in zip(counts, seeds)]
    return fit_similarity(RAW, triples, seeds, NET, SHORT)


def preferences(counts, seeds):
    world = gridrobot()
    answers = [
        ask(world, random_rewards(np.random.default_rng(s), 10, 4), n, np.random.default_rng(s))
        for n, s in zip(counts, seeds)
    ]
    return fit_preferences(RAW, answers, seeds, NET, SHORT)


def autoencoders(_, seeds):
    return fit_vae(RAW, torch.as_tensor(gridrobot().seen), seeds, NET, SHORT)


@pytest.mark.parametrize("learn", [similarity, preferences, autoencoders])
def test_a_batch_of_seeds_and_budgets_is_one_after_another(learn):
    counts, seeds = [20, 60, 20], [0, 1, 2]
    together = learn(counts, seeds)
    for i, (count, seed) in enumerate(zip(counts, seeds)):
        torch.testing.assert_close(together[i : i + 1], learn([count], [seed]), rtol=1e-7, atol=1e-9)


def test_training_puts_alike_behaviours_together():
    world = gridrobot()
    triples = [simulated(world, 60, 0, Person())]
    a, p, n = torch.as_tensor(triples[0]).T
    flat = fit_similarity(RAW, triples, [0], NET, Training(steps=500))
    start, end = (NET(weights, RAW)[0] for weights in (NET.start([0], dtype=torch.float64), flat))
    assert triplet_loss(end[a], end[p], end[n]).mean() < triplet_loss(start[a], start[p], start[n]).mean() / 2


def test_training_can_be_stopped():
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        fit(
            torch.zeros(1, 2),
            lambda flat, _: flat.square().sum(1),
            Training(steps=100),
            progress=Progress(100, None, lambda: next(asked)),
        )


def test_more_questions_begin_with_the_same_ones():
    world, rewards = gridrobot(), np.eye(4)
    few, many = (simulated(world, n, 5, Person(noise=0.5)) for n in (10, 200))
    np.testing.assert_array_equal(few, many[:10])
    few, many = (ask(world, rewards, n, np.random.default_rng(5), noise=0.5) for n in (10, 200))
    np.testing.assert_array_equal(few.pairs, many.begin(10).pairs)
    np.testing.assert_array_equal(few.first, many.begin(10).first)


def test_questions_show_the_seen_half_alone():
    world = gridrobot()
    triples = simulated(world, 300, 0, Person())
    assert set(triples.ravel()) <= set(world.seen.tolist())
    assert all(len(set(row)) == 3 for row in triples.tolist())
    pairs = ask(world, np.eye(4), 300, np.random.default_rng(0)).pairs
    assert set(pairs.ravel()) <= set(world.seen.tolist())
    assert (pairs[:, 0] != pairs[:, 1]).all()


def test_a_person_answers_by_distance_and_errs_as_told():
    world = gridrobot()
    triples = simulated(world, 400, 0, Person())
    a, p, n = world.features[triples].transpose(1, 0, 2)
    assert (np.linalg.norm(a - p, axis=1) <= np.linalg.norm(a - n, axis=1)).all()
    angle = simulated(world, 400, 0, Person(weights=(0, 0, 0, 1)))
    a, p, n = world.features[angle, 3].T
    assert (abs(a - p) <= abs(a - n)).all()
    changed = (simulated(world, 400, 0, Person(noise=0.3)) != triples).any(1).mean()
    assert 0.12 < changed < 0.28  # of the random answers a third is right by luck
