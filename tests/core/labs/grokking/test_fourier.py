"""Measures on logits whose truth is known by construction."""

import numpy as np
import pytest

from core.labs.grokking.inside.fourier import (
    circle,
    excluded_loss,
    frequency_norms,
    gini,
    neuron_frequencies,
    restricted_loss,
    spectrum,
)

P = 23
X, Y, C = np.meshgrid(np.arange(P), np.arange(P), np.arange(P), indexing="ij")
W = 2 * np.pi / P


def solution(**strength):
    """Hand-made logits: strength times cos(w_k (x + y - c)) for each k."""
    return sum(s * np.cos(W * int(k[1:]) * (X + Y - C)) for k, s in strength.items())


def test_the_fourier_solution_is_all_trigonometric():
    found = spectrum(solution(k3=20.0, k7=10.0) + 5.0)
    assert found.fraction == pytest.approx(1.0, abs=1e-12)
    assert found.keys() == (3, 7)
    assert found.coefficient[2] == pytest.approx(20 * np.sqrt(P**3 / 2))


def test_random_logits_and_memory_are_not():
    rng = np.random.default_rng(0)
    assert spectrum(rng.normal(size=(P, P, P))).fraction < 0.01
    memory = np.zeros((P, P, P))
    memory[X, Y, rng.integers(0, P, (P, P))[..., None]] = 1.0
    assert spectrum(memory).fraction < 0.05


def test_the_wrong_phase_is_not_the_solution():
    assert spectrum(np.sin(W * 3 * (X + Y - C))).fraction == pytest.approx(0.0, abs=1e-12)
    assert spectrum(np.cos(W * 3 * (X - Y - C))).fraction == pytest.approx(0.0, abs=1e-12)


def test_fraction_of_a_mixture_is_the_share_of_squared_length():
    part, noise = solution(k5=1.0), np.random.default_rng(1).normal(size=(P, P, P))
    noise -= noise.mean(-1, keepdims=True)
    expected = (part**2).sum() / ((part**2).sum() + (noise**2).sum())
    assert spectrum(part + noise).fraction == pytest.approx(expected, abs=0.02)


def test_restricted_and_excluded_loss_part_solution_from_memory():
    rng = np.random.default_rng(2)
    train = np.sort(rng.permutation(P * P)[:200])
    memory = np.zeros((P * P, P))
    x, y = np.divmod(train, P)
    memory[train, (x + y) % P] = 30.0
    both = solution(k3=20.0, k7=20.0, k11=20.0) + memory.reshape(P, P, P)
    keys = spectrum(both).keys()
    assert set(keys) == {3, 7, 11}
    assert restricted_loss(both, keys) < 0.01  # the solution alone does it, on all pairs
    assert excluded_loss(solution(k3=20.0, k7=20.0), (3, 7), train) == pytest.approx(np.log(P))  # nothing is left
    assert excluded_loss(both, keys, train) < 0.01  # memory is left
    assert restricted_loss(memory.reshape(P, P, P), (3, 7, 11)) > 1.0


def test_gini_at_its_ends():
    assert gini(np.ones(10)) == pytest.approx(0.0)
    assert gini(np.eye(10)[0]) == pytest.approx(0.9)
    assert gini(np.array([1.0, 3.0])) == pytest.approx(0.25)


def test_embeddings_on_a_circle():
    rng = np.random.default_rng(3)
    directions = np.linalg.qr(rng.normal(size=(12, 2)))[0].T
    t = np.arange(P)
    weights = 3 * np.stack([np.cos(W * 4 * t), np.sin(W * 4 * t)], 1) @ directions
    norms = frequency_norms(weights)
    assert set(np.argsort(-norms)[:2]) == {4, 4 + (P - 1) // 2}
    assert gini(norms) > 0.9
    placed = circle(weights, 4)
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 3.0)
    np.testing.assert_allclose(circle(weights, 5), 0.0, atol=1e-5)  # nothing there


def test_neurons_have_the_frequency_they_were_given():
    x, y = np.meshgrid(np.arange(P), np.arange(P), indexing="ij")
    noise = np.random.default_rng(4).normal(size=(P, P))
    planes = [np.cos(W * 2 * x) + np.sin(W * 2 * y), np.cos(W * 9 * (x + y)) + 1, noise]
    frequency, share = neuron_frequencies(np.stack(planes, axis=-1))
    assert frequency[:2].tolist() == [2, 9]
    np.testing.assert_allclose(share[:2], 1.0)
    assert share[2] < 0.2
