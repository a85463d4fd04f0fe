"""Agreement of a score with exact effects, on numbers small enough to count."""

import numpy as np
import pytest

from core.patching.trust.agreement import agreement


def test_counted_by_hand():
    effects = np.array([[8.0, -4, 2, 1], [8.0, -4, 2, 1]])
    found = agreement(np.array([7.0, 1, 2, 3]), effects, top=(1, 2, 3, 9))
    assert found.recall == {1: 1.0, 2: 0.5, 3: pytest.approx(2 / 3)}
    assert found.spearman == pytest.approx(1 - 6 * (0 + 4 + 0 + 4) / (4 * 15))  # ranks 1 4 3 2 against 1 2 3 4


def test_the_magnitude_of_the_mean_counts_and_not_the_mean_magnitude():
    opposite = np.array([[5.0, 1], [-5.0, 1]])
    assert agreement(np.array([1.0, 2]), opposite, top=(1,)).recall == {1: 1.0}


def test_a_constant_score_has_no_order():
    assert np.isnan(agreement(np.ones(5), np.arange(5.0)[None]).spearman)
