import numpy as np
import pandas as pd
import pytest

from core.errors import ResultError, SpecError
from core.patching.place import Node, words
from core.patching.results.pooling import bootstrap, entering, over_pairs
from core.patching.results.ranking import by_pair, by_position, largest, ranking
from core.patching.results.summary import layer_by_head, layer_by_position
from core.terms import ModelShape
from tests.make_results import CLEAN, CORRUPT, make_pair, make_result, with_effects

LONGER = make_pair(2, clean=(*CLEAN, "."), corrupt=(*CORRUPT, "."))


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("node", "token", "text"),
    [
        (Node("z", 9, 6, 4), " Mary", "layer 9, head 6, at ' Mary'"),
        (Node("z", 9, 6), None, "layer 9, head 6"),
        (Node("k", 0, 2, 3), None, "layer 0, key head 2, at position 3"),
        (Node("mlp_out", 4, None, 0), "a", "layer 4, MLP output, at 'a'"),
        (Node("neuron", 4, 1042, 0), "a", "layer 4, neuron 1042, at 'a'"),
        (Node("q", 4), None, "layer 4, all query heads"),
        (Node("z", 4), None, "layer 4, all heads"),
    ],
)
def test_a_node_in_words(node, token, text):
    assert words(node, token) == text


@pytest.mark.parametrize(
    "node", [Node("z", 9, 6, 13), Node("mlp_out", 4, None, 0), Node("q", 0, 0), Node("neuron", 1, 1535, 2)]
)
def test_a_key_names_its_node(node):
    assert Node.parse(node.key) == node


@pytest.mark.parametrize(
    "key",
    ["", "z", "z.1.2", "z.-1.2.3", "z._.1.2", "x.1.2.3", "z.1.2.3.4", "z.1e3.2.3", "z.1.2.٣", "z.1.2." + "9" * 99],
)
def test_a_key_from_outside_is_checked(key):
    with pytest.raises(SpecError, match="does not name"):
        Node.parse(key)


class TestScales:
    @pytest.mark.parametrize(("clean", "corrupt"), [(4.0, -4.0), (-1.0, 3.0)])
    def test_a_node_that_carries_everything_is_minus_one_noising_and_plus_one_denoising(self, clean, corrupt):
        pair = make_pair(clean_metric=clean, corrupt_metric=corrupt)
        for direction, change, fraction in (("noising", corrupt - clean, -1), ("denoising", clean - corrupt, 1)):
            result = with_effects(make_result([pair], direction=direction), z=np.full((3, 6, 4), change))
            np.testing.assert_allclose(layer_by_head(result, "z", position=5, scale="fraction").mean, fraction)

    def test_scores_keep_no_sign_as_fractions(self):
        result = with_effects(
            make_result([make_pair(clean_metric=-4, corrupt_metric=4)], method="atp-star"), z=np.full((3, 6, 4), 2.0)
        )
        np.testing.assert_allclose(layer_by_head(result, "z", position=5, scale="fraction").mean, 0.25)

    def test_pairs_without_a_gap_are_left_out_and_counted(self):
        pairs = [make_pair(0), make_pair(1, clean_metric=0.01, corrupt_metric=0.0), make_pair(2)]
        table = layer_by_head(make_result(pairs), "z", scale="fraction")
        assert (table.pairs, table.left_out) == ((0, 2), (1,))
        assert layer_by_head(make_result(pairs), "z").pairs == (0, 1, 2)

    def test_no_gap_at_all_is_refused(self):
        result = make_result([make_pair(clean_metric=1, corrupt_metric=1)])
        with pytest.raises(ResultError, match="no gap"):
            layer_by_head(result, "z", scale="fraction")

    def test_absolute_takes_magnitudes_before_the_mean(self):
        up = np.ones((3, 6, 4))
        result = with_effects(make_result([make_pair(0), make_pair(1)]), z=[up, -up])
        assert (layer_by_head(result, "z", position=0).mean == 0).all()
        assert (layer_by_head(result, "z", position=0, scale="absolute").mean == 1).all()
        assert (layer_by_head(result, "z", position=0).mean_abs == 1).all()


