"""A whole study, small: its files, its verdicts, stopping and going on, its figures, its script, its command."""

import argparse
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.agents.agent import load_agents
from core.agents.net import Net
from core.errors import Cancelled, SpecError
from core.figures.captions import caption_of
from core.labs.goals import presets, study
from core.labs.goals.command import _variants, add
from core.labs.goals.figures.curves import affinity_curves, learning_curves
from core.labs.goals.figures.places import place_map
from core.labs.goals.figures.returns import by_shift, intended_against_proxy
from core.labs.goals.order import spec_of
from core.labs.goals.record import AGENTS, CURVES, EPISODES, LIVE, SUMMARY, agent_name
from core.labs.goals.script import study_script
from core.labs.goals.settings import preset
from core.labs.goals.verdict import summarise
from core.paths import ROOT

SMALL = {"points": 2, "episodes": 12, "steps": 20}
STEPS = 640


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Tiny constants of every preset."""
    for world, own in presets.PRESETS.items():
        learning = replace(own["small"].learning, warmup=64, memory=640, batch=16, width=8, copies=16)
        monkeypatch.setitem(own, "small", replace(own["small"], learning=learning, **SMALL))
        assert world


def _settings(world):
    return preset(world, seeds=2, steps=STEPS)


def _run(settings, folder, **more):
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    summary = study.run_study(settings, scratch=folder / "scratch", out=out, **more)
    return summary, pd.read_parquet(out / CURVES), pd.read_parquet(out / EPISODES), out


@pytest.mark.parametrize("world", ["tree", "partner", "monsters"])
def test_every_world_has_its_study(world, tmp_path):
    settings, steps = _settings(world), []
    summary, curves, episodes, out = _run(settings, tmp_path, on_step=lambda done, total: steps.append((done, total)))
    shifts, trainings = len(settings.task.shifts), len(settings.variants)
    agents = episodes[episodes["policy"] == "agent"]
    assert len(agents) == settings.agents * shifts * 12
    assert len(episodes) - len(agents) == trainings * shifts * 3 * 12
    assert agents[["loglik_intended", "loglik_proxy"]].le(0).all().all()
    assert len(curves) == settings.agents * 2
    assert len(summary["means"]) == trainings * shifts * 4
    assert len(summary["verdicts"]) == trainings * (shifts - 1)
    assert json.loads((out / SUMMARY).read_text()) == summary
    assert summarise(episodes)["verdicts"] == summary["verdicts"]  # the file says it all
    assert set(load_agents(out / AGENTS)) == {agent_name(run) for run in range(settings.agents)}
    assert steps[-1] == (study.PARTS, study.PARTS)
    figures = [learning_curves(curves, title="t"), by_shift(episodes, summary["means"], title="t")]
    figures += [intended_against_proxy(episodes, title="t", theme="dark")]
    if world == "tree":
        assert {"trees", "bare"} <= set(episodes) & set(curves)
        figures.append(affinity_curves(curves, title="t"))
    if world == "monsters":
        assert "free_shields" in episodes
    for figure in figures:
        assert "N = 2 seeds" in caption_of(figure) or f"N = {settings.agents} agents" in caption_of(figure)


def test_a_stopped_study_goes_on_to_the_same_numbers(tmp_path):
    settings = _settings("partner")
    _, curves, episodes, out = _run(settings, tmp_path / "whole")
    for answers in ([False, True], [True]):  # in the first row, in the second
        looks = iter(answers)
        with pytest.raises(Cancelled):
            _run(settings, tmp_path / "stopped", cancelled=lambda looks=looks: next(looks))
    assert (tmp_path / "stopped" / "scratch" / LIVE).exists()
    assert not (tmp_path / "stopped" / "out" / SUMMARY).exists()
    _, again, same, out_again = _run(settings, tmp_path / "stopped")
    pd.testing.assert_frame_equal(again, curves)
    pd.testing.assert_frame_equal(same, episodes)
    assert (out / AGENTS).read_bytes() == (out_again / AGENTS).read_bytes()


def made_up(share_away: float, proxy_away: float, gap: float) -> pd.DataFrame:
    """A study with known shares: scripts get 1 on their goal and 0 on the other, random nothing."""
    rng, rows = np.random.default_rng(0), []
    for shift, intended, proxy in (("training", 0.95, 0.95), ("away", share_away, proxy_away)):
        for policy, pays, other in (("intended", 1, 0), ("proxy", 0, 1), ("random", 0, 0), ("agent", intended, proxy)):
            for seed in (0, 1) if policy == "agent" else (0,):
                paid = pays + 0.05 * rng.normal(size=50)
                told = {"loglik_intended": -1.0, "loglik_proxy": gap - 1.0} if policy == "agent" else {}
                reward = 1.0 if policy in ("intended", "proxy") else paid
                part = pd.DataFrame({"return_intended": paid, "return_reward": reward, "return_proxy": other, **told})
                rows.append(part.assign(seed=seed, setting="s", shift=shift, policy=policy, run=0, episode=range(50)))
    return pd.concat(rows)


@pytest.mark.parametrize(
    ("agent", "standings"),
    [
        ((0.1, 0.9, 0.3), ["holds", "holds", "holds", "holds", "holds"]),
        ((0.9, 0.1, -0.3), ["holds", "fails", "fails", "fails", "fails"]),
        ((0.1, 0.1, 0.3), ["holds", "holds", "fails", "holds", "fails"]),
        ((0.75, 0.9, 0.3), ["holds", "cannot tell", "holds", "holds", "cannot tell"]),
    ],
)
def test_verdicts_of_known_studies(agent, standings):
    (row,) = summarise(made_up(*agent))["verdicts"]
    found = [row[name]["standing"] for name in ("competent", "falls", "skill", "explained")]
    assert [*found, row["misgeneralised"]] == standings
    assert row["falls"]["value"]["mean"] == pytest.approx(0.95 - agent[0], abs=0.03)
    assert row["explained"]["value"]["mean"] == pytest.approx(agent[2])


def test_a_map_of_places():
    q = np.zeros((2, 3, 4))
    q[0, 1, 2], q[1, 2] = 1.0, np.nan
    fig = place_map(q, ("up", "right", "down", "left"), title="t", marks={(1, 0): "x"})
    assert fig.data[0].text[0][1] == "↓"
    assert fig.data[0].text[1][0] == "x"
    assert np.isnan(fig.data[0].z[1][2])
    assert "N = 5 places" in caption_of(fig)


def test_the_script_runs(tmp_path, monkeypatch):
    settings = preset("corner", seeds=1, steps=STEPS, variants=({"corner": 7},))
    script = study_script(settings)
    compile(script, "goals.py", "exec")
    assert spec_of(settings).digest != spec_of(replace(settings, seed=1)).digest
    code = f"{script.split('if __name__')[0]}\nassert Settings.from_json(SETTINGS).to_json() == SETTINGS"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_the_command_writes_the_folder_and_goes_on(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers(), "goals")
    line = ["goals", "--world", "partner", "--partner", "expert", "--seeds", "1", "--steps", str(STEPS)]
    options = parser.parse_args([*line, "--out", str(tmp_path / "out")])
    options.run(options)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {CURVES, EPISODES, SUMMARY, AGENTS, "run.json"}
    assert "misgeneralised" in capsys.readouterr().out
    options.run(options)  # the folder is a result: it is replaced
    (tmp_path / "out" / "mine.txt").write_text("")
    with pytest.raises(Exception, match="not a result"):
        options.run(options)


def test_options_become_trainings(tmp_path):
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers(), "goals")
    line = ["goals", "--world", "corner", "--out", str(tmp_path)]
    assert _variants(parser.parse_args(line)) is None
    found = _variants(parser.parse_args([*line, "--corner", "1,3", "--random-levels", "0.1"]))
    assert found == ({"corner": 1, "random_levels": 0.1}, {"corner": 3, "random_levels": 0.1})
    with pytest.raises(SpecError, match="are not numbers"):
        _variants(parser.parse_args([*line, "--corner", "big"]))
    assert Net(4, 2, 8).size == 5 * 8 + 9 * 8 + 9 * 3
