"""``python -m core goals --world questions``: a small study written whole, and what is refused."""

import argparse
import json

import pytest

from core.errors import SpecError
from core.labs.goals.command import add
from core.labs.goals.record import FILES


def command(*words):
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers(), "goals")
    options = parser.parse_args(["goals", *words])
    options.run(options)


def test_it_leaves_every_file_and_says_what_was_found(tmp_path, capsys):
    out = tmp_path / "out"
    command("--world", "questions", "--no-unknowns", "0,0.5", "--seeds", "1", "--steps", "2", "--out", str(out))
    assert {file.name for file in out.iterdir()} == set(FILES)
    run = json.loads((out / "run.json").read_text())
    assert run["items"] == 2
    assert run["spec"]["settings"]["shares"] == [0.0, 0.5]
    assert "share_none=0.5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--world", "questions", "--corner", "3"), "no such setting"),
        (("--world", "corner", "--no-unknowns", "0"), "no dialogues"),
        (("--world", "questions", "--no-unknowns", "0,x"), "not numbers"),
        (("--world", "questions", "--no-unknowns", "2"), "from 0 to 1"),
        (("--world", "questions", "--steps", "0"), "at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, words, what):
    with pytest.raises(SpecError, match=what):
        command(*words, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
