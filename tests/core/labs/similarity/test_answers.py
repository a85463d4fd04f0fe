"""A person's answers: on the disk at once, whole after a kill, read back, refused where they cannot be answers."""

import numpy as np
import pytest

from core.__main__ import main
from core.errors import SpecError
from core.figures.captions import caption_of
from core.labs.similarity import study
from core.labs.similarity.answers.ensemble import Ensemble, disagreement, next_question, train_ensemble
from core.labs.similarity.answers.record import UNDO, Answer, append, as_csv, read_answers, stored, triples
from core.labs.similarity.answers.reward import learned_values, next_pair
from core.labs.similarity.figures.behaviours import side_by_side
from core.labs.similarity.figures.plane import behaviour_map
from core.labs.similarity.learning.fit import Training
from core.labs.similarity.person import Person, simulated
from core.worlds.listed.gridrobot import cells_of, gridrobot

WORLD = gridrobot()
SEEN = [int(i) for i in WORLD.seen]


def said(query, choice="AB", rater="me", three=None):
    return Answer(query, tuple(three or SEEN[query : query + 3]), choice, 1200, rater, "2026-01-01T00:00:00+00:00")


def test_answers_come_back_as_they_were_given(tmp_path):
    path, given = tmp_path / "deep" / "answers.csv", [said(1), said(2, "BC"), said(3, "cannot say", rater='a, "b"')]
    for answer in given:
        append(answer, path)
    assert stored(path, WORLD) == given
    assert read_answers(as_csv(given), WORLD) == given
    assert stored(tmp_path / "none.csv", WORLD) == []


def test_undo_takes_back_this_raters_last_answer(tmp_path):
    path = tmp_path / "answers.csv"
    for answer in (said(1), said(2), said(1, rater="you"), said(2, UNDO)):
        append(answer, path)
    assert stored(path, WORLD) == [said(1), said(1, rater="you")]


@pytest.mark.parametrize("cut", range(1, 45, 4))
def test_a_kill_within_a_row_costs_that_row_at_most(tmp_path, cut):
    path = tmp_path / "answers.csv"
    for query in (1, 2, 3):
        append(said(query), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    append(said(4), path)
    kept = [answer.query for answer in stored(path, WORLD)]
    assert kept in ([1, 2, 4], [1, 2, 3, 4])


def test_a_choice_names_the_pair_first():
    (ab,), (ac,), (bc,) = (triples([said(1, c, three=SEEN[:3])]) for c in ("AB", "AC", "BC"))
    a, b, c = SEEN[:3]
    assert (ab, ac, bc) == ((a, b, c), (a, c, b), (b, c, a))
    with pytest.raises(SpecError, match="No answer"):
        triples([said(1, "cannot say")])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,1 2,AB,5,me,x", "three whole numbers"),
        (f"1,{SEEN[0]} {SEEN[1]} {SEEN[1]},AB,5,me,x", "three different"),
        (f"1,{SEEN[0]} {SEEN[1]} {WORLD.held[0]},AB,5,me,x", "three different"),
        (f"1,{SEEN[0]} {SEEN[1]} {SEEN[2]},AD,5,me,x", "no choice"),
    ],
)
def test_what_cannot_be_an_answer_is_refused_with_its_row(row, said):
    text = as_csv([Answer(1, tuple(SEEN[:3]), "AB", 5, "me", "x")]) + row + "\n"
    with pytest.raises(SpecError, match=said) as refused:
        read_answers(text, WORLD)
    assert refused.value.where == "answers, row 2"


def test_a_file_without_its_columns_is_refused():
    with pytest.raises(SpecError, match="'choice' is missing"):
        read_answers("query,trajectories\n", WORLD)


def test_the_command_trains_on_a_file(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(study, "Training", lambda steps: Training(20))
    path = tmp_path / "mine.csv"
    path.write_text(as_csv([said(query) for query in range(1, 7)]))
    out = tmp_path / "out"
    options = ["--answers-file", str(path), "--representations", "sirl", "--seeds", "1", "--out", str(out)]
    assert main(["similarity", *options]) == 0
    assert "sirl                 6" in capsys.readouterr().out
    assert main(["similarity", *options, "--answers", "7"]) == 2


def test_questions_are_the_same_again_and_move_on():
    assert next_question(WORLD, 3, 5) == next_question(WORLD, 3, 5)
    assert len({next_question(WORLD, number, 5) for number in range(20)}) == 20
    assert set(next_question(WORLD, 3, 5)) <= set(SEEN)


def test_an_ensemble_learns_goes_on_and_disputes():
    lessons = simulated(WORLD, 20, 0, Person())
    first = train_ensemble(WORLD, lessons)
    assert first.violated < 0.2
    assert first.points.shape == (4, 490, 6)
    assert (first.plane[0] >= 0).all()
    more = train_ensemble(WORLD, simulated(WORLD, 25, 0, Person()), before=first)
    assert not np.array_equal(more.points, first.points)
    disputed = next_question(WORLD, 0, 0, disputed=first)
    plain = np.array([next_question(WORLD, number, 0) for number in range(50)])
    assert disagreement(first.points, np.array([disputed]))[0] >= disagreement(first.points, plain).mean()


def test_a_reward_follows_preferences_for_a_feature():
    world, points = WORLD, np.stack([WORLD.features] * 2)
    perfect = Ensemble(None, points, 0.0, 0.0)
    pairs = np.array([next_pair(world, number, 0) for number in range(60)])
    first = world.features[pairs[:, 0], 3] > world.features[pairs[:, 1], 3]
    values = learned_values(perfect, world, pairs, first)
    assert np.corrcoef(values, world.features[:, 3])[0, 1] > 0.95
    assert values.mean() == pytest.approx(0, abs=1e-9)
    assert values.std() == pytest.approx(1)
    assert set(pairs.ravel()) <= set(SEEN)


def test_disagreement_is_the_entropy_of_votes():
    near = np.array([[0.0], [1.0], [5.0]])  # the closest pair is (0, 1)
    far = np.array([[0.0], [9.0], [5.0]])  # the closest pair is (1, 2)
    question = np.array([[0, 1, 2]])
    assert disagreement(np.stack([near, near]), question)[0] == 0
    assert disagreement(np.stack([near, far]), question)[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figures_show_the_behaviours(theme):
    fig = side_by_side(WORLD, (0, 100, 489), theme=theme)
    lines = [trace for trace in fig.data if trace.mode == "lines"]
    np.testing.assert_allclose(lines[1].x, cells_of(WORLD.raw[100])[:, 0])
    assert "laptop" in caption_of(fig)
    arrows = [note for note in fig.layout.annotations if note.showarrow]
    assert arrows[0].x < arrows[0].ax  # -90 degrees points to the left
    assert arrows[2].x > arrows[2].ax
    plane = WORLD.features[:, :2]
    drawn = behaviour_map(plane, WORLD.features[:, 3], "angle of the hand", answers=10, theme=theme)
    np.testing.assert_allclose(drawn.data[0].marker.color, WORLD.features[:, 3])
    assert "10 answers" in caption_of(drawn)
