"""``python -m core grokking``: files and refusals."""

import json

import pandas as pd
import pytest

from core.__main__ import main
from core.labs.grokking import presets
from core.labs.grokking.command import _lines
from core.labs.grokking.presets import preset
from core.labs.grokking.settings import REGIMES, smaller

TINY = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 12, "sizes": (20, 30), "seeds": (0,), "points": 6}


@pytest.fixture
def tiny_presets(monkeypatch):
    """Presets of a second."""

    def tiny(regime, size="small", *, seed=0):
        more = {"pre_sizes": (49,), "pre_steps": (10,)} if regime == "ungrok" else {}
        more |= {"random_sizes": (10, 20)} if regime == "efficiency" else {}
        return smaller(preset(regime, size, seed=seed), **TINY | more)

    monkeypatch.setattr(presets, "preset", tiny)


@pytest.mark.parametrize("regime", REGIMES)
def test_every_regime_writes_its_folder(regime, tiny_presets, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["grok", "--regime", regime, "--steps", "20", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["steps"] == 20
    assert len(pd.read_parquet(out / "curves.parquet")["run"].unique()) == len(summary["runs"])
    assert not (out / "unfinished").exists()
    assert "train 100" in capsys.readouterr().out


def test_a_run_that_starts_solved_is_said_to_have_reached_it_at_step_0():
    run = {"n_train": 84, "weight_decay": 1.0, "labels": "true", "seed": 3, "test_acc": 0.5, "norm": 20.0}
    line = _lines({"runs": [run | {"step_train_100": 0, "step_test_95": None}], "seconds": 1.0})[1]
    assert line.split()[4:6] == ["0", "–"]


def test_the_simulation_ends_at_the_closed_form(tmp_path):
    assert main(["grok", "--regime", "toy", "--out", str(tmp_path / "toy")]) == 0
    summary = json.loads((tmp_path / "toy" / "summary.json").read_text())
    assert summary["end_ratio"] == pytest.approx(summary["closed_form_ratio"], abs=1e-3)


@pytest.mark.parametrize("wrong", [["--seed", "-1"], ["--steps", "0"], ["--seeds", "0"]])
def test_wrong_options_are_one_line_and_exit_code_2(wrong, tmp_path, capsys):
    assert main(["grok", "--regime", "grok", "--out", str(tmp_path / "x"), *wrong]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_another_experiment_does_not_take_over_a_begun_folder(tiny_presets, tmp_path, capsys):
    out = tmp_path / "out"
    (out / "unfinished").mkdir(parents=True)
    (out / "unfinished" / "settings.json").write_text("{}")
    assert main(["grok", "--regime", "grok", "--steps", "20", "--out", str(out)]) == 2
    assert "another experiment" in capsys.readouterr().err
