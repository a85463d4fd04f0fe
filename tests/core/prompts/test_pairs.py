"""Pairs as people bring them: one answer or several, and digests that never change."""

import pytest

from core.errors import PromptError
from core.prompts.bundled import BUNDLED, load_bundled
from core.prompts.pairs import MOST_ANSWERS, PairSet, PromptPair, answer_texts

DIGESTS = {
    "ioi_abba": "d6e3f22170e8cfb2",
    "ioi_baba": "09130df1f37d9ef5",
    "greater_than": "9dedea237fef7406",
    "agreement": "1865c3ec5339ba4c",
    "capitals": "e3afe0989c7b8ed0",
    "pronouns": "e4d370e9c9945f58",
    "corner_cheese": "b425e71b1b5ce5f9",
}


def test_sets_of_texts_keep_the_digest_under_which_their_runs_are_stored():
    assert {bundled.id: load_bundled(bundled.id).digest for bundled in BUNDLED} == DIGESTS


def test_one_answer_in_a_tuple_is_that_answer():
    one, plain = PromptPair("a", "b", (" x",), (" y",)), PromptPair("a", "b", " x", " y")
    assert one == plain
    assert PairSet("", (one,)).digest == PairSet("", (plain,)).digest
    assert answer_texts(one.answer) == (" x",)


def test_answers_and_ids_decide_the_digest():
    pairs = [
        PromptPair("a", "b", " x", " y"),
        PromptPair("a", "b", (" x", " z"), " y"),
        PromptPair("a", "b", (" z", " x"), " y"),
        PromptPair("a", "b", " x", (" y", " z")),
        PromptPair("a", "b", " x", " y", answer_ids=(3,)),
        PromptPair("a", "b", " x", " y", distractor_ids=(3,)),
    ]
    assert len({PairSet("", (pair,)).digest for pair in pairs}) == len(pairs)


@pytest.mark.parametrize(
    "pair", [PromptPair("a", "b", [" x", " z"], " y", "n"), PromptPair("a", "b", "", "", "", [1], [2])]
)
def test_json_and_back(pair):
    assert PromptPair(**pair.to_json()) == PromptPair(*pair.to_json().values()) == pair
    assert hash(pair) is not None


@pytest.mark.parametrize("answer", [(), ("x",) * (MOST_ANSWERS + 1)])
def test_no_answer_and_too_many_are_refused(answer):
    with pytest.raises(PromptError):
        PromptPair("a", "b", answer, " y")
