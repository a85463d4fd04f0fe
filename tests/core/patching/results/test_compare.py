import numpy as np
import pytest

from core.errors import ResultError
from core.patching.results.compare import compare
from tests.make_results import make_pair, make_result, with_effects


def test_an_estimate_that_is_exact():
    exact = make_result()
    estimate = with_effects(
        make_result(method="atp"), z=list(exact.effects["z"]), mlp_out=list(exact.effects["mlp_out"])
    )
    c = compare(estimate, exact, kinds=("mlp_out",), top=(1, 3))
    np.testing.assert_allclose(c.nodes.estimate, c.nodes.exact)
    assert c.overlap.keys() == {1, 3}
    assert set(c.sign_agreement.values()) == {1.0}
    assert len(c.nodes) == 3, "positions before the first difference are exactly 0 in both and left out"
    one = compare(estimate, exact, kinds=("z",), positions="each", n_tokens=6, top=(12,))
    assert one.overlap == {12: 1.0}


def test_a_planted_false_negative_is_found_and_placed():
    truth = np.zeros((3, 6, 4))
    truth[:, 5] = np.arange(12).reshape(3, 4) + 1.0
    guess = truth.copy()
    guess[2, 5, 3] = 0.001  # the largest true effect, all but invisible to the estimate
    pairs = [make_pair(0), make_pair(1)]
    exact = with_effects(make_result(pairs, kinds=("z",)), z=truth)
    estimate = with_effects(make_result(pairs, kinds=("z",), method="atp-star"), z=guess)
    c = compare(estimate, exact, kinds=("z",), top=(3,))
    missed = c.false_negatives.iloc[0]
    assert (missed.layer, missed["head"], missed.position, missed.token) == (2, 3, 5, " Mary")
    assert (missed.exact_rank, missed.estimate_rank) == (1, 12)
    assert len(c.false_negatives) == 1
    assert c.overlap == {3: pytest.approx(2 / 3)}
    assert (c.signed, c.sign_agreement) == (False, {})
    assert 0 < c.spearman < 1


def test_signs_that_disagree():
    exact = make_result(kinds=("z",))
    estimate = with_effects(make_result(kinds=("z",), method="atp"), z=[-x for x in exact.effects["z"]])
    assert compare(estimate, exact, kinds=("z",), top=(5,)).sign_agreement == {5: 0.0}


def test_a_constant_estimate_has_no_rank_correlation():
    estimate = with_effects(make_result(method="atp"), z=np.ones((3, 6, 4)))
    assert np.isnan(compare(estimate, make_result(), kinds=("z",)).spearman)


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (make_result(method="atp", metric="prob"), "metric"),
        (make_result(method="atp", direction="denoising"), "direction"),
        (make_result([make_pair(0)], method="atp"), "pairs"),
        (make_result(method="atp", model="other"), "model"),
    ],
)
def test_different_questions_are_not_compared(other, what):
    with pytest.raises(ResultError, match=f"differ in their {what}"):
        compare(other, make_result(), kinds=("z",))


def test_only_nodes_that_both_hold_are_compared():
    exact = make_result(kinds=("z",))
    for x in exact.effects["z"]:
        x[[0, 2]] = np.nan
    c = compare(make_result(kinds=("z",), method="atp"), exact, kinds=("z",))
    assert set(c.nodes.layer) == {1}
