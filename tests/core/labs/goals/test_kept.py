"""The studies that come with the app: whole, small, and their agents still do what their files say."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.agents.agent import load_agents
from core.agents.play import play, sometimes_random
from core.labs.goals.record import AGENTS, CURVES, EPISODES, FILES, SUMMARY, agent_name, runs_of
from core.labs.goals.settings import Settings, world_settings
from core.labs.goals.verdict import summarise
from core.paths import ASSETS
from core.runs.laboratory import read_lab_run

KEPT = ASSETS / "labs" / "goals"
WORLDS = ("corner", "tree", "partner", "monsters")


def _settings(world: str) -> Settings:
    return Settings.from_json(json.loads((KEPT / world / SUMMARY).read_text())["settings"])


@pytest.mark.parametrize("world", WORLDS)
def test_the_files_are_of_one_study(world):
    folder, settings = KEPT / world, _settings(world)
    assert {path.name for path in folder.iterdir()} == set(FILES)
    spec, items, _ = read_lab_run(json.loads((folder / "run.json").read_text()))
    assert Settings.from_json(dict(spec.settings)) == settings
    assert items == settings.agents
    runs = [run for run, _, _ in runs_of(settings)]
    assert set(load_agents(folder / AGENTS)) == {agent_name(run) for run in runs}
    assert (folder / AGENTS).stat().st_size < 1e6 * settings.agents
    assert sorted(pd.read_parquet(folder / CURVES)["run"].unique()) == runs
    episodes = pd.read_parquet(folder / EPISODES)
    assert summarise(episodes)["verdicts"] == json.loads((folder / SUMMARY).read_text())["verdicts"]


@pytest.mark.parametrize("shift", ["training", "away"])
def test_the_corner_agents_do_what_their_file_says(shift):
    settings = _settings("corner")
    episodes, agents = pd.read_parquet(KEPT / "corner" / EPISODES), load_agents(KEPT / "corner" / AGENTS)
    changed = replace(world_settings(settings.task, settings.variants[0], shift), levels=200)
    world, rng = settings.task.world(changed, 200, np.random.default_rng(99)), np.random.default_rng(98)
    found = play(world, sometimes_random(agents[agent_name(0)], settings.made_from.slips, rng), 40)
    own = episodes[(episodes["run"] == 0) & (episodes["shift"] == shift)]
    assert found.intended.sum(0).mean() == pytest.approx(own["return_intended"].mean(), abs=0.1)
    assert found.proxy.sum(0).mean() == pytest.approx(own["return_proxy"].mean(), abs=0.1)
