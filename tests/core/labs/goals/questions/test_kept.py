"""The kept study of questions says what its episodes say."""

import json

import pandas as pd
import pytest

from core.labs.goals.figures.questions import PANELS, TESTS, by_share
from core.labs.goals.questions.settings import PRESETS
from core.labs.goals.record import EPISODES, SUMMARY
from core.paths import ASSETS

KEPT = ASSETS / "labs" / "goals" / "questions"


def test_means_are_those_of_the_episodes():
    summary = json.loads((KEPT / SUMMARY).read_text())
    assert summary["settings"] == PRESETS["small"].to_json()
    episodes = pd.read_parquet(KEPT / EPISODES)
    for row in summary["means"]:
        own = episodes[(episodes["setting"] == row["setting"]) & (episodes["shift"] == row["shift"])]
        for measure in ("asks", "redundant", "right"):
            assert row[measure]["mean"] == pytest.approx(own.groupby("seed")[measure].mean().mean(), abs=1e-6)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_draws_every_test_in_both_panels(theme):
    summary = json.loads((KEPT / SUMMARY).read_text())
    fig = by_share(summary, theme=theme)
    assert len(fig.data) == len(PANELS) * len(TESTS)
    drawn = {(trace.legendgroup, trace.showlegend): list(trace.y) for trace in fig.data}
    none = [row["asks"]["mean"] for row in summary["means"] if row["shift"] == "no unknown"]
    assert drawn["no unknown", True] == pytest.approx(none)
