import json

import numpy as np
import pandas as pd
import pytest

from core.errors import PromptError
from core.prompts import parse
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.parse import collect_pairs, pairs_to_csv, parse_pairs

HEADER = "clean,corrupt,answer,distractor\n"
ROW = {"clean": "a b", "corrupt": "a c", "answer": " x", "distractor": " y"}


def csv_pairs(text: str):
    return parse_pairs(text.encode(), filename="set.csv")


def jsonl_pairs(*rows):
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    return parse_pairs(text.encode(), filename="set.jsonl")


def refusal(data: bytes, filename: str = "set.csv") -> str:
    with pytest.raises(PromptError) as caught:
        parse_pairs(data, filename=filename)
    return str(caught.value)


def only_error(parsed):
    (problem,) = parsed.problems
    assert problem.severity == "error"
    return problem


# What is read


def test_csv_keeps_spaces_and_names_the_set_after_the_file():
    parsed = csv_pairs('clean,corrupt,answer,distractor,name\n a b ," a, c", x, y,first\n')
    assert parsed.pairs == PairSet("set", (PromptPair(" a b ", " a, c", " x", " y", "first"),))
    assert parsed.problems == ()
    assert parsed.rows == (0,)


def test_columns_come_in_any_order():
    (pair,) = csv_pairs("answer,distractor,corrupt,clean\n x, y,a c,a b\n").pairs
    assert pair == PromptPair(**ROW)


@pytest.mark.parametrize("text", ["07", "NA", "None", "null", "nan", "1e5", "True", "-"])
def test_values_that_look_like_something_else_stay_text(text):
    (pair,) = csv_pairs(f"{HEADER}{text},a c,{text},y\n").pairs
    assert (pair.clean, pair.answer) == (text, text)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends_do_not_matter(mark, end):
    text = end.join(["clean,corrupt,answer,distractor", "é b,é c, x, y", ""])
    assert parse_pairs(mark + text.encode(), filename="set.csv").pairs.pairs == (PromptPair("é b", "é c", " x", " y"),)
    lines = end.join([json.dumps(ROW), json.dumps(ROW), ""])
    assert parse_pairs(mark + lines.encode(), filename="SET.JSONL").pairs.pairs == (PromptPair(**ROW),) * 2


def test_line_separators_inside_json_text_do_not_split_the_line():
    row = {**ROW, "clean": "a\u2028b\x0bc\x85d"}
    (pair,) = parse_pairs(json.dumps(row, ensure_ascii=False).encode(), filename="set.jsonl").pairs
    assert pair.clean == row["clean"]


def test_json_name_may_be_missing_or_null():
    assert [pair.name for pair in jsonl_pairs(ROW, {**ROW, "name": None}, {**ROW, "name": "n"}).pairs] == ["", "", "n"]


def test_round_trip_whatever_the_texts_hold():
    rng = np.random.default_rng(0)
    alphabet = list("ab ,;\"'\n\r\t\\#=07é日🎉\u2028\ufeff\x1f\x85|[]")

    def text() -> str:
        return "".join(rng.choice(alphabet, size=rng.integers(1, 12)))

    for _ in range(500):
        sets = [tuple(dict.fromkeys(text() for _ in range(rng.integers(1, 4)))) for _ in range(6)]
        ids = [tuple(range(rng.integers(0, 3))) for _ in range(6)]
        pairs = PairSet(
            "set",
            tuple(
                PromptPair(text(), text(), sets[i], sets[i + 3], f"{i}{text()}", ids[i], ids[i + 3]) for i in range(3)
            ),
        )
        parsed = csv_pairs(pairs_to_csv(pairs))
        assert (parsed.pairs, parsed.problems) == (pairs, ())


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        (" x| y", (" x", " y")),
        (r" x\|y", " x|y"),
        ("[' x', ' y']", (" x", " y")),
        ("<|end|>", "<|end|>"),
        (" x| x", " x"),
    ],
)
def test_several_answers_in_a_cell(cell, answer):
    (pair,) = csv_pairs(f'{HEADER}a b,a c,"{cell}", z\n').or_raise()
    assert pair.answer == answer


def test_json_has_lists_of_answers_and_its_texts_stay_whole():
    first, second = jsonl_pairs({**ROW, "answer": [" x", " z"]}, {**ROW, "answer": " x| z", "distractor": [" y"]}).pairs
    assert first.answer == (" x", " z")
    assert (second.answer, second.distractor) == (" x| z", " y")


