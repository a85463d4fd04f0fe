"""A few visitors at once, for a few seconds; ``benchmarks.load`` does the same with many for minutes."""

import pytest

from tests.browser.conftest import CHROMIUM


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_every_result_of_several_sessions_is_the_one_computed_alone(tmp_path):
    pytest.importorskip("playwright")
    from benchmarks.load import measure

    found = measure(tmp_path, sessions=3, seconds=8)
    assert found["errors"] == []
    assert found["server_alive"]
    assert found["results_checked"] > 0
    assert found["wrong_results"] == []
