"""Labels of published sets stand for sets of answers."""

import pytest

from core.files.asking import ChoiceAsked
from core.prompts import parse
from core.prompts.parse import parse_pairs
from core.prompts.published.labels import PLURAL, SINGULAR


def read(text, **answers):
    return parse_pairs(text.encode(), filename="set.csv", **answers)


@pytest.mark.parametrize("label", ["correct_idx", "label"])
def test_years_above_against_years_below(label):
    text = f"clean,corrupted,{label}\nThe war lasted from 1352 to 13,The war lasted from 1301 to 13,52\n"
    parsed = read(text)
    (pair,) = parsed.or_raise()
    assert (pair.answer[0], pair.answer[-1], len(pair.answer)) == ("53", "99", 47)
    assert (pair.distractor[0], pair.distractor[-1], len(pair.distractor)) == ("00", "52", 53)
    assert "two-digit years above" in parsed.problems[0].what


def test_a_year_with_none_above_it_names_its_row():
    row = "It ran from 13{0} to 13,It ran from 1301 to 13,{0}\n"
    parsed = read("clean,corrupted,label\n" + row.format(52) + row.format(99))
    assert [problem.where for problem in parsed.problems] == ["the file", "row 2"]


def test_labels_that_are_no_years_are_asked_about():
    with pytest.raises(parse.PromptError, match="missing: 'corrupt', 'answer'"):
        read("clean,corrupted,label\nA cat sat,A dog sat,52\n")


def test_plural_calls_for_plural_forms():
    parsed = read("clean,corrupted,group,plural\nThe keys,The key,a,1\nThe cat,The cats,a,0\nThe dog,The dogs,a,2\n")
    first, second = parsed.pairs
    assert (first.answer, first.distractor) == (tuple(PLURAL), tuple(SINGULAR))
    assert (second.answer, second.distractor) == (tuple(SINGULAR), tuple(PLURAL))
    assert [problem.where for problem in parsed.problems if problem.severity == "error"] == ["row 3"]


def test_a_set_that_is_too_long_is_asked_about_and_its_first_rows_read(monkeypatch):
    monkeypatch.setattr(parse, "MAX_ROWS", 2)
    text = "clean,corrupt,answer,distractor\n" + "".join(f"a {i},b,c,d\n" for i in range(3))
    with pytest.raises(ChoiceAsked, match="--first 2"):
        read(text)
    assert [pair.clean for pair in read(text, first=2).or_raise()] == ["a 0", "a 1"]
    assert len(read(text, first=9).pairs) == 2
