"""A whole small study of questions: cut off, gone on with, and read back."""

import json

import pandas as pd
import pytest
from safetensors.torch import load_file

from core.errors import Cancelled
from core.labs.goals.questions.settings import QuestionSettings
from core.labs.goals.questions.study import MEASURES, SHIFTS, run_questions
from core.labs.goals.record import AGENTS, CURVES, EPISODES, SUMMARY

TINY = QuestionSettings(
    shares=(0.0, 0.5), seed=3, seeds=2, steps=100, batch=8, width=8, heads=2, layers=1, dialogues=10
)


def run(folder, **more):
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    return run_questions(TINY, scratch=folder / "scratch", out=out, **more)


def test_a_study_that_was_cut_off_leaves_what_a_whole_one_does(tmp_path):
    steps = []
    whole = run(tmp_path / "whole", on_step=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (400, 400)
    calls = iter(range(1000))
    with pytest.raises(Cancelled):
        run(tmp_path / "cut", cancelled=lambda: next(calls) > 150)
    again = run(tmp_path / "cut")
    assert {**again, "seconds": 0} == {**whole, "seconds": 0}
    for name in (CURVES, EPISODES):
        tables = [pd.read_parquet(tmp_path / folder / "out" / name) for folder in ("whole", "cut")]
        pd.testing.assert_frame_equal(*tables)


def test_the_files_say_what_the_summary_says(tmp_path):
    summary = run(tmp_path)
    assert json.loads((tmp_path / "out" / SUMMARY).read_text()) == summary
    episodes = pd.read_parquet(tmp_path / "out" / EPISODES)
    assert len(episodes) == 2 * 2 * len(SHIFTS) * TINY.dialogues
    assert {"run", "policy", "seed", "setting", "shift", "episode", *MEASURES} == set(episodes)
    row = next(r for r in summary["means"] if (r["setting"], r["shift"]) == ("share_none=0.5", "no unknown"))
    part = episodes[(episodes["setting"] == "share_none=0.5") & (episodes["shift"] == "no unknown")]
    assert row["asks"]["mean"] == pytest.approx(part["asks"].mean())
    assert (part["asks"] == (part["steps"] > 0)).all()
    curves = pd.read_parquet(tmp_path / "out" / CURVES)
    assert curves.groupby("run")["step"].max().tolist() == [100] * 4
    assert len({name.split("/")[0] for name in load_file(tmp_path / "out" / AGENTS)}) == 4
