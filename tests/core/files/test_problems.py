"""Findings as people count rows, and reasons that rows share."""

from core.files.problems import Findings, Problem, grouped
from core.files.skipped import skipped_csv


def test_rows_are_counted_from_one_and_the_file_is_itself():
    assert Problem(0, "error", "A.", "B.").where == "row 1"
    assert str(Problem(None, "warning", "A.", "")) == "the file: A."


def test_reasons_leave_out_what_is_one_rows_own_and_rows_count_once():
    found = []
    for row, pieces in enumerate(("' a', ' b'", "' c', ' d', ' e'")):
        noted = Findings(row)
        noted.warn("It is odd.", "")
        noted.error(f"The answer {row!r} is {row + 2} tokens: {pieces}.", "")
        noted.error("The name is missing.", "")
        found += noted.problems
    found += [Problem(2, "error", "The name is missing.", "")]
    assert grouped(found) == {"The answer … is … tokens: …": 2, "The name is missing": 1}


def test_rows_left_out_keep_their_values_and_say_every_reason():
    source = [{"a": "1", "row": "x"}, {"a": 'q "', "b": ["é", 2]}, {"c": "\ud83d"}]
    problems = [
        Problem(1, "error", "No.", ""),
        Problem(0, "warning", "Hm.", ""),
        Problem(1, "error", "Nor this.", ""),
        Problem(2, "error", "No.", ""),
    ]
    assert skipped_csv(source, problems).splitlines() == [
        "row,a,b,c,reason",
        '2,"q """,' + '"[""é"", 2]",,No. Nor this.',
        "3,,,?,No.",
    ]