def test_token_ids_are_read_from_cells_and_lists():
    columns = {"corrupt": "corrupted", "answer_ids": "correct_idx", "distractor_ids": "incorrect_idx"}
    text = 'clean,corrupted,correct_idx,incorrect_idx\na b,a c,7,"[8, 9]"\na b,a d,7|8,9\n'
    parsed = parse_pairs(text.encode(), filename="x.csv", columns=columns)
    assert [(p.answer_ids, p.distractor_ids) for p in parsed.or_raise()] == [((7,), (8, 9)), ((7, 8), (9,))]
    assert parse_pairs(pairs_to_csv(parsed.pairs).encode(), filename="x.csv").pairs.pairs == parsed.pairs.pairs
    rows = [{**ROW, "answer_ids": 7, "distractor_ids": [8]}, {**ROW, "answer_ids": [True]}, {**ROW, "answer_ids": -1}]
    parsed = jsonl_pairs(*rows)
    assert parsed.pairs.pairs == (PromptPair(**ROW, answer_ids=(7,), distractor_ids=(8,)),)
    assert [problem.where for problem in parsed.problems] == ["row 2", "row 3"]


def test_a_repeated_pair_names_both_rows():
    parsed = csv_pairs(f"{HEADER}a b,a c, x, y\na b,a c, x, z\na b,a c, x, y\n")
    (warning,) = parsed.problems
    assert (warning.where, warning.severity) == ("row 3", "warning")
    assert "that of row 1" in warning.what
    assert len(parsed.or_raise()) == 3


def test_windows_1252_is_a_warning_and_utf_16_none():
    text = f"{HEADER}é b,é c, x, y\n"
    assert [p.where for p in parse_pairs(text.encode("cp1252"), filename="x.csv").problems] == ["the file"]
    parsed = parse_pairs(text.encode("utf-16"), filename="x.csv")
    assert (parsed.pairs.pairs[0].clean, parsed.problems) == ("é b", ())


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_extra_columns_and_blank_rows(separator):
    lines = [
        ["", "Clean", " Corrupt", "answer", "distractor", "city"],
        ["0", "a, b", "a c", " x", " y", "z"],
        [" "] * 6,
    ]
    parsed = csv_pairs("\n".join(separator.join(line) for line in lines))
    assert parsed.or_raise().pairs == (PromptPair("a, b", "a c", " x", " y"),)
    assert [p.what for p in parsed.problems] == [
        "1 blank row was skipped and not counted.",
        "Columns that are not used: 'city'.",
    ]


# What is refused as a whole


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["empty"]),
        (b"\xef\xbb\xbf \n", ["empty"]),
        (HEADER.encode(), ["no pairs"]),
        (b"clean,corrupt,answer\na,b,c\n", ["missing", "'distractor'"]),
        (b"clean,corrupt,answer,nmae\na,b,c,d\n", ["missing: 'distractor'", "'nmae'", "--columns distractor=COLUMN"]),
        (b"clean:corrupt:answer:distractor\na\n", ["missing", "Use the columns clean"]),
        (b"clean,corrupt,answer,distractor,clean\n", ["more than once", "'clean'"]),
        (HEADER.encode() + b"a b,a c, x, y\n\x81 b,a c, x, y\n", ["line 3", "0x81", "offset 46", "UTF-8"]),
        (HEADER.encode() + b"\x01\xe9 b,a c, x, y\n", ["line 2", "0xE9", "UTF-8"]),
        (HEADER.encode("utf-16"), ["no pairs"]),
        (HEADER.encode("utf-16") + b"x", ["not UTF-16"]),
        (HEADER.encode("utf-32"), ["UTF-32", "Save it as UTF-8"]),
        (HEADER.encode() + b'a b,a c, x, y\n"a b,a c, x, y\n', ["row 2", "CSV"]),
        (HEADER.encode() + b'"a" b,a c, x, y\n', ["row 1", "Line 2"]),
    ],
)
def test_broken_files(data, words):
    message = refusal(data)
    for word in words:
        assert word in message


@pytest.mark.parametrize("filename", ["pairs.xls", "pairs", "pairs.csv.gz", "pairs.txt"])
def test_unknown_extension(filename):
    message = refusal(HEADER.encode(), filename)
    assert filename in message
    assert ".jsonl" in message


