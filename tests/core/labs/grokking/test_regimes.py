"""Presets, verdicts on curves of known shape, and an experiment from settings to files."""

import json

import numpy as np
import pandas as pd
import pytest

from core.errors import SpecError
from core.labs.grokking.experiment import run_experiment
from core.labs.grokking.presets import preset
from core.labs.grokking.record import WEIGHTS, Weights, finals, steps_to
from core.labs.grokking.regimes.semigrok import course
from core.labs.grokking.script import experiment_script
from core.labs.grokking.settings import PRESETS, REGIMES, Settings, seconds_for, smaller
from core.labs.grokking.training.row import COLUMNS
from core.labs.grokking.verdict import judge, measured

SMALL = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 12, "points": 6, "steps": 30, "seeds": (0, 1)}


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("size", PRESETS)
def test_every_preset_stands_and_goes_through_json(regime, size):
    settings = preset(regime, size, seed=3)
    assert settings.seeds[0] == 3
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize("regime", REGIMES)
def test_small_presets_leave_a_margin_in_their_time(regime):
    limit = {"grok": 120, "ungrok": 240}.get(regime, 480)
    assert seconds_for(preset(regime), cores=2) < 0.7 * limit


def test_what_makes_no_experiment_is_refused():
    for changes in ({"sizes": ()}, {"seeds": ()}, {"p": 9}, {"n_heads": 3}, {"steps": 0}, {"steps": 10**13}):
        with pytest.raises(SpecError):
            smaller(preset("grok"), **changes)
    with pytest.raises(SpecError):
        preset("grok", "huge")
    with pytest.raises(SpecError):
        Settings.from_json({"regime": "grok"})


def curve(test_acc, train_acc=None, steps=None):
    """A run's curve with this accuracy on unseen pairs."""
    n = len(test_acc)
    steps = np.arange(n) * 100 if steps is None else steps
    train = np.ones(n) if train_acc is None else train_acc
    values = dict.fromkeys(COLUMNS, np.zeros(n)) | {"train_acc": train, "test_acc": np.array(test_acc)}
    return pd.DataFrame({"run": 0, "step": steps, **values})


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (np.r_[np.zeros(20), np.linspace(0, 1, 5), np.ones(25)], "generalised"),
        (np.r_[np.zeros(10), np.linspace(0.25, 0.5, 20), np.ones(20)], "transient"),
        (np.r_[np.zeros(20), np.full(30, 0.5)], "semi-grokked"),
        (np.r_[np.zeros(20), np.linspace(0, 0.8, 30)], "rising"),
        (np.full(50, 0.04), "memorised"),
        (np.full(50, 0.3), "memorised"),  # it has not risen since the training set was learned
    ],
)
def test_a_run_is_called_by_its_course(shape, kind):
    assert course(curve(shape)) == kind


def test_a_run_that_never_learned_its_pairs_is_called_so():
    assert course(curve(np.full(10, 0.5), train_acc=np.full(10, 0.9))) == "not learned"


def test_steps_are_those_of_the_first_measured_point():
    table = curve([0.0, 0.5, 0.96, 0.9, 1.0], train_acc=[0.1, 1.0, 1.0, 1.0, 1.0])
    assert steps_to(table, "test_acc", 0.95) == 200
    assert finals(table)["step_train_100"].tolist() == [100]
    assert steps_to(curve([0.1, 0.2]), "test_acc", 0.95) is None


def rows(frame):
    """Curves of one point each, for runs that only their end matters of."""
    base = dict.fromkeys(COLUMNS, 0.0) | {"train_acc": 1.0, "test_acc": 1.0, "labels": "true", "weight_decay": 1.0}
    return pd.DataFrame([base | {"run": i, "step": 10, "seed": i} | row for i, row in enumerate(frame)])


def test_known_slopes_and_crossing_are_found():
    memory = [{"labels": "random", "n_train": d, "norm": 3.0 * d**0.3} for d in (100, 200, 400, 800)]
    solution = [{"n_train": d, "norm": 3.0 * 500**0.3} for d in (1000, 1500, 2000)]
    fit = measured(preset("efficiency"), rows(memory + solution), {})["fits"][0]
    assert fit["memory_slope"]["value"] == pytest.approx(0.3)
    assert fit["solution_slope"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert fit["critical_size"]["value"] == pytest.approx(500)


def test_networks_that_did_not_do_their_part_do_not_count():
    memory = [{"labels": "random", "n_train": d, "norm": 1.0, "train_acc": 0.9} for d in (100, 200, 400)]
    numbers = measured(preset("efficiency"), rows(memory), {})
    assert numbers["n_memorised"] == 0
    assert numbers["fits"][0]["critical_size"] is None
    assert judge(preset("efficiency"), numbers).standing == "cannot tell"


def test_the_ungrokking_threshold_is_where_the_mean_passes_the_middle():
    ends = [{"n_train": d, "test_acc": a, "weight_decay": w} for w in (0.5, 1.0) for d, a in ((100, 0.1), (400, 0.9))]
    numbers = measured(preset("ungrok"), rows(ends), {})
    assert [t["n_train"] for t in numbers["threshold"]] == pytest.approx([200, 200])
    assert numbers["largest_difference_between_weight_decays"] == 0
    assert judge(preset("ungrok"), numbers).standing == "agrees"


@pytest.mark.parametrize("regime", REGIMES)
def test_an_experiment_writes_its_files(regime, tmp_path):
    changes = SMALL | {"sizes": (20, 30), "moments": 3}
    changes |= {"pre_sizes": (30, 49), "pre_steps": (20, 10)} if regime == "ungrok" else {}
    changes |= {"random_sizes": (10, 20)} if regime == "efficiency" else {}
    settings = smaller(preset(regime), **changes)
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    out.mkdir()
    steps = []
    summary = run_experiment(settings, scratch=scratch, out=out, on_step=lambda done, total: steps.append(done))
    curves = pd.read_parquet(out / "curves.parquet")
    assert curves.groupby("run")["step"].max().eq(30).all()
    assert set(curves["run"]) == set(range(len(settings.runs)))
    assert not curves.isna().any().any()
    assert summary == json.loads((out / "summary.json").read_text())
    weights = Weights(out / WEIGHTS, settings)
    assert weights.at(0, 30).shape == (1, settings.net.size)
    verdict_words = judge(settings, summary["verdict"])
    assert verdict_words.shown
    if regime == "ungrok":
        before = pd.read_parquet(out / "pretraining.parquet")
        assert set(before["phase"]) == {0, 1}
        end = before[(before["phase"] == 1) & (before["step"] == 10)].set_index("run")
        start = curves[curves["step"] == 0]
        for run in start.itertuples():
            assert run.norm == pytest.approx(end.loc[settings.seeds.index(run.seed), "norm"])
    compile(experiment_script(settings), "grokking.py", "exec")
