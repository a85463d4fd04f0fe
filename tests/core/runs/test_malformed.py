"""Hundreds of malformed uploads: each is refused in words or read without its bad rows; nothing else ever happens."""

import json
import struct

import numpy as np
import pytest

from core.errors import UserError
from core.export.folder import effects_bytes, run_json
from core.export.reading import read_files
from core.prompts.parse import MAX_ROWS, ParsedPairs, pairs_to_csv, parse_pairs
from core.runs.sessions.session_file import restore, session_file
from core.runs.store import Store
from tests.make_results import make_result

HEAD = "clean,corrupt,answer,distractor\n"
SCRIPTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://example.com/x.png)",
    "=HYPERLINK(0)",
    "+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-1+1",
    "\t=1",
    "../../etc/passwd",
    "{{7*7}}",
    "${7*7}",
    "'; DROP TABLE runs; --",
    "\u202egnp.exe",
    "a\u0000b",
    ":material/home:",
    "\ud83d",
)


def texts():
    """Files that are broken as text."""
    sound = (HEAD + "a b,a c,d,e\n").encode()
    for encoding in ("utf-16", "utf-16-le", "utf-32", "cp037", "utf-7"):
        yield f"{encoding}.csv", (HEAD + "ä b,a c,+d,e\n").encode(encoding)
    for cut in range(0, len(sound), 3):
        yield "cut.csv", sound[:cut]
    for byte in (0x00, 0x80, 0xC0, 0xED, 0xFE, 0xFF):
        yield "byte.csv", sound + bytes([byte])
    rng = np.random.default_rng(0)
    for size in (1, 10, 100, 1000, 10_000):
        for name in ("noise.csv", "noise.jsonl"):
            yield name, rng.bytes(size)
    for magic in (b"\x89PNG\r\n", b"PK\x03\x04", b"\x80\x04\x95", b"%PDF-1.7", b"\x7fELF", b"\x1f\x8b\x08"):
        yield "magic.csv", magic + sound
    for name in ("", ".csv.exe", "x.pkl", "x.xlsx", "x.csv\x00.png", "../../x.html", "x" * 300):
        yield name, sound


def tables():
    """Files whose columns, rows or quotes are wrong."""
    for header in (
        "",
        "clean",
        "clean,corrupt,answer",
        "clean;corrupt;answer;distractor",
        "clean\tcorrupt\tanswer\tdistractor",
        "Clean,Corrupt,Answer,Distractor",
        "clean,clean,answer,distractor",
        "clean,corrupt,answer,distractor,evil",
        ",,,",
        "0,1,2,3",
        "<script>,corrupt,answer,distractor",
    ):
        yield "header.csv", f"{header}\na,b,c,d\n".encode()
    for row in (
        "a",
        "a,b",
        "a,b,c",
        "a,b,c,d,e",
        ",,,",
        '"a,b,c,d',
        'a,"b"x,c,d',
        "a,b,,d",
        " , , , ",
        "a,b,c," + "d" * 30_000,
        '"' + "a\n" * 500 + '",b,c,d',
    ):
        yield "row.csv", (HEAD + row + "\n").encode()
        yield "rows.csv", (HEAD + "a b,a c,d,e\n" + (row + "\n") * 50).encode()
    yield "long.csv", (HEAD + "a b,a c,d,e\n" * (MAX_ROWS + 5)).encode()
    yield "large.csv", (HEAD + "a" * 6_000_000).encode()
    yield "newlines.csv", (HEAD + "\n" * 100_000).encode()
    yield "quotes.csv", (HEAD + '"' * 100_001).encode()
    for text in SCRIPTS:
        quoted = '"' + text.replace('"', '""') + '"'
        for place in range(4):
            cells = ["a b", "a c", "d", "e"]
            cells[place] = quoted
            yield "cell.csv", (HEAD + ",".join(cells) + "\n").encode("utf-8", "surrogatepass")


