"""``python -m core pairs check``: lines, exit codes, JSON, the repaired file, refusals."""

import json

import pytest

from core.__main__ import main
from core.models import load
from core.models.load import wrap
from core.prompts.parse import parse_pairs
from tests.tiny import tiny_hf
from tests.ui.conftest import tiny_tokenizer

HEADER = "clean,corrupt,answer,distractor\n"
GOOD = '"When Mary and John met, John gave it to","When Mary and John met, Mary gave it to"," Mary"," John"\n'
SPACE = GOOD.replace('it to"', 'it to "')
SHORT = '"the cat sat","the cat"," is"," are"\n'


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    tokenizer = tiny_tokenizer()
    monkeypatch.setattr(load, "load_model", lambda name, **_: wrap(tiny_hf("llama"), tokenizer, model_id=name))


@pytest.fixture
def check(tmp_path):
    """Runs the command on a file of these rows and gives the exit code."""

    def run(rows: str, *options: str) -> int:
        path = tmp_path / "pairs.csv"
        path.write_text(HEADER + rows)
        try:
            return main(["pairs", "check", str(path), "--model", "tiny", *options])
        except SystemExit as stop:
            return int(stop.code or 0)

    return run


def lines(capsys) -> list[list[str]]:
    return [line.split(maxsplit=4) for line in capsys.readouterr().out.splitlines()]


def test_sound_pairs_give_a_summary_and_code_0(check, capsys):
    assert check(GOOD, "--no-run") == 0
    assert capsys.readouterr().out == "1 pair: 0 errors, 0 warnings, 0 notes\n"


def test_one_line_a_finding_and_the_summary_last(check, capsys):
    assert check(GOOD + SPACE + SHORT, "--no-run") == 1
    found = lines(capsys)
    assert [line[:4] for line in found[:-1]] == [
        ["row", "3", "error", "refused"],
        ["row", "2", "warning", "spaces"],
        ["row", "2", "error", "spaces"],  # a space alone is unknown to this tokenizer
    ]
    assert " ".join(found[-1]) == "3 pairs: 2 errors, 1 warning, 0 notes"


def test_the_model_is_asked_unless_told_not_to(check, capsys):
    check(GOOD)
    assert "the model gets" in capsys.readouterr().out
    check(GOOD, "--precision")
    assert "precision" in capsys.readouterr().out


def test_everything_as_json(check, capsys):
    assert check(GOOD + SHORT, "--json", "--no-run") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["pairs"], report["run"], report["solved"]) == (2, 0, None)
    (finding,) = report["findings"]
    assert (finding["row"], finding["check"], finding["repair"]) == (2, "refused", "Leave out")


def test_repairs_are_written_and_what_is_left_decides_the_code(check, capsys, tmp_path):
    out = tmp_path / "repaired.csv"
    rows = GOOD + SPACE + SHORT + GOOD + "only,two\n"
    assert check(rows, "--no-run", "--repair", "spaces", "--out", str(out)) == 1
    assert "1 changed, 1 left out" in capsys.readouterr().err
    assert check(rows, "--no-run", "--repair", "spaces,refused,duplicates", "--out", str(out)) == 0
    error = capsys.readouterr().err
    assert "1 changed, 3 left out" in error
    assert "2 pairs: 0 errors, 1 warning, 0 notes" in error  # without its space one is the other
    first, second = parse_pairs(out.read_bytes(), filename=out.name).or_raise()
    assert (first.clean, first.answer) == ("When Mary and John met, John gave it to", " Mary")
    assert second == first


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (GOOD, ["--repair", "magic", "--out", "x.csv"], "--repair: 'magic' is not known"),
        (GOOD, ["--repair", "spaces"], "--out"),
        (GOOD, ["--out", "x.csv"], "--out"),
        (GOOD, ["--repair", "spaces", "--out", "x.jsonl"], "CSV"),
        (GOOD, ["--repair", "solved", "--out", "x.csv", "--no-run"], "--no-run"),
        (SHORT, ["--repair", "refused", "--out", "x.csv", "--no-run"], "No pair would be left"),
        (GOOD, ["--repair", "spaces", "--out", "/no/such/folder/x.csv", "--no-run"], "cannot be written"),
        ("", [], "There are no pairs"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_code_2(check, capsys, tmp_path, monkeypatch, rows, options, said):
    monkeypatch.chdir(tmp_path)
    assert check(rows, *options) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.csv").exists()


def test_columns_may_have_other_names(tmp_path, capsys):
    path = tmp_path / "pairs.csv"
    path.write_text("ours" + HEADER + GOOD)
    names = "clean=oursclean,corrupt=corrupt,answer=answer,distractor=distractor"
    assert main(["pairs", "check", str(path), "--model", "tiny", "--no-run"]) == 2
    assert main(["pairs", "check", str(path), "--model", "tiny", "--no-run", "--columns", names]) == 0


def test_a_file_that_is_not_there(capsys):
    assert main(["pairs", "check", "/no/such.csv", "--model", "tiny"]) == 2
    assert "cannot be read" in capsys.readouterr().err
