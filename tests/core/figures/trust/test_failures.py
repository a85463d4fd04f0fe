"""Figures of missed nodes: every candidate, every bar, and words that say what they are."""

import numpy as np
import pytest

from core.figures.captions import caption_of
from core.figures.trust.failures import attention_change, parts_by_block, rescues
from core.patching.missed.findings import AttentionRow, Candidate, Failures, Parts
from core.patching.place import Node

TOKENS = ("When", " Mary", " <b>", " to")
ASKED = {"metric": "logit_diff", "direction": "noising"}


def candidate(kind="k", repair="atp-qk", *, exact=-2.0, repaired=1.9, position=2):
    score = {"atp": 0.1, "atp-qk": 0.1, "atp-graddrop": 0.1, "atp-star": 1.0} | {repair: repaired}
    rank = {"atp": 40, "atp-qk": 30, "atp-graddrop": 30, "atp-star": 3} | {repair: 2}
    row = AttentionRow(1, 3, (0.1, 0.2, 0.6, 0.1), (0.4, 0.4, 0.0, 0.2), (0.1, 0.2, 0.6, 0.1), -1.9, -0.1)
    parts = Parts(exact, -3.0, (1, 2), (0.5, 0.25))
    return Candidate(Node(kind, 0, 1, position), repair, score, rank, exact, row, parts, (0.4, 0.2))


def found(*candidates):
    return Failures(50, TOKENS, TOKENS, candidates)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_line_a_candidate_with_all_three_magnitudes(theme):
    both = found(candidate(), candidate(exact=-0.05, position=1), candidate("z", "atp-graddrop"))
    fig = rescues(both, "atp-qk", theme=theme, **ASKED)
    by_name = {trace.name: list(trace.x) for trace in fig.data}
    assert by_name == {"AtP": [0.1, 0.1], "AtP + QK fix": [1.9, 1.9], "Exact": [0.05, 2.0]}
    assert "false alarm" in fig.layout.yaxis.ticktext[0]
    assert "&lt;b&gt;" in fig.layout.yaxis.ticktext[1]
    assert "1 of them are nearer" in caption_of(fig)


def test_the_row_of_attention_three_times():
    fig = attention_change(candidate(), found(candidate()))
    assert [trace.name for trace in fig.data] == ["Unpatched", "Patched", "Patched, by the gradient"]
    np.testing.assert_allclose(fig.data[1].y, (0.4, 0.4, 0.0, 0.2))
    assert len(fig.layout.xaxis.ticktext) == 4
    assert "−1.90" in caption_of(fig)


def test_a_long_row_is_cut_in_the_middle_and_says_so():
    n = 60
    row = AttentionRow(0, n - 1, (1 / n,) * n, (1 / n,) * n, (1 / n,) * n, 0.0, 0.0)
    long = Candidate(**{**vars(candidate()), "row": row})
    fig = attention_change(long, Failures(50, tuple(" x" for _ in range(n)), (), (long,)))
    assert len(fig.data[0].y) == 24
    assert "36 tokens in the middle" in caption_of(fig)


def test_parts_direct_first_and_the_whole_across():
    fig = parts_by_block(candidate(), **ASKED)
    exact, gradient, whole = fig.data
    assert list(exact.y) == [-3.0, 0.5, 0.25]
    assert list(gradient.y) == [0.4, 0.2]
    assert list(gradient.x) == [1, 2]
    assert list(whole.y) == [-2.0, -2.0]
    assert fig.layout.xaxis.ticktext[0] == "direct"
    assert "QK fix" in gradient.name
    assert "QK fix" not in parts_by_block(candidate("z"), **ASKED).data[1].name
