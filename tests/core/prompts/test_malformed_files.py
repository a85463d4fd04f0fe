"""Files that people break in the usual ways: each refusal or finding names the row or the file."""

import json

import pytest

from core.errors import PromptError
from core.prompts.parse import parse_pairs

HEAD = "clean,corrupt,answer,distractor\n"
GOOD = "a b,a c, x, y\n"
ROW = {"clean": "a b", "corrupt": "a c", "answer": " x", "distractor": " y"}


def lines(*rows) -> str:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


FILES = {
    "a value too many": ("f.csv", HEAD + GOOD + "a, b,a c, x, y\n", "row 2"),
    "a value too few": ("f.csv", HEAD + GOOD + "a b,a c, x\n", "row 2"),
    "no answer": ("f.csv", HEAD + "a b,a c,, y\n" + GOOD, "row 1"),
    "an open quote": ("f.csv", HEAD + GOOD + '"a b,a c, x, y\n', "row 2"),
    "text after a quote": ("f.csv", HEAD + '"a" b,a c, x, y\n', "row 1"),
    "a NUL": ("f.csv", HEAD + GOOD + "a\0b,a c, x, y\n", "row 2"),
    "a text without end": ("f.csv", HEAD + GOOD + "a" * 30_000 + ",a c, x, y\n", "row 2"),
    "a row of semicolons": ("f.csv", HEAD + GOOD + "a b;a c; x; y\n", "row 2"),
    "tabs among semicolons": ("f.csv", HEAD.replace(",", ";") + GOOD.replace(",", "\t"), "row 1"),
    "no header": ("f.csv", GOOD + GOOD, "f.csv"),
    "a column twice": ("f.csv", "clean,clean,corrupt,answer,distractor\n", "f.csv"),
    "only a header": ("f.csv", HEAD, "f"),
    "nothing": ("f.csv", "", "f.csv"),
    "a picture": ("f.csv", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".encode("latin-1"), "f.csv"),
    "a workbook by name": ("f.xlsx", HEAD + GOOD, "f.xlsx"),
    "an old workbook": ("f.xls", HEAD + GOOD, "f.xls"),
    "UTF-32": ("f.csv", (HEAD + GOOD).encode("utf-32"), "f.csv"),
    "half of UTF-16": ("f.csv", (HEAD + GOOD).encode("utf-16")[:-1], "f.csv"),
    "a cut JSON line": ("f.jsonl", lines(ROW, '{"clean": "a'), "row 2"),
    "a comma after a line": ("f.jsonl", lines(ROW, json.dumps(ROW) + ","), "row 2"),
    "single quotes": ("f.jsonl", lines(ROW, str(ROW)), "row 2"),
    "a number for a text": ("f.json", json.dumps([ROW, ROW | {"answer": 7}]), "row 2"),
    "an empty text in a list": ("f.json", json.dumps([ROW, ROW | {"answer": [" x", ""]}]), "row 2"),
    "ids that are none": ("f.json", json.dumps([ROW, ROW | {"answer_ids": ["x"]}]), "row 2"),
    "half a surrogate pair": ("f.json", json.dumps([ROW, ROW | {"clean": "\ud83d"}]), "row 2"),
    "a key twice": ("f.jsonl", lines(ROW, '{"clean": "a", "clean": "b"}'), "row 2"),
    "a list in a list": ("f.json", json.dumps([ROW, [ROW]]), "row 2"),
    "two lists": ("f.json", json.dumps({"a": [ROW], "b": [ROW]}), "f.json"),
    "JSON with a comment": ("f.json", "// pairs\n" + json.dumps([ROW]), "f.json"),
}


@pytest.mark.parametrize("case", FILES)
def test_the_row_or_the_file_is_named(case):
    name, content, where = FILES[case]
    with pytest.raises(PromptError) as caught:
        parse_pairs(content if isinstance(content, bytes) else content.encode(), filename=name).or_raise()
    assert caught.value.where == where
    assert caught.value.next_step
    assert "\n" not in caught.value.one_line()
