"""Columns by other names: what applies by itself, what is asked, what is refused."""

import shlex

import pytest

from core.errors import PromptError
from core.files.asking import ColumnsAsked
from core.files.columns import Form, given_columns, named, written
from core.files.table import read_table

FORM = Form(
    kind="pairs",
    fields={"clean": ("clean_prompt", "prompt"), "corrupt": ("corrupted",), "answer": ("correct",), "ids": ("idx",)},
    needs=((("clean",),), (("corrupt",),), (("answer",), ("ids",))),
    unused=("note",),
    advice="Use these.",
)


def table(header: str):
    text = f"{header}\n{','.join('abcdefgh'[: header.count(',') + 1])}\n"
    return read_table(text.encode(), filename="mine.csv", max_bytes=1000, advice="")


def asked(header: str, given=None) -> ColumnsAsked:
    with pytest.raises(ColumnsAsked) as caught:
        named(table(header), FORM, given)
    return caught.value


@pytest.mark.parametrize("header", ["clean,corrupt,answer", "Clean, CORRUPT ,Answer", "answer,clean,corrupt"])
def test_case_blanks_and_order_do_not_matter(header):
    found = named(table(header), FORM)
    assert set(found.rows[0].named) == {"clean", "corrupt", "answer"}
    assert found.warnings == ()


def test_index_columns_go_unsaid_and_others_are_named_once():
    found = named(table(",Unnamed: 0,clean,corrupt,answer,Note,city,year"), FORM)
    assert found.rows[0].named == {"clean": "c", "corrupt": "d", "answer": "e"}
    (warning,) = found.warnings
    assert warning.what == "Columns that are not used: 'city', 'year'."


def test_other_names_are_proposed_and_applied_once_they_are_given():
    question = asked("clean_prompt,corrupted,correct")
    assert question.likely == {"clean": "clean_prompt", "corrupt": "corrupted", "answer": "correct"}
    option = shlex.split(question.next_step.split("--columns ")[1])[0]
    found = named(table("clean_prompt,corrupted,correct"), FORM, given_columns(option))
    assert found.rows[0].named == {"clean": "a", "corrupt": "b", "answer": "c"}


def test_only_what_is_missing_is_proposed():
    question = asked("clean,corrupted,answer,prompt")
    assert question.next_step.endswith("--columns corrupt=corrupted")
    found = named(table("clean,corrupted,answer,prompt"), FORM, {"corrupt": "Corrupted"})
    assert found.rows[0].named == {"clean": "a", "corrupt": "b", "answer": "c"}


def test_the_second_way_is_taken_where_the_first_is_not_there():
    assert asked("clean,corrupt,IDX").likely["ids"] == "IDX"
    assert asked("clean,corrupt,idx,correct").likely == {"clean": "clean", "corrupt": "corrupt", "answer": "correct"}


def test_what_cannot_be_guessed_is_left_open():
    question = asked("clean,corrupt,x")
    assert "missing: 'answer'; found: 'clean', 'corrupt', 'x'" in question.what
    assert question.next_step.endswith("--columns answer=COLUMN")


@pytest.mark.parametrize(
    ("given", "words"),
    [({"clean": "nowhere"}, "no column 'nowhere'"), ({"colour": "clean"}, "'colour' is no column of pairs")],
)
def test_names_that_are_not_there_are_refused(given, words):
    with pytest.raises(PromptError, match=words):
        named(table("clean,corrupt,answer"), FORM, given)


def test_two_columns_with_one_name_are_refused():
    with pytest.raises(PromptError, match="more than once: 'clean', 'CLEAN'"):
        named(table("clean,CLEAN,corrupt,answer"), FORM)


def test_columns_are_written_for_a_shell_and_read_back():
    columns = {"clean": "the, clean one", "corrupt": 'a "quoted" = name', "answer": "x"}
    assert given_columns(shlex.split(written(columns))[0]) == columns
    with pytest.raises(PromptError, match="--columns"):
        given_columns("clean")
