"""One reader: encodings, separators, headers, blank rows, JSON in its forms, sheets; and what is refused."""

import io
import json
import zipfile

import pytest
from openpyxl import Workbook

from core.errors import PromptError
from core.files import spreadsheet
from core.files.table import read_table

TEXT = "clean;corrupt\nDer Käse, sagt er;die Milch\n"
ROWS = [{"clean": "a", "corrupt": "b"}, {"clean": "c", "corrupt": "d"}]


def table(data, name="mine.csv"):
    return read_table(data if isinstance(data, bytes) else data.encode(), filename=name, max_bytes=10**6, advice="Two.")


def values(found):
    return [dict(row.values) for row in found.rows]


def refusal(data, name="mine.csv") -> str:
    with pytest.raises(PromptError) as caught:
        table(data, name)
    return caught.value.one_line()


def sheet(*rows) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_recognised(encoding):
    found = table(TEXT.encode(encoding))
    assert values(found) == [{"clean": "Der Käse, sagt er", "corrupt": "die Milch"}]
    assert found.warnings == ()


def test_windows_1252_is_read_and_said():
    found = table(TEXT.encode("cp1252"))
    assert found.rows[0].values["clean"] == "Der Käse, sagt er"
    (warning,) = found.warnings
    assert "line 2 holds the byte 0xE4" in warning.what
    assert "Windows-1252" in warning.what
    assert warning.where == "the file"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_are_read_off_the_header_outside_quotes(separator):
    text = separator.join(['"a,;\t,;\tb"', "c"]) + "\n" + separator.join(['"x,;\ty"', "z"]) + "\n"
    assert values(table(text)) == [{"a,;\t,;\tb": "x,;\ty", "c": "z"}]


def test_excels_own_line_about_the_separator_is_no_header():
    assert values(table("sep=;\r\na;b\r\n1;2\r\n")) == [{"a": "1", "b": "2"}]


def test_names_lose_their_blanks_and_columns_without_one_get_one():
    assert table(" a , b,\n1,2,3\n").header == ("a", "b", "column 3")


def test_blank_lines_above_the_names_are_no_names():
    assert values(table(",\n  \na,b\n1,2\n")) == [{"a": "1", "b": "2"}]


def test_blank_rows_are_skipped_said_once_and_not_counted():
    found = table("a,b\n1,2\n\n  \n,\n\n3\n")
    assert [row.number for row in found.rows] == [0, 1]
    assert found.rows[1].fault.what == "The row has 1 value for 2 columns."
    (warning,) = found.warnings
    assert warning.what == "2 blank rows were skipped and not counted."
    assert values(table(json.dumps([{"a": None}, {}, {"a": " "}, {"a": 0}]), "x.json")) == [{"a": 0}]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (json.dumps(ROWS), "x.json"),
        (json.dumps(ROWS, indent=1), "x.jsonl"),
        ("\n".join(map(json.dumps, ROWS)), "x.jsonl"),
        ("\n".join(map(json.dumps, ROWS)), "x.json"),
        (json.dumps({"name": "set", "tags": ["x"], "rows": ROWS}), "x.json"),
        ("\ufeff" + json.dumps(ROWS), "x.json"),
    ],
)
def test_json_in_its_forms(text, name):
    found = table(text, name)
    assert values(found) == ROWS
    assert found.typed


def test_one_object_is_one_row():
    row = {"a": 1, "b": [{"c": 2}]}
    assert values(table(json.dumps(row), "x.jsonl")) == [row]
    assert values(table(json.dumps(ROWS[0], indent=1), "x.json")) == ROWS[:1]


def test_a_sheet_is_read_as_text():
    found = table(sheet(["a", " b ", None], ["x", 7.0, None], [None, None, None], ["y", 1.5, True]), "x.xlsx")
    assert found.header == ("a", "b", "column 3")
    assert [tuple(row.values.values()) for row in found.rows] == [("x", "7", ""), ("y", "1.5", "true")]


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        ("a,a\n", "x.csv", "more than once: 'a'"),
        ("a,b\n1,2\n", "x.doc", "'.doc' are not read"),
        (b"PK\x03\x04rubbish", "x.xlsx", "no sound Excel workbook"),
        (b"a,b\n", "x.xlsx", "no sound Excel workbook"),
        ("[1, 2", "x.json", "x.json: The file is not sound JSON"),
        (json.dumps({"train": ROWS, "test": ROWS}), "x.json", "several lists: 'train', 'test'"),
        (b"\xff\xfe\x00", "x.csv", "not UTF-16"),
        (" \n \n", "x.csv", "empty. Two."),
        ("x" * (10**6 + 1), "x.csv", "at most 1000000"),
        ('a,b\n1,2\n"3,4\n', "x.csv", "row 2: Line 3 is not sound CSV"),
        ("a;b\n1;\x812\n".encode("latin-1"), "x.csv", "line 2 holds the byte 0x81"),
    ],
)
def test_files_with_a_fault_are_refused_with_its_place(data, name, words):
    assert words in refusal(data, name)


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(spreadsheet, "MAX_UNPACKED", 100_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "0" * 200_000)
    assert len(out.getvalue()) < 1_000
    assert "unpacks to more than 100000 bytes" in refusal(out.getvalue(), "x.xlsx")


def test_a_sheet_that_claims_to_be_endless_is_as_long_as_its_rows():
    data, out = sheet(["a", "b"], ["1", "2"]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                assert b'ref="A1:B2"' in content
                content = content.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')
            new.writestr(name, content)
    assert values(table(out.getvalue(), "x.xlsx")) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"a": 1', "not sound JSON"),
        ("[1]", "not a JSON object"),
        ('{"a": 1, "a": 2}', "more than once: 'a'"),
        ('{"b": {"c": 1, "c": 2}}', "more than once: 'c'"),
        ("[" * 50_000, "not sound JSON"),
        ("1" * 5_000, "not sound JSON"),
    ],
)
def test_lines_with_a_fault_stay_rows_with_a_fault(line, words):
    found = table("\n".join(['{"a": 0}', line, '{"a": 3}']), "x.jsonl")
    assert [row.number for row in found.rows if row.fault is None] == [0, 2]
    assert words in found.rows[1].fault.what
