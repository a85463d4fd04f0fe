"""The arm in the laboratory: a study, its command, and how it is drawn; and several people compared."""

import numpy as np
import pandas as pd
import pytest

from core.figures.captions import caption_of
from core.labs.similarity.answers.ensemble import FIRST_STEPS, MORE_STEPS, Ensemble
from core.labs.similarity.answers.people import agreements, by_person, foretold, like_simulated
from core.labs.similarity.answers.record import Answer
from core.labs.similarity.command import WORLDS
from core.labs.similarity.figures.arms import MOVING
from core.labs.similarity.figures.behaviours import DRAWN, side_by_side
from core.labs.similarity.settings import STEPS_PER_SECOND, Settings
from core.labs.similarity.study import run_study
from core.worlds.listed.arm import WAYPOINTS, cup_of, links_of
from core.worlds.listed.catalogue import TITLES, load_world

ARM = load_world("arm")


def test_every_world_has_all_it_needs():
    for named in (WORLDS, DRAWN, STEPS_PER_SECOND, FIRST_STEPS, MORE_STEPS):
        assert set(named) == set(TITLES)


def test_a_small_study_of_the_arm(tmp_path):
    small = {"seeds": 2, "steps": 10, "width": 8, "rewards": 2, "preferences": 20}
    table = run_study(Settings(world="arm", answers=(10,), **small), tmp_path)
    assert set(table["world"]) == {"arm"}
    assert len(table) == 3 * 2 + 4 * 2
    assert table[table["representation"] == "oracle"]["fpe"].max() < 1e-9
    assert pd.read_csv(tmp_path / "representations.csv")["tpa"].between(0, 1).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_arm_is_drawn_where_it_is(theme):
    chosen = (3, 250, 499)
    fig = side_by_side(ARM, chosen, theme=theme)
    assert [frame.name for frame in fig.frames] == [str(at) for at in range(1, WAYPOINTS + 1)]
    for place, number in enumerate(chosen):
        for at in (0, 20):
            bones, cup = fig.frames[at].data[MOVING * place : MOVING * (place + 1)]
            links, up = links_of(ARM.raw[number])[at], cup_of(ARM.raw[number])[at]
            np.testing.assert_allclose(np.column_stack([bones.x, bones.y, bones.z])[1:], links, atol=1e-6)
            ends = np.column_stack([cup.x, cup.y, cup.z])
            np.testing.assert_allclose((ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0]), up, atol=1e-5)
            assert fig.data[fig.frames[at].traces[MOVING * place]].scene == fig.data[8 * place].scene
    assert "laptop" in caption_of(fig)


def said(rater, *choices):
    """Answers to the same questions, whoever gives them."""
    three = ARM.seen.reshape(-1, 2)[:, 0]
    return [
        Answer(i, tuple(int(n) for n in three[3 * i : 3 * i + 3]), choice, 900, rater, "")
        for i, choice in enumerate(choices)
    ]


def test_people_agree_on_what_both_answered():
    people = by_person([*said("Ann", "AB", "AC", "BC", "AB"), *said("Bo", "AB", "BC", "cannot say", "AB", "AC")])
    assert {name: len(own) for name, own in people.items()} == {"Ann": 4, "Bo": 4}
    assert agreements(people) == [("Ann", "Bo", 3, pytest.approx(2 / 3))]


def test_answers_are_foretold_by_the_closest_pair():
    own = said("Ann", *["AB"] * 6)
    near = ARM.features.copy()
    for answer in own:
        a, b, _ = answer.trajectories
        near[b] = near[a]
    far = ARM.features.copy()
    for answer in own:
        a, b, c = answer.trajectories
        far[[a, b, c]] = [[0] * 4, [9] * 4, [0] * 4]
    assert foretold(Ensemble(None, np.stack([near, near]), 0.0, 0.0), own) == 1
    assert foretold(Ensemble(None, np.stack([near, far]), 0.0, 0.0), own) == 0.5
    assert like_simulated(ARM, own) == pytest.approx(
        np.mean([alike(*ARM.features[list(answer.trajectories)]) for answer in own])
    )


def alike(a, b, c):
    """Whether the first two are the closest."""
    return np.linalg.norm(a - b) < min(np.linalg.norm(a - c), np.linalg.norm(b - c))
