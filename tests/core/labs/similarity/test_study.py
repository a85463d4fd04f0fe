"""A whole study, small: its files, what they can be checked with, its verdict, its figure, its script, its command."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from sklearn.linear_model import LinearRegression

from core.__main__ import main
from core.errors import SpecError
from core.figures.captions import caption_of
from core.labs.similarity.figures.curves import PANELS, by_answers
from core.labs.similarity.record import COLUMNS, POINTS, SUMMARY, TABLE
from core.labs.similarity.script import study_script
from core.labs.similarity.settings import NAMES, REPRESENTATIONS, Settings
from core.labs.similarity.study import run_study
from core.labs.similarity.verdict import interval, judge, summarise
from core.paths import ROOT
from core.worlds.listed.gridrobot import gridrobot

SMALL = {"seeds": 2, "steps": 20, "width": 8, "rewards": 2, "preferences": 20}
SETTINGS = Settings(answers=(10, 20), noise=(0.0, 0.3), **SMALL)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out, steps = tmp_path_factory.mktemp("study"), []
    run_study(SETTINGS, out, on_step=lambda done, total: steps.append((done, total)))
    return out, steps


def test_there_is_a_row_for_every_run(study):
    table = pd.read_csv(study[0] / TABLE)
    assert tuple(table.columns) == COLUMNS
    assert set(table["representation"]) == set(REPRESENTATIONS)
    assert len(table) == 3 * 2 * 2 * 2 + 4 * 2
    oracle = table[table["representation"] == "oracle"]
    assert oracle["fpe"].max() < 1e-9
    assert oracle["violated"].max() == 0
    assert study[1][-1][1] >= study[1][-1][0] > 0


def test_the_stored_representations_give_the_stored_numbers(study):
    table, stored, world = pd.read_csv(study[0] / TABLE), load_file(study[0] / POINTS), gridrobot()
    row = table[(table["representation"] == "sirl") & (table["answers"] == 20) & (table["noise"] == 0)].iloc[1]
    points = stored[f"sirl-20-noise0-seed{row['seed']}"]
    seen, held = stored["seen"], stored["held"]
    np.testing.assert_array_equal(stored["features"], world.features)
    model = LinearRegression().fit(points[seen], stored["features"][seen])
    truth = stored["features"][held]
    plain = ((model.predict(points[held]) - truth) ** 2).mean() / truth.var(0).mean()
    assert row["fpe"] == pytest.approx(plain, abs=0.01)
    assert stored["asked-seed1"].shape == (2, 20, 2)


def test_fine_tuned_rewards_differ_where_there_is_a_network(tmp_path):
    few = {"representations": ("sirl", "vae", "raw"), "answers": (10,), **SMALL}
    plain = run_study(Settings(**few), tmp_path).set_index(["representation", "seed"])
    tuned = run_study(Settings(**few, fine_tune=True), tmp_path).set_index(["representation", "seed"])
    assert (plain["fpe"] == tuned["fpe"]).all()
    assert (plain.loc["raw", "tpa"] == tuned.loc["raw", "tpa"]).all()
    assert (plain.loc["sirl", "tpa"] != tuned.loc["sirl", "tpa"]).any()


def test_an_interval_is_students():
    found = interval(pd.Series([1.0, 2.0, 3.0]))
    assert found["mean"] == 2
    assert found["high"] - 2 == pytest.approx(4.3027 / np.sqrt(3), abs=1e-3)
    assert interval(pd.Series([1.0])) == {"mean": 1.0, "low": None, "high": None}


def made_up(**tpa):
    rows = [
        {"representation": name, "noise": 0.0, "answers": 100 if name in ("sirl", "multi") else 0, "seed": seed}
        | {"tpa": value + 0.001 * seed, "fpe": 0.3, "violated": 0.2, "seconds": 1.0}
        for name, value in tpa.items()
        for seed in range(3)
    ]
    return summarise(pd.DataFrame(rows))


@pytest.mark.parametrize(
    ("tpa", "standing"),
    [
        ({"sirl": 0.8, "vae": 0.6, "multi": 0.7}, "agrees"),
        ({"sirl": 0.8, "vae": 0.6, "multi": 0.8}, "partly"),
        ({"sirl": 0.6, "vae": 0.7, "multi": 0.8}, "does not agree"),
        ({"vae": 0.7}, "cannot tell"),
        ({"sirl": 0.7}, "cannot tell"),
    ],
)
def test_the_verdict_follows_the_intervals(tpa, standing):
    assert judge(made_up(**tpa)).standing == standing


def test_a_rival_that_is_better_is_named():
    lines = " ".join(judge(made_up(sirl=0.6, multi=0.8)).shown)
    assert "Clearly better at no number of answers; clearly worse at 100 answers" in lines


def test_a_kept_verdict_is_plain_json(study):
    summary = json.loads((study[0] / SUMMARY).read_text())
    assert Settings.from_json(summary["settings"]) == SETTINGS
    assert any("30 % of the answers random" in line for line in judge(summary).shown)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_draws_means_and_seeds(study, theme):
    table, summary = pd.read_csv(study[0] / TABLE), json.loads((study[0] / SUMMARY).read_text())
    fig = by_answers(table, summary["means"], noise=0.3, title="GridRobot", theme=theme)
    line = next(trace for trace in fig.data if trace.name == NAMES["sirl"])
    own = table[(table["representation"] == "sirl") & (table["noise"] == 0.3)].groupby("answers")["tpa"].mean()
    np.testing.assert_allclose(line.y, own)
    assert sum(bool(trace.showlegend) for trace in fig.data) == len(REPRESENTATIONS)
    assert len(list(fig.select_yaxes())) == len(PANELS)
    assert "2 seeds" in caption_of(fig)
    assert "30 %" in caption_of(fig)


def test_the_script_runs_the_study_again(study, tmp_path):
    small = Settings(representations=("sirl", "oracle"), answers=(10,), **SMALL)
    (tmp_path / "core").symlink_to(ROOT / "core")
    (tmp_path / "similarity.py").write_text(study_script(small))
    done = subprocess.run([sys.executable, "similarity.py"], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "similarity-result" / TABLE)) == 4


def test_the_command_writes_its_folder(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["similarity", "--representations", "random,oracle", "--seeds", "2", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {TABLE, SUMMARY, POINTS, "run.json"}
    assert json.loads((out / "run.json").read_text())["lab"] == "similarity"
    assert "oracle" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--representations", "sirl,magic"], "magic"),
        (["--answers", "many"], "not numbers"),
        (["--answers", "0"], "between 1 and"),
        (["--noise", "2"], "share"),
        (["--seeds", "0"], "one at least"),
        (["--seeds", "500"], "more than 512"),
        (["--answers", "25,25"], "named once"),
    ],
)
def test_wrong_options_are_one_line(wrong, said, tmp_path, capsys):
    assert main(["similarity", "--out", str(tmp_path / "x"), *wrong]) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert said in error
    assert not (tmp_path / "x").exists()


def test_given_answers_are_checked():
    world = gridrobot()
    a, b, c = (int(i) for i in world.seen[:3])
    assert Settings(answers=(1,), given=((a, b, c),)).given
    with pytest.raises(SpecError, match="answer 1"):
        Settings(answers=(1,), given=((a, b, int(world.held[0])),))
    with pytest.raises(SpecError, match="fewer than 25"):
        Settings(answers=(25,), given=((a, b, c),))
