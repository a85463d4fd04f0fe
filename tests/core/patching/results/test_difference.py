"""Two runs against each other: known differences, ranks, and what cannot be compared."""

import numpy as np
import pytest

from core.errors import ResultError
from core.figures.captions import caption_of
from core.figures.effects.difference import compared_heatmaps, difference_heatmap
from core.patching.results.difference import difference
from core.patching.results.summary import layer_by_head
from tests.make_results import make_result


def table(kind="z", **options):
    return layer_by_head(make_result(**options), kind, collapse="sum")


def test_the_difference_is_second_minus_first_and_ranks_are_spearmans():
    a, b = table(), table(seed=1, direction="denoising")
    found = difference(a, b)
    np.testing.assert_array_equal(found.values, b.mean - a.mean)
    ranks = [np.argsort(np.argsort(t.mean.ravel())) for t in (a, b)]
    assert found.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert found.cells == a.mean.size


def test_a_run_agrees_with_itself():
    found = difference(table(), table())
    assert found.spearman == pytest.approx(1)
    assert not found.values.any()


def test_scores_without_sign_are_compared_with_magnitudes():
    a, b = table(), table(method="atp-star", seed=1)
    found = difference(a, b)
    np.testing.assert_array_equal(found.first.mean, a.mean_abs)
    assert not found.first.signed


@pytest.mark.parametrize("other", [{"metric": "prob"}, {"kind": "mlp_out"}])
def test_what_measures_other_things_is_refused(other):
    with pytest.raises(ResultError, match="differ"):
        difference(table(), table(**other))


def test_the_figure_has_one_diverging_range_and_says_the_numbers():
    found = difference(table(), table(seed=1, method="atp-star"))
    fig = difference_heatmap(found, names=("one", "two"))
    reach = np.abs(found.values).max()
    assert (fig.data[0].zmin, fig.data[0].zmax) == (-reach, reach)
    assert caption_of(fig).startswith("two minus one")
    assert f"over {found.cells} nodes" in caption_of(fig)
    first, second = compared_heatmaps(found, names=("one", "two"))
    assert (first.data[0].zmax, first.layout.title.text) == (second.data[0].zmax, "one")
