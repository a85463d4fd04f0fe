"""Files as they come on the command line: columns by other names, every fault told, rows left out on request."""

import json
import shlex

import pandas as pd
import pytest

from core.__main__ import main
from core.export.folder import read_folder
from core.models.catalogue import DEFAULT

HEADER = "clean,corrupt,answer,distractor\n"
SOUND = [
    '"When Mary and John left, John gave it to","When Mary and John left, Mary gave it to", Mary, John',
    '"When Anna and Tom left, Tom gave it to","When Anna and Tom left, Anna gave it to", Anna, Tom',
]
LONGER = '"When Mary and John left, John gave it to","When Mary and John left, Mary then gave it to", Mary, John'
ATP = ("--method", "atp", "--nodes", "z")


def attribute(file, *more):
    command = ["attribute", "--model", DEFAULT, "--device", "cpu", "--pairs", str(file), *ATP]
    return main([*command, *more])


def written(tmp_path, text, name="pairs.csv"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def test_the_likely_columns_are_named_ready_to_paste(tmp_path, capsys):
    file = written(tmp_path, "clean,corrupted,correct answer,incorrect\na b,a c, x, y\n")
    assert attribute(file, "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    option = shlex.split(error.split("Say which they are: ")[1])
    assert option == ["--columns", "corrupt=corrupted,answer=correct answer,distractor=incorrect"]


def test_an_option_that_names_no_columns_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        attribute(written(tmp_path, HEADER), "--columns", "clean", "--out", str(tmp_path / "out"))
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_kinds_of_counterfactuals_are_named_ready_to_paste(tmp_path, capsys):
    other = {"prompt": "a c", "choices": ["x", "y"], "answerKey": 1}
    row = {"prompt": "a b", "choices": ["x", "y"], "answerKey": 0, "abc_counterfactual": other, "flip": other}
    assert attribute(written(tmp_path, json.dumps(row), "mib.jsonl"), "--out", str(tmp_path / "out")) == 2
    assert "--counterfactual abc_counterfactual or --counterfactual flip" in capsys.readouterr().err


def test_every_fault_is_told_up_to_twenty_and_a_count(tmp_path, capsys):
    file = written(tmp_path, HEADER + SOUND[0] + "\n" + "a b,,,\n" * 8 + "only,two\n")
    assert attribute(file, "--out", str(tmp_path / "out")) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "row 2: The corrupt is missing. Fill it in, or delete the row."
    assert lines[20] == "and 5 more"
    assert lines[21] == (
        "error: pairs.csv: 9 rows have 25 faults, so nothing was run. Mend them. Or leave such rows out with --skip."
    )
    assert len(lines) == 22
    assert not (tmp_path / "out").exists()


@pytest.mark.model
def test_rows_that_do_not_fit_are_left_out_counted_and_written(tmp_path, capsys):
    file, out = written(tmp_path, HEADER + "\n".join([SOUND[0], LONGER, "a b,a c", LONGER, SOUND[1]])), tmp_path / "out"
    assert attribute(file, "--out", str(out)) == 2
    assert "--skip" in capsys.readouterr().err
    assert attribute(file, "--skip", "--out", str(out)) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "3 of 5 rows left out:"
    assert told[1].startswith("  2: The clean prompt has … tokens, the corrupt one …")
    assert told[2] == "  1: The row has … values for … columns"
    skipped = pd.read_csv(out / "skipped.csv", keep_default_na=False)
    assert list(skipped.columns) == ["row", "clean", "corrupt", "answer", "distractor", "reason"]
    assert list(skipped["row"]) == [2, 3, 4]
    assert skipped["answer"][0] == " Mary"
    assert "2 values for 4 columns" in skipped["reason"][1]

    plain = written(tmp_path, HEADER + "\n".join(SOUND), "plain.csv")
    assert attribute(plain, "--out", str(tmp_path / "plain")) == 0
    assert not (tmp_path / "plain" / "skipped.csv").exists()
    assert read_folder(out).spec.digest == read_folder(tmp_path / "plain").spec.digest
    assert attribute(plain, "--out", str(out)) == 0  # a folder with rows left out may be written anew
    assert not (out / "skipped.csv").exists()


@pytest.mark.model
def test_nothing_runs_where_no_row_is_left(tmp_path, capsys):
    assert attribute(written(tmp_path, HEADER + LONGER + "\n"), "--skip", "--out", str(tmp_path / "out")) == 2
    assert "No row can be run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
