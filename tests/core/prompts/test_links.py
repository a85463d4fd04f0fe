"""Links between prompts of unequal length: found, checked, and which token stands for which."""

import pytest

from core.errors import SpecError
from core.prompts.align import align
from core.prompts.links import fault, find_links, sources, words
from core.prompts.pairs import PairSet, PromptPair, refuse_linked
from core.prompts.parse import ParsedPairs
from core.prompts.repair import sound_pairs

CLEAN, CORRUPT = (1, 5, 6, 7, 8, 9), (1, 5, 20, 8, 21, 22, 9)  # 6 7 -> 20, nothing -> 21 22
LINKS = ((2, 4, 2, 3), (5, 5, 4, 6))


def test_spans_are_those_in_which_the_prompts_differ():
    assert find_links(CLEAN, CORRUPT) == LINKS
    assert find_links(CLEAN, CLEAN) == ()
    many = tuple(range(300)) + (5,) * 300  # a repeated token stays a match, however often it comes
    assert find_links(many, (*many[:10], 999, *many[10:])) == ((10, 10, 10, 11),)
    assert words(LINKS, tuple("abcdef"), tuple("ABXeYZf")) == "'cd' against 'X'; nothing against 'YZ'"


@pytest.mark.parametrize(
    ("direction", "spans", "expected"),
    [
        ("noising", "last", ((0,), (1,), (), (2,), (3,), (6,))),
        ("noising", "mean", ((0,), (1,), (2,), (2,), (3,), (6,))),
        ("noising", "skip", ((0,), (1,), (), (), (3,), (6,))),
        ("denoising", "last", ((0,), (1,), (3,), (4,), (), (), (5,))),
        ("denoising", "mean", ((0,), (1,), (2, 3), (4,), (), (), (5,))),
        ("denoising", "skip", ((0,), (1,), (), (4,), (), (), (5,))),
    ],
)
def test_which_tokens_stand_for_which(direction, spans, expected):
    assert sources(LINKS, len(CLEAN), len(CORRUPT), direction=direction, spans=spans) == expected


def test_pairs_of_equal_length_are_linked_one_to_one():
    for links in (None, ()):
        assert sources(links, 3, 3, direction="noising", spans="last") == ((0,), (1,), (2,))


@pytest.mark.parametrize(
    ("links", "says"),
    [
        (LINKS, ""),
        (((2, 4, 2, 3),), "are left to be linked"),
        (((2, 4, 3, 4), (5, 5, 5, 6)), "are left to be linked"),
        (((2, 4, 2, 3), (3, 5, 3, 6)), "overlaps"),
        (((2, 4, 2, 3), (5, 7, 4, 7)), "overlaps"),
        (((4, 2, 2, 3),), "overlaps"),
        (((2, 4, 2, 3), (6, 6, 5, 7)), "last tokens"),
    ],
)
def test_links_must_fit_the_prompts(links, says):
    found = fault(links, len(CLEAN), len(CORRUPT))
    assert (says in found) if says else not found


def test_alignment_comes_on_request_and_is_told(words):
    pairs = PairSet("set", (PromptPair("a b z", "a c a z", " x", " y"), PromptPair("a b z", "a c z", " x", " y")))
    refused = align(pairs, words())
    assert [pair.row for pair in refused.pairs] == [1]
    assert "--align" in refused.problems[0].next_step
    found = align(pairs, words(), link=True)
    assert [pair.links for pair in found.pairs] == [((2, 3, 2, 4),), None]
    assert "' b' against ' c a'" in found.problems[0].what
    assert (found.problems[0].severity, found.pairs[0].first_difference) == ("warning", 2)
    kept = sound_pairs(ParsedPairs(pairs, (), (0, 1)), found, trim=False, first_token=False)
    again = align(kept, words())
    assert again.pairs == found.pairs
    assert not again.problems


def test_links_of_a_persons_own_are_checked(words):
    pair = PromptPair("a b z", "a c a z", " x", " y", links=((1, 3, 1, 4),))
    (found,) = align(PairSet("set", (pair,)), words()).pairs
    assert (found.links, found.first_difference) == (((1, 3, 1, 4),), 1)
    wrong = PromptPair("a b z", "a c a z", " x", " y", links=((1, 2, 1, 2),))
    (problem,) = align(PairSet("set", (wrong,)), words()).problems
    assert "linked one by one" in problem.what
    at_the_end = PromptPair("a b", "a b z", " x", " y")
    (_, problem) = align(PairSet("set", (at_the_end,)), words(), link=True).problems
    assert "last tokens" in problem.what


def test_links_enter_a_digest_only_where_there_are_some():
    plain = PairSet("x", (PromptPair("a b", "a c", " d", " e", "n"), PromptPair("é", "f", " g", " h")))
    assert plain.digest == "a23edf308ac10fea"  # as before there were links
    linked = PairSet("x", (PromptPair("a b", "a c", " d", " e", "n", links=[[1, 2, 1, 2]]), plain.pairs[1]))
    assert linked.digest != plain.digest
    assert linked.pairs[0].links == ((1, 2, 1, 2),)


def test_other_pages_refuse_linked_pairs(words):
    pair = PromptPair("a b z", "a c a z", " x", " y", links=((1, 3, 1, 4),))
    with pytest.raises(SpecError, match="attribution only"):
        refuse_linked(align(PairSet("set", (pair,)), words()).pairs)
