"""Verification in estimated order: what is patched, resuming, stopping, certainty."""

import numpy as np
import pytest

from core.errors import Cancelled
from core.patching.trust.verify import Verification, nodes_for_budget, verify, verify_until_sure
from core.progress import Progress
from tests.core.patching.trust.additive import Additive

TABLE = np.random.default_rng(0).standard_t(1.5, size=(2, 300))


def estimate(noise=0.5):
    return np.abs(TABLE.mean(0) + noise * np.random.default_rng(1).normal(size=300))


def test_it_patches_the_highest_estimates_and_no_more():
    oracle, state = Additive(TABLE), Verification.of(estimate(), 2)
    verify(oracle, state, 100)
    assert oracle.asked == state.forwards == 200
    assert set(np.flatnonzero(state.verified)) == set(np.argsort(-estimate())[:100])
    np.testing.assert_allclose(state.exact[:, state.verified], TABLE[:, state.verified], rtol=1e-6)
    assert np.isnan(state.exact[:, ~state.verified]).all()


def test_a_cancelled_run_keeps_what_it_found_and_goes_on():
    oracle, state, steps = Additive(TABLE), Verification.of(estimate(), 2), []
    stop = Progress(300, lambda done, total: steps.append(done), lambda: len(steps) >= 2)
    with pytest.raises(Cancelled):
        verify(oracle, state, 300, progress=stop)
    assert 0 < state.done < 300
    verify(oracle, state, 300)
    assert oracle.asked == 600  # nothing twice
    np.testing.assert_array_equal(state.ranking(), np.argsort(-np.abs(state.exact.mean(0)), kind="stable"))


def test_budget_counts_every_pair():
    state = Verification.of(estimate(), 2)
    assert nodes_for_budget(state, 11) == 5
    assert nodes_for_budget(state, 10_000) == 300


def test_ranking_puts_exact_before_estimated():
    state = Verification.of(np.array([4.0, 3, 2, 1]), 1)
    verify(Additive([[0.5, -6, 9, 9]]), state, 2)
    assert state.ranking().tolist() == [1, 0, 2, 3]
    assert state.sure_of(1.0) == 1
    assert state.sure_of(10.0) == 0


def until_sure(oracle, state, top, samples, **options):
    rng = np.random.default_rng(2)
    return verify_until_sure(oracle, state, top, confidence=0.99, samples=samples, rng=rng, **options)


def test_until_sure_ends_with_the_true_top():
    oracle, state = Additive(TABLE), Verification.of(estimate(), 2)
    bounds = until_sure(oracle, state, 5, 3000)
    assert [b.confidence for b in bounds] == [0.9, 0.99, 0.999]
    assert state.sure_of(bounds[1].bound) >= 5
    assert state.done < 300
    assert set(state.ranking()[:5]) == set(np.argsort(-np.abs(TABLE.mean(0)))[:5])


def test_until_sure_without_certainty_verifies_everything():
    oracle, state = Additive(np.ones((1, 40))), Verification.of(np.ones(40), 1)
    until_sure(oracle, state, 5, 50)
    assert state.done == 40


def test_until_sure_announces_what_it_spends():
    oracle, state, rounds, found = Additive(TABLE), Verification.of(estimate(), 2), [], []
    until_sure(oracle, state, 5, 500, on_round=rounds.append, on_found=lambda: found.append(state.done))
    assert sum(rounds) == oracle.asked
    assert found[0] == 5
    assert found[-1] == state.done