class TestTables:
    def test_one_position_is_the_plain_mean(self):
        result = make_result()
        table = layer_by_head(result, "z", position=5)
        stack = result.stack("z", [0, 1, 2])[:, :, 5]
        np.testing.assert_allclose(table.mean, stack.mean(0), rtol=1e-6)
        np.testing.assert_allclose(table.se, stack.std(0, ddof=1) / np.sqrt(3), rtol=1e-5)
        assert table.n_tokens == 6
        assert table.first_difference == 5
        assert not table.chosen

    def test_the_strongest_position_is_one_position_for_all_pairs_of_a_length(self):
        a, b = np.zeros((3, 6, 4)), np.zeros((3, 6, 4))
        a[0, 1, 2], a[0, 4, 2] = 5.0, -3.0  # largest in pair a alone, but the mean is largest at position 4
        b[0, 1, 2], b[0, 4, 2] = -5.0, -1.0
        table = layer_by_head(with_effects(make_result([make_pair(0), make_pair(1)]), z=[a, b]), "z")
        assert table.mean[0, 2] == -2.0
        assert table.chosen is not None
        assert table.chosen[0, 2] == 4

    def test_sums_and_several_lengths(self):
        result = make_result([make_pair(0), make_pair(1), LONGER])
        table = layer_by_head(result, "z", collapse="sum")
        per_pair = [x.sum(1) for x in result.effects["z"]]
        np.testing.assert_allclose(table.mean, np.mean(per_pair, axis=0), rtol=1e-5)
        assert (table.n_tokens, table.tokens, table.chosen, table.first_difference) == (None, (), None, None)
        assert layer_by_head(result, "z", n_tokens=7).pairs == (2,)

    def test_the_strongest_position_of_each_length_enters_one_mean(self):
        result = make_result([make_pair(0), LONGER])
        expected = [x[np.arange(3)[:, None], np.abs(x).argmax(1), np.arange(4)] for x in result.effects["z"]]
        np.testing.assert_allclose(layer_by_head(result, "z").mean, np.mean(expected, axis=0), rtol=1e-6)

    def test_positions_of_several_lengths_are_not_mixed(self):
        result = make_result([make_pair(0), LONGER])
        for ask in (lambda: layer_by_head(result, "z", position=5), lambda: layer_by_position(result, "mlp_out")):
            with pytest.raises(SpecError, match="6 and 7 tokens"):
                ask()
        assert layer_by_position(result, "mlp_out", n_tokens=7).mean.shape == (3, 7)

    def test_layer_by_position_of_one_head_and_of_the_strongest(self):
        result = make_result()
        np.testing.assert_allclose(
            layer_by_position(result, "z", unit=2).mean, result.stack("z", [0, 1, 2])[..., 2].mean(0), rtol=1e-6
        )
        strongest = layer_by_position(result, "z")
        mean = result.stack("z", [0, 1, 2]).mean(0)
        np.testing.assert_allclose(np.abs(strongest.mean), np.abs(mean).max(2), rtol=1e-6)

    def test_cells_not_computed_stay_so(self):
        result = make_result()
        for x in result.effects["z"]:
            x[1] = np.nan
        for collapse in ("sum", "strongest"):
            table = layer_by_head(result, "z", collapse=collapse)
            assert np.isnan(table.mean[1]).all()
            assert np.isfinite(table.mean[[0, 2]]).all()

    @pytest.mark.parametrize("position", [-1, 6])
    def test_a_position_that_is_not_there(self, position):
        with pytest.raises(SpecError, match="run from 0 to 5"):
            layer_by_head(make_result(), "z", position=position)

    def test_a_kind_or_length_that_is_not_there(self):
        with pytest.raises(ResultError, match="no k nodes"):
            layer_by_head(make_result(), "k")
        with pytest.raises(ResultError, match="No pair has 9"):
            layer_by_head(make_result(), "z", n_tokens=9)
        with pytest.raises(SpecError, match="run from 0 to 3"):
            layer_by_position(make_result(), "z", unit=4)

    def test_tokens_are_those_of_the_patched_run_and_marked_where_they_vary(self):
        other = make_pair(1, clean=(*CLEAN[:1], " Ann", *CLEAN[2:]), corrupt=(*CORRUPT[:1], " Ann", *CORRUPT[2:]))
        pairs = [make_pair(0), other]
        assert layer_by_position(make_result(pairs), "z").tokens == CLEAN
        assert layer_by_position(make_result(pairs, direction="denoising"), "z").tokens == CORRUPT
        assert layer_by_position(make_result(pairs), "z").varies == (False, True, False, False, False, False)


class TestIntervals:
    def test_the_bootstrap_covers_the_mean_about_as_often_as_it_says(self):
        draws = np.random.default_rng(1).normal(loc=2.0, size=(40, 400))  # 400 experiments of 40 pairs
        low, high = bootstrap(draws, rng(), draws=500)
        assert 0.90 < ((low < 2) & (high > 2)).mean() < 0.97

    def test_the_same_seed_gives_the_same_interval(self):
        values = np.random.default_rng(1).normal(size=(5, 3))
        assert all((a == b).all() for a, b in zip(bootstrap(values, rng()), bootstrap(values, rng())))

    def test_one_pair_has_no_spread(self):
        _, _, se = over_pairs(np.ones((1, 2)))
        low, high = bootstrap(np.array([[1.0, 2.0]]), rng())
        assert np.isnan([*se, *low, *high]).all()

    def test_entries_not_computed_are_left_out(self):
        values = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 7.0]])
        mean, mean_abs, se = over_pairs(values)
        assert mean.tolist() == mean_abs.tolist() == [2.0, 6.0]
        assert se.tolist() == [1.0, 1.0]
        low, high = bootstrap(values, rng())
        assert low.tolist() == [1.0, 5.0]
        assert high.tolist() == [3.0, 7.0]