def lines():
    """JSONL files that are no pairs."""
    good = {"clean": "a b", "corrupt": "a c", "answer": "d", "distractor": "e"}
    for value in (None, 0, 1.5, True, [], {}, "", ["a"], {"a": 1}, 10**30):
        yield "value.jsonl", (json.dumps(value) + "\n").encode()
        for key in good:
            yield "field.jsonl", (json.dumps(good | {key: value}) + "\n").encode()
    for text in ("{", "[", "[" * 100_000, '{"a":' * 50_000, "NaN", "{'clean': 1}", '{"clean": "\\ud800"}', "\u2028"):
        yield "broken.jsonl", text.encode()
    yield "extra.jsonl", json.dumps(good | {"__class__": "os.system"}).encode()


def results():
    """Descriptions and effects of runs that do not belong together, or are cut or stretched."""
    result = make_result()
    described, effects = run_json(result), effects_bytes(result)
    text = json.dumps(described).encode()
    for field in described:
        yield json.dumps({key: value for key, value in described.items() if key != field}).encode(), effects
        for wrong in (None, "x", -1, [], {}, [[]], 10**30):
            if wrong == {} and field in ("seconds", "provenance"):
                continue  # nothing need be known of these
            yield json.dumps(described | {field: wrong}).encode(), effects
    for part in ("spec", "shape"):
        for field in described[part]:
            for wrong in (None, -1, [{}], "x" * 10):
                if wrong == "x" * 10 and field in ("model", "revision", "dtype", "pairs_digest"):
                    continue  # any text will do there
                yield json.dumps(described | {part: described[part] | {field: wrong}}).encode(), effects
    for field in described["pairs"][0]:
        for wrong in (None, {}, [None]):
            pairs = [described["pairs"][0] | {field: wrong}, *described["pairs"][1:]]
            yield json.dumps(described | {"pairs": pairs}).encode(), effects
    for cut in range(0, len(effects), max(1, len(effects) // 40)):
        yield text, effects[:cut]
    for length in (0, 1, 2**31, 2**63, 2**64 - 1):
        yield text, struct.pack("<Q", length) + effects[8:]
    yield text, effects + b"more"
    yield text, b"\x80\x04\x95" + effects
    yield text, effects.replace(b"F32", b"F64")
    yield text, effects.replace(b"z/0", b"z/9")
    for damaged in (text[: len(text) // 2], b"", b"\xff" + text, text.replace(b"4.0", b"NaN"), b"[" * 100_000):
        yield damaged, effects


UPLOADS = [*texts(), *tables(), *lines()]


def test_there_are_enough_of_them():
    assert len(UPLOADS) + len(list(results())) >= 300


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """Works in an empty folder that must stay empty."""
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []


def test_pairs_are_refused_in_words_or_read_without_their_bad_rows(empty_folder):
    refusals = []
    for name, data in UPLOADS:
        try:
            parsed = parse_pairs(data, filename=name)
        except UserError as error:
            refusals.append(error)
            continue
        assert isinstance(parsed, ParsedPairs)
        assert parsed.problems or len(parsed.pairs), name
        assert all(pair.clean and pair.corrupt for pair in parsed.pairs), name
        if len(parsed.pairs):
            again = parse_pairs(pairs_to_csv(parsed.pairs).encode(), filename="again.csv")
            assert again.pairs.pairs == parsed.pairs.pairs, name
    assert len(refusals) > 40
    assert all(error.what and len(error.one_line()) < 1000 for error in refusals)


def test_results_are_refused_in_words(empty_folder):
    for i, (described, effects) in enumerate(results()):
        with pytest.raises(UserError) as refused:
            read_files(described, effects)
        assert len(refused.value.one_line()) < 1000, i


def test_session_files_cut_anywhere_are_refused(tmp_path):
    store = Store(tmp_path / "there")
    content = session_file(store, [store.put(make_result())])
    fresh = Store(tmp_path / "here")
    for cut in range(0, len(content), max(1, len(content) // 60)):
        with pytest.raises(UserError):
            restore(fresh, content[:cut])
    assert fresh.entries() == []
