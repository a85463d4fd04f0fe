"""``python -m core probe`` and ``audit``, on a tiny model: files, exit codes, one line on stderr."""

import csv

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from core.__main__ import main
from core.models import load
from core.models.load import wrap
from tests.core.labs.knowledge.conftest import statements
from tests.tiny import tiny_hf
from tests.ui.conftest import tiny_tokenizer

TEMPLATE = "When {text} is {answer}"


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs a command on the tiny model, with data and cache of its own."""
    monkeypatch.setattr(
        load, "load_model", lambda model_id, **_: wrap(tiny_hf("llama"), tiny_tokenizer(), model_id=model_id)
    )
    path = tmp_path / "mine.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "group", "topic"])
        writer.writerows((i.text, int(i.label), i.group, i.topic) for i in statements().items)

    def run(name: str, *more: str, out: str = "out") -> int:
        fixed = ["--model", "tiny", "--template", TEMPLATE, "--answers", "cat,dog", "--seeds", "2", "--epochs", "20"]
        if "--data" not in more:
            fixed += ["--data", str(path)]
        return main([name, *fixed, "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / out), *more])

    return run


def test_probe_writes_accuracies_audit_and_activations(command, tmp_path, capsys):
    assert command("probe", "--distractor", "word", "--layers", "1,3", "--save-activations") == 0
    table = pd.read_csv(tmp_path / "out" / "accuracy.csv")
    assert {"layer", "method", "seed", "truth", "distractor", "loss", "split"} <= set(table)
    assert set(table.layer.dropna()) == {1, 3}
    saved = load_file(tmp_path / "out" / "activations.safetensors")
    assert saved["activations"].shape == (40, 2, 4, 32)
    assert saved["activations"].dtype == np.float32
    assert {"label", "distractor", "split"} <= set(saved)
    assert (tmp_path / "out" / "audit.json").exists()
    assert "word" in capsys.readouterr().out


def test_audit_reads_a_probe_from_a_file_and_looks_at_its_layer(command, tmp_path, capsys):
    probe = tmp_path / "mine.npz"
    np.savez(probe, direction=np.arange(32.0), bias=0.0, layer=2)
    assert command("audit", "--probe", str(probe)) == 0
    assert "mine.npz: " in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out" / "accuracy.csv")
    assert set(table.layer.dropna()) == {2}
    assert set(table.condition) == {"none", "reworded", "persona", "word", "opinion", "implicit"}
    np.savez(probe, direction=np.arange(31.0), layer=2)
    assert command("audit", "--probe", str(probe), out="other") == 2
    assert "31 dimensions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--data", "nowhere.csv"], "--data: nowhere.csv cannot be read"),
        (["--layers", "9"], "no layer 9"),
        (["--layers", "x"], "'x' is no layer"),
        (["--methods", "magic"], "--methods: 'magic' is not known"),
        (["--distractor", "noise"], "--distractor: 'noise' is not known"),
        (["--norm", "max"], "--norm: 'max' is not known"),
        (["--seeds", "0"], "--seeds"),
        (["--template", "no slots"], "must hold {text}"),
        (["--answers", "one"], "--answers"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(command, tmp_path, capsys, options, what):
    assert command("probe", *options) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