class TestRanking:
    def test_rows_are_the_largest_means_with_their_places(self):
        result = make_result()
        table = ranking(result, ("z", "mlp_out"), rng=rng(), top=5)
        mean = result.stack("z", [0, 1, 2]).mean(0)
        whole = result.stack("mlp_out", [0, 1, 2]).mean(0)
        everything = np.sort(np.abs(np.concatenate([mean.ravel(), whole.ravel()])))[::-1]
        np.testing.assert_allclose(table.score, everything[:5], rtol=1e-6)
        for row in table.itertuples():
            expected = (
                whole[row.layer, row.position, 0] if row.node == "mlp_out" else mean[row.layer, row.position, row.head]
            )
            assert row.mean == pytest.approx(expected, rel=1e-5)
            assert row.low <= row.mean <= row.high
            assert row.token == CLEAN[row.position]
            assert row.n_pairs == 3
            assert pd.isna(row.head) == (row.node == "mlp_out")

    def test_estimates_rank_by_the_signed_mean_or_by_the_papers_mean_magnitude_and_exact_by_the_mean(self):
        swing, steady = np.zeros((3, 6, 4)), np.zeros((3, 6, 4))
        swing[0, 5, 0], steady[0, 5, 0] = 3.0, -3.0
        swing[1, 5, 1] = steady[1, 5, 1] = 1.0
        firsts = {
            ("atp", "magnitude"): 0,
            ("atp", "signed"): 1,
            ("atp-qk", "signed"): 1,
            ("exact", "magnitude"): 1,
            ("exact", "signed"): 1,
        }
        for (method, average), first in firsts.items():
            result = with_effects(make_result([make_pair(0), make_pair(1)], method=method), z=[swing, steady])
            row = ranking(result, ("z",), rng=rng(), top=1, average=average).iloc[0]
            assert row["head"] == first
        assert (row["mean"], row["mean_abs"]) == (1.0, 1.0)

    def test_scores_without_a_sign_know_one_rule(self):
        result = make_result(method="atp-star")
        one, other = (ranking(result, ("z",), rng=rng(), average=average) for average in ("signed", "magnitude"))
        pd.testing.assert_frame_equal(one, other)

    def test_collapsed_positions_have_no_place(self):
        table = ranking(make_result([make_pair(0), LONGER]), ("z",), rng=rng(), positions="strongest", top=3)
        assert table.position.isna().all()
        assert (table.token == "").all()
        assert (table.n_pairs == 2).all()

    def test_neurons_by_the_hundred_thousand(self):
        shape = ModelShape(n_layers=12, n_heads=2, n_kv_heads=2, d_model=8, d_head=4, d_mlp=3072)
        result = make_result([make_pair(i) for i in range(4)], kinds=("neuron",), shape=shape, method="atp")
        mean_abs = np.abs(result.stack("neuron", [0, 1, 2, 3])).mean(0)
        table = ranking(result, ("neuron",), rng=rng(), top=10, average="magnitude")
        np.testing.assert_allclose(table.score, np.sort(mean_abs.ravel())[::-1][:10], rtol=1e-6)
        top = table.iloc[0]
        assert mean_abs[top.layer, top.position, top["head"]] == mean_abs.max()

    def test_largest_breaks_ties_in_order_and_never_takes_nan(self):
        assert largest(np.array([1.0, np.nan, 2.0, 2.0, 1.0]), 3).tolist() == [2, 3, 0]
        assert largest(np.array([np.nan, 0.0]), 5).tolist() == [1]
        assert largest(np.array([np.nan]), 5).tolist() == []


class TestDetail:
    def test_by_position(self):
        result = make_result()
        table = by_position(result, Node("z", 1, 2), rng=rng())
        np.testing.assert_allclose(table["mean"], result.stack("z", [0, 1, 2])[:, 1, :, 2].mean(0), rtol=1e-6)
        assert table.token.tolist() == list(CLEAN)
        assert (table["mean"][:5] == 0).all()

    def test_by_pair(self):
        result = make_result([make_pair(0, name="first"), make_pair(1), LONGER])
        table = by_pair(result, Node("z", 1, 2, 5), n_tokens=6)
        assert table.pair.tolist() == ["first", "1"]
        np.testing.assert_array_equal(table.value, [x[1, 5, 2] for x in result.effects["z"][:2]])
        collapsed = by_pair(result, Node("z", 1, 2), collapse="sum")
        np.testing.assert_allclose(collapsed.value, [x[1, :, 2].sum() for x in result.effects["z"]], rtol=1e-5)
        assert collapsed.gap.tolist() == [8.0] * 3

    def test_a_node_that_is_not_there(self):
        for node in (Node("z", 3, 0, 5), Node("z", 0, 4, 5), Node("z", 0, 0, 6), Node("mlp_out", 0, 1, 5)):
            with pytest.raises(SpecError, match="There is no"):
                by_pair(make_result(), node)


def test_who_enters():
    assert entering(make_result(), "signed") == ((0, 1, 2), ())
