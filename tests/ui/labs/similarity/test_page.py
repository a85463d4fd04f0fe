"""The Similarity page: the kept study at once, a small one run, what cannot be run."""

from core.labs.similarity.order import compute, spec_of
from core.labs.similarity.settings import Settings
from core.runs.recorded import submit_lab
from tests.ui.conftest import settle, text_of
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
