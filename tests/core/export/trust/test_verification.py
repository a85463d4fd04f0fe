"""A verification kept in a folder: it comes back as it was, and only where it belongs."""

import numpy as np
import pytest

from core.errors import ResultError
from core.export.trust.verification import resume, write_verification
from core.patching.trust.bound import Bound
from core.patching.trust.verification import begin
from core.patching.trust.verify import verify
from tests.core.patching.trust.additive import Additive
from tests.make_results import make_result


def started(**spec):
    return begin(make_result(method="atp", **spec))


def some_way(verified, count=7):
    table = np.random.default_rng(5).normal(size=verified.state.exact.shape)
    verify(Additive(table), verified.state, count)
    verified.bounds = (Bound(count, 0.9, 0.5), Bound(count, 0.99, float("inf")))
    return verified


@pytest.mark.parametrize("table", [True, False])
def test_it_comes_back_as_it_was(tmp_path, table):
    before, after = some_way(started()), started()
    write_verification(before, tmp_path / "kept", table=table)
    resume(after, tmp_path / "kept")
    assert after.state.done == 7
    np.testing.assert_array_equal(after.state.exact, before.state.exact)
    assert after.words() == before.words()
    assert "no bound" in after.words()[-1]
    assert (tmp_path / "kept" / "verified.csv").exists() == table


def test_nothing_kept_is_nothing_done(tmp_path):
    verified = started()
    resume(verified, tmp_path / "nowhere")
    assert verified.state.done == 0


def test_another_results_verification_is_refused(tmp_path):
    write_verification(some_way(started()), tmp_path / "kept")
    with pytest.raises(ResultError, match="something else"):
        resume(started(seed=2, pairs_digest="other"), tmp_path / "kept")


@pytest.mark.parametrize("name", ["summary.json", "state.safetensors"])
def test_a_damaged_one_is_refused(tmp_path, name):
    write_verification(some_way(started()), tmp_path / "kept")
    (tmp_path / "kept" / name).write_bytes(b"{}")
    with pytest.raises(ResultError, match="cannot be read"):
        resume(started(), tmp_path / "kept")


def test_the_table_can_be_cut(tmp_path):
    verified = some_way(started())
    assert verified.table(5).equals(verified.table().head(5))
    assert verified.block_tokens(20, 0) > verified.block_tokens(10, 0) > verified.block_tokens(7, 0) == 0
