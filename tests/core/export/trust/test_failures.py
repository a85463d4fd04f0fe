"""Missed nodes as a file: read back as written, damaged ones refused; and the examples that come with the app."""

import json

import pytest

from core.errors import ResultError
from core.export.trust.failures import FILE, read_failures, write_failures
from core.paths import ASSETS
from tests.core.figures.trust.test_failures import candidate, found

KEPT = ASSETS / "study" / "missed"
ABOUT = {"model": "tiny", "metric": "logit_diff", "direction": "noising"}


def test_it_comes_back_as_it_was(tmp_path):
    whole = found(candidate(), candidate("z", "atp-graddrop"))
    write_failures(whole, ABOUT, tmp_path)
    assert read_failures(tmp_path) == (whole, ABOUT)


@pytest.mark.parametrize(
    "change",
    [
        {"candidates": None},
        {"tokens": ["one"]},
        {"about": []},
        {"n_nodes": "many"},
    ],
)
def test_a_damaged_file_is_refused(change, tmp_path):
    write_failures(found(candidate()), ABOUT, tmp_path)
    data = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(data | change))
    with pytest.raises(ResultError, match="cannot be read"):
        read_failures(tmp_path)


def test_no_file_is_refused(tmp_path):
    with pytest.raises(ResultError, match="cannot be read"):
        read_failures(tmp_path)


@pytest.mark.parametrize(("name", "repair"), [("saturated", "atp-qk"), ("cancelling", "atp-graddrop")])
def test_the_kept_constructed_cases_are_missed_by_atp_and_in_the_top_three_of_atp_star(name, repair):
    whole, about = read_failures(KEPT / name)
    assert "Constructed" in about["model"]
    first = whole.of(repair)[0]
    assert first.rescued
    assert first.rank["atp"] > 6
    assert first.rank["atp-star"] <= 3


def test_the_kept_real_case_has_nodes_that_atp_misses():
    whole, _ = read_failures(KEPT / "ioi")
    assert max(abs(c.exact) / max(c.score["atp"], 1e-9) for c in whole.of("atp-qk") if c.rescued) > 10