def test_a_strange_header_cannot_hide_the_message():
    message = refusal(",".join(["x" * 500] + [str(i) for i in range(50)]).encode())
    assert len(message) < 400
    assert "47 more" in message


@pytest.mark.parametrize(("count", "refused"), [(parse.MAX_ROWS, False), (parse.MAX_ROWS + 1, True)])
def test_limit_of_rows(count, refused):
    data = (HEADER + "a b,a c, x, y\n" * count).encode()
    if refused:
        assert f"row {count}: There are more than {parse.MAX_ROWS} rows." in refusal(data)
    else:
        assert len(parse_pairs(data, filename="set.csv").pairs) == count


def test_limit_of_bytes():
    assert str(parse.MAX_BYTES) in refusal(b"x" * (parse.MAX_BYTES + 1))


# What is refused row by row


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a b,a c, x", "3 values for 4 columns"),
        ("a b,a c, x, y, z", "5 values for 4 columns"),
        ("a b", "1 value for 4 columns"),
        (",a c, x, y", "clean is missing"),
        ("a b,, x, y", "corrupt is missing"),
        ("a b,a c,, y", "answer is missing"),
        ("a b,a c, x,", "distractor is missing"),
        ("a\0b,a c, x, y", "NUL"),
        (f"{'a' * (parse.MAX_CHARACTERS + 1)},a c, x, y", f"{parse.MAX_CHARACTERS + 1} characters"),
    ],
)
def test_broken_csv_rows(row, reason):
    parsed = csv_pairs(f"{HEADER}a b,a c, x, y\n\n{row}\na b,a c, x, z\n")
    problem = only_error(parsed)
    assert problem.where == "row 2"
    assert reason in problem.what
    assert problem.next_step
    assert parsed.rows == (0, 2)
    assert [pair.distractor for pair in parsed.pairs] == [" y", " z"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"clean": "a"', "not sound JSON"),
        ("[" * 100_000, "not sound JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"clean": "a", "clean": "b"}', "more than once: 'clean'"),
        ({**ROW, "answer": 7}, "answer is of type int, not text"),
        ({**ROW, "clean": ["a"]}, "clean is of type list, not text"),
        ({**ROW, "answer": None}, "answer is missing"),
        ({**ROW, "answer": ""}, "answer is missing"),
        ({**ROW, "corrupt": None}, "corrupt is missing"),
        ({**ROW, "name": 3}, "name is of type int, not text"),
        ({**ROW, "clean": "a\0"}, "NUL"),
        ({**ROW, "clean": "a\ud83c"}, "surrogate"),
    ],
)
def test_broken_json_rows(row, reason):
    parsed = jsonl_pairs(ROW, "", row, {**ROW, "distractor": " z"})
    problem = only_error(parsed)
    assert problem.where == "row 2"
    assert reason in problem.what
    assert parsed.rows == (0, 2)


def test_every_broken_row_is_named_and_the_first_one_raised():
    parsed = csv_pairs(f"{HEADER}a b,a c, x, y\na b\n,a c, x, y\na b,,,\n")
    assert [problem.where for problem in parsed.problems] == ["row 2", "row 3", "row 4", "row 4", "row 4"]
    assert [problem.what.split()[1] for problem in parsed.problems[2:]] == ["corrupt", "answer", "distractor"]
    with pytest.raises(PromptError) as caught:
        parsed.or_raise()
    assert caught.value.where == "row 2"
    assert "2 more rows" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_or_raise_gives_the_pairs_where_there_are_only_warnings():
    parsed = csv_pairs("clean,corrupt,answer,distractor,name\na b,a c, x, y,n\na b,a c, x, z,n\n")
    (warning,) = parsed.problems
    assert (warning.severity, warning.row) == ("warning", 1)
    assert "row 1" in warning.what
    assert len(parsed.or_raise()) == 2


def test_empty_cells_of_an_edited_table_are_missing():
    rows = [{**ROW, "name": pd.NA}, {**ROW, "answer": " z", "name": float("nan")}, {**ROW, "clean": float("nan")}]
    parsed = collect_pairs(rows, name="typed")
    assert [pair.name for pair in parsed.pairs] == ["", ""]
    assert only_error(parsed).what == "The clean is missing."
