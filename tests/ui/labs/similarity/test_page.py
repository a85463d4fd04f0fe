"""The Similarity page: the kept study at once, a small one run, what cannot be run."""

from core.labs.similarity.answers import ensemble
from core.labs.similarity.answers.record import Answer
from core.labs.similarity.order import compute, spec_of
from core.labs.similarity.settings import Settings
from core.runs.recorded import submit_lab
from tests.ui.conftest import settle, text_of
from ui.labs.similarity import answering
from ui.labs.similarity.answering import Sitting
from ui.labs.similarity.page import ANSWER
from ui.labs.similarity.questions import DISPUTED
from ui.shell import store
from ui.shell.laboratory import lab_state
from ui.shell.worker import worker

SMALL = Settings(
    representations=("sirl", "random", "oracle"), answers=(10,), seeds=2, steps=20, width=8, rewards=2, preferences=20
)


def test_the_kept_study_is_there_at_once(open_page):
    app = open_page("similarity")
    text = text_of(app).replace("\\", "")
    assert "The paper" in text
    assert "100 answers" in text
    assert "What this cannot show" in text
    assert len(app.get("plotly_chart")) == 1
    assert not app.error


def test_a_study_runs_and_is_shown(open_page):
    app = open_page("runs")
    spec = spec_of(SMALL)
    submit_lab(worker(), store.store(), spec, compute(SMALL), items=SMALL.runs, owner="somebody")
    settle(app)
    assert lab_state(spec.digest) == "done"
    app = open_page("similarity")
    app.query_params.update({"run": spec.digest})
    app.run()
    assert not app.exception
    assert "Against Random network" in text_of(app).replace("\\", "")
    assert "2 seeds" in text_of(app)


def test_the_form_refuses_what_cannot_be_run(open_page):
    app = open_page("similarity")
    app.text_input(key="s_answers").set_value("25, many").run()
    assert "not numbers" in text_of(app)
    assert app.button(key="s_start").disabled
    app.text_input(key="s_answers").set_value("25").run()
    app.text_input(key="s_noise").set_value("7").run()
    assert "share of answers" in text_of(app)


def test_a_wrong_link_is_told(open_page):
    app = open_page("similarity")
    app.query_params.update({"run": "0123456789abcdef"})
    app.run()
    assert "names no study" in text_of(app)


def test_a_person_answers_and_a_map_appears(open_page, monkeypatch):
    monkeypatch.setitem(ensemble.FIRST_STEPS, "grid", 20)
    app = open_page("similarity")
    app.session_state["s_view"] = ANSWER
    app.run()
    assert "Which two are most alike?" in text_of(app)
    asked = []
    for choice in ("AB", "BC", "cannot", "AC", "AB", "AB"):
        asked.append(app.session_state[answering.SHOWN][1])
        app.button(key=f"s_{choice}").click().run()
        assert not app.exception
    settle(app)
    kept = Sitting("grid", "me").own()
    assert [answer.trajectories for answer in kept] == asked
    assert [answer.choice for answer in kept] == ["AB", "BC", "cannot say", "AC", "AB", "AB"]
    assert [answer.query for answer in kept] == [1, 2, 3, 4, 5, 6]
    text = text_of(app).replace("\\", "")
    assert "6 answers by me" in text
    assert "chance: 33 %" in text
    assert len(app.get("plotly_chart")) == 3
    assert "5 answers" in text
    for first in (True, False, True):
        app.button(key=f"s_better_{first}").click().run()
    assert not app.exception
    assert "3 preferences" in text_of(app)
    assert len(app.get("plotly_chart")) == 5
    app.button(key="s_forget").click().run()
    assert "0 preferences" in text_of(app)
    app.button(key="s_undo").click().run()
    assert len(Sitting("grid", "me").own()) == 5
    assert app.session_state[answering.SHOWN][1] == asked[-1]  # asked again


def test_another_person_begins_anew_and_a_simulated_one_helps(open_page, monkeypatch):
    monkeypatch.setitem(ensemble.FIRST_STEPS, "grid", 20)
    app = open_page("similarity")
    app.session_state["s_view"] = ANSWER
    app.run()
    app.button(key="s_AB").click().run()
    app.text_input(key="s_rater").set_value("Ann, the second").run()
    assert "0 answers by Ann" in text_of(app)
    assert "1 other person answered here" in text_of(app)
    app.select_slider(key="s_helped").set_value(25).run()
    settle(app)
    assert len(app.get("plotly_chart")) == 3
    app.selectbox(key="s_how").set_value(DISPUTED).run()
    app.button(key="s_BC").click().run()
    assert [answer.choice for answer in Sitting("grid", "Ann, the second").own()] == ["BC"]
    assert len(Sitting("grid", "").everybody()) == 2


def test_answers_about_the_arm_are_kept_apart(open_page):
    app = open_page("similarity")
    app.session_state["s_view"] = ANSWER
    app.run()
    app.selectbox(key="s_asked_world").set_value("arm").run()
    app.button(key="s_AC").click().run()
    assert not app.exception
    assert "1 answer by me" in text_of(app)
    assert [answer.choice for answer in Sitting("arm", "me").own()] == ["AC"]
    assert Sitting("grid", "me").own() == []


def test_two_people_are_compared(open_page, monkeypatch):
    monkeypatch.setitem(ensemble.FIRST_STEPS, "grid", 20)
    for rater in ("me", "Ann"):
        three = Sitting("grid", rater).behaviours.seen[:15].reshape(5, 3).tolist()
        rows = [Answer(i, tuple(row), "AB", 500, rater, "") for i, row in enumerate(three, 1)]
        answering.take_in("grid", rows)
    app = open_page("similarity")
    app.session_state["s_view"] = ANSWER
    app.run()
    settle(app)
    app.toggle(key="s_people").set_value(True).run()
    settle(app)
    assert not app.exception
    assert "both answered 5 questions, 100 % alike" in text_of(app).replace("\\", "")
    assert len(app.get("plotly_chart")) == 5  # the question, one's own map, two maps, and two behaviours to prefer
