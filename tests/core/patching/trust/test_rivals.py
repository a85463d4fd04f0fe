"""Rivals on 20 additive nodes, by hand counts."""

import numpy as np
import pytest

from core.patching.trust.prices import estimate_price
from core.patching.trust.recall import oracle_cost, recall_cost, relative_cost, shown_ranks, true_order
from core.patching.trust.rivals import block_effects, blocks, hierarchical, in_order, iterative
from core.patching.trust.subsampling import subsample
from tests.core.patching.trust.additive import Additive

# Node 7 matters most, then 13, 2 and 18; the rest are 0.01.
TRUTH = np.full(20, 0.01)
TRUTH[[7, 13, 2, 18]] = [8.0, -4.0, 2.0, -1.0]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_prices():
    assert estimate_price("atp", 30, ("q", "k", "v", "z")) == 4
    assert estimate_price("atp-qk", 30, ("q", "v")) == 6
    assert estimate_price("atp-qk", 30, ("neuron",)) == 4  # nothing to fix
    assert estimate_price("atp-graddrop", 30, ("neuron",)) == 4 + 31 - 2
    assert estimate_price("atp-star", 30, ("q", "z")) == 6 + 31 - 2


def test_in_order_pays_the_estimate_first_and_every_pair_of_a_node():
    walk = in_order(np.array([0.1, 3.0, np.nan, 2.0]), 5.0, 2, rng())
    assert walk.verified_at.tolist() == [11, 7, 13, 9]
    assert walk.order.tolist() == [1, 3, 0, 2]


def test_iterative_on_one_pair_is_a_random_order():
    orders = {tuple(iterative(Additive(TRUTH), rng(seed)).order) for seed in range(5)}
    assert len(orders) == 5
    walk = iterative(Additive(TRUTH), rng())
    assert sorted(walk.verified_at) == list(range(1, 21))


def test_iterative_on_a_distribution_by_hand():
    """Two pairs, four nodes: 4 forwards for one pair of each, the best two verified by one more each, then the rest."""
    table = np.array([[9.0, 1, 2, 8], [9.0, 1, 2, 8]])
    walk = iterative(Additive(table), rng())
    assert walk.verified_at[[0, 3]].tolist() == [5, 6]
    assert sorted(walk.verified_at[[1, 2]]) == [7, 8]


def test_iterative_spends_each_patch_once():
    table = rng().normal(size=(5, 20))
    assert iterative(Additive(table), rng(1)).verified_at.max() == 5 * 20


def test_block_effects_are_true_on_additive_nodes():
    oracle = Additive(np.stack([TRUTH, 3 * TRUTH]))
    effects = block_effects(oracle, 5)
    np.testing.assert_allclose(effects, np.abs(2 * TRUTH.reshape(4, 5).sum(1)))
    assert oracle.asked == 4 * 2
    np.testing.assert_allclose(block_effects(oracle, 6)[-1], abs(2 * TRUTH[18:].sum()))  # a shorter last block


def test_blocks_by_hand():
    """4 block runs, then block 1 (node 7), block 2 (13), block 0 (2), block 3 (18), five nodes each."""
    oracle = Additive(TRUTH)
    walk = blocks(block_effects(oracle, 5), 5, 20, 1, rng())
    order = walk.order // 5
    assert order.tolist() == [1] * 5 + [2] * 5 + [0] * 5 + [3] * 5
    assert walk.verified_at.min() == 5
    assert walk.verified_at.max() == 24
    assert 5 <= walk.verified_at[7] <= 9
    assert 10 <= walk.verified_at[13] <= 14


def test_hierarchical_opens_no_block_it_need_not():
    """Branching 2 over 20 nodes: blocks of 16 (2), then 8, 4, 2; node 7 is found after 2 + 2 + 2 + 2 + 2 runs."""
    effects = {size: block_effects(Additive(TRUTH), size) for size in (2, 4, 8, 16)}
    for seed in range(5):
        walk = hierarchical(effects.__getitem__, 2, 20, 1, rng(seed))
        assert walk.verified_at[7] <= 2 * 5
        assert walk.verified_at[6] <= 2 * 5  # its neighbour, opened with it
        assert min(walk.verified_at[[i for i in range(20) if i not in (6, 7)]]) > 2 * 5
        assert walk.verified_at.max() == 20 + 10 + 5 + 3 + 2  # every node and every block once
        assert len(set(walk.verified_at)) == 20


def test_hierarchical_of_few_nodes_has_no_blocks():
    walk = hierarchical({}.__getitem__, 8, 5, 3, rng())
    assert sorted(walk.verified_at) == [3, 6, 9, 12, 15]


def test_subsampling_equals_the_truth_on_additive_nodes():
    oracle = Additive(np.stack([TRUTH, TRUTH]))
    (statistics,) = subsample(oracle, [4000], rng(), inclusion=0.5)
    assert oracle.asked == 4000
    error, _ = statistics.welch()
    assert error.max() < 0.2
    assert np.abs((statistics.difference - TRUTH) / error).max() < 4


def test_subsampling_statistics_equal_the_plain_formulas():
    members, effects = rng().random((40, 6)) < 0.4, rng(1).normal(size=40)
    (statistics,) = subsample(Recorded(members, effects), [40], Fixed(members))
    inside, outside = effects[members[:, 2]], effects[~members[:, 2]]
    assert statistics.difference[2] == pytest.approx(inside.mean() - outside.mean())
    a, b = inside.var(ddof=1) / len(inside), outside.var(ddof=1) / len(outside)
    error, freedom = statistics.welch()
    assert error[2] == pytest.approx(np.sqrt(a + b))
    assert freedom[2] == pytest.approx((a + b) ** 2 / (a**2 / (len(inside) - 1) + b**2 / (len(outside) - 1)))


class Recorded(Additive):
    def __init__(self, members, effects):
        super().__init__(np.zeros(members.shape[1]))
        self.values = effects

    def joint(self, members, pairs):
        return self.values


class Fixed:
    """A generator that draws a given table of subsets."""

    def __init__(self, members):
        self.members = members

    def random(self, size, dtype):
        return np.where(self.members, 0.0, 1.0)

    def integers(self, high, size):
        return np.zeros(size, int)


def test_snapshots_are_prefixes_of_one_run():
    counts = [s.n for s in subsample(Additive(TRUTH), [10, 100, 130], rng())]
    assert counts == [10, 100, 130]


def test_recall_cost_by_hand():
    """Truth ranks 7, 13, 2, 18. A method that verifies 13, 5, 7, 2, ... after an estimate of 4."""
    order = true_order(TRUTH[None])
    assert order[:4].tolist() == [7, 13, 2, 18]
    verified_at = np.full(20, 100.0)
    verified_at[[13, 5, 7, 2, 18]] = [5, 6, 7, 8, 9]
    assert recall_cost(order, verified_at)[:4].tolist() == [7, 7, 8, 9]


def test_relative_cost():
    assert relative_cost(oracle_cost(50, 3), 3) == pytest.approx(1)
    assert relative_cost(4 * oracle_cost(50, 3), 3) == pytest.approx(4)
    expected = np.exp((np.log(3 / 1) + np.log(3 / 2) / 2) / 1.5)
    assert relative_cost(np.array([3.0, 3.0]), 1) == pytest.approx(expected)


def test_shown_ranks():
    assert shown_ranks(7).tolist() == [1, 2, 3, 4, 5, 6, 7]
    shown = shown_ranks(230_000)
    assert shown[-1] == 230_000
    assert len(shown) < 300
    assert (np.diff(shown) > 0).all()
