"""The bound on what was missed: its formula, and its coverage over seeded draws."""

import numpy as np
import pytest
from scipy import stats

from core.patching.trust.bound import CONFIDENCES, Bound, bounds_after, coverage, upper_bounds
from core.patching.trust.subsampling import Statistics
from tests.core.patching.trust.additive import Additive


def rng(seed=0):
    return np.random.default_rng(seed)


def test_one_node_is_the_one_sided_welch_interval():
    """At confidence c, a Welch test of 'the effect is at least the bound' has p-value 1 - c."""
    members, effects = rng().random((60, 1)) < 0.4, rng(1).normal(size=60)
    effects[members[:, 0]] += 2
    statistics = Statistics.empty(1)
    statistics.add(members, effects)
    for confidence, bound in zip(CONFIDENCES, upper_bounds(statistics, np.ones(1, bool))):
        inside, outside = effects[members[:, 0]] - bound, effects[~members[:, 0]]
        test = stats.ttest_ind(inside, outside, equal_var=False, alternative="less")
        assert test.pvalue == pytest.approx(1 - confidence)


def test_a_node_that_was_hardly_drawn_is_not_bounded():
    statistics = Statistics.empty(2)
    members = np.zeros((50, 2), bool)
    members[:20, 0], members[0, 1] = True, True
    statistics.add(members, rng().normal(size=50))
    assert np.isinf(upper_bounds(statistics, np.array([True, True]))).all()
    assert np.isfinite(upper_bounds(statistics, np.array([True, False]))).all()
    assert upper_bounds(statistics, np.zeros(2, bool)).tolist() == [0, 0, 0]


def draws(oracle, verified, truth, **options):
    return [b for seed in range(200) for b in bounds_after(oracle, verified, 300, rng(seed), truth=truth, **options)]


def heavy(n=80, seed=3):
    """Effects as models have them: a few large, many small."""
    return rng(seed).standard_t(1.5, size=n) * 0.1


@pytest.mark.parametrize("n_verified", [0, 5, 30])
def test_it_covers_the_true_maximum_where_effects_add(n_verified):
    table = np.stack([heavy(), heavy() * 1.3])
    truth = np.abs(table.mean(0))
    verified = np.zeros(80, bool)
    verified[np.argsort(-truth)[:n_verified]] = True
    found = draws(Additive(table), verified, truth, inclusion=0.1)
    assert len(found) == 600
    assert all(b.verified == n_verified for b in found)
    shares = coverage(found)
    assert shares[0.9] >= 0.9
    assert shares[0.99] >= 0.99
    assert shares[0.999] >= 0.995  # 200 draws cannot tell 0.999 from 0.995


def test_it_is_not_empty_and_shrinks_with_samples_and_verification():
    table = heavy()[None]
    truth = np.abs(table[0])
    verified = np.zeros(80, bool)

    def mean_bound(samples):
        return np.mean(
            [bounds_after(Additive(table), verified, samples, rng(s), inclusion=0.1)[1].bound for s in range(20)]
        )

    few, many = mean_bound(300), mean_bound(3000)
    assert many < few < 4 * truth.max()
    verified[np.argsort(-truth)[:10]] = True
    assert mean_bound(3000) < many / 2


def test_interaction_breaks_it():
    """Two nodes that only act together: single effects of 0, and a bound that a pure interaction can pass."""
    table = np.zeros((1, 40))
    table[0, 0] = 1.0
    masking = Additive(table, twist=lambda m: -1.0 * (m[:, 0] & m[:, 1:].any(1)))  # any other node undoes node 0
    verified = np.zeros(40, bool)
    found = draws(masking, verified, np.abs(table[0]), inclusion=0.1)
    assert coverage(found)[0.9] < 0.9


def test_coverage_counts_failures():
    found = [Bound(0, 0.9, 1.0, 0.5), Bound(0, 0.9, 1.0, 1.5), Bound(0, 0.99, 2.0, 1.5)]
    assert coverage(found) == {0.9: 0.5, 0.99: 1.0}
