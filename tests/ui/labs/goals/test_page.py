"""The Goals page: kept studies at once, a small one trained and watched, boards changed by hand, clips, refusals."""

from dataclasses import replace

import imageio.v3 as iio
import pytest

from core.labs.goals import presets
from core.labs.goals.order import compute, spec_of
from core.labs.goals.settings import preset
from core.runs.recorded import submit_lab
from core.worlds.tasks.catalogue import TASKS
from tests.ui.conftest import settle, text_of
from ui.labs.goals import stage, watch
from ui.labs.goals.page import EXAMPLES, INSIDE, KEPT, TRAIN, WATCH
from ui.shell import store
from ui.shell.laboratory import lab_state
from ui.shell.worker import worker

STUDIES = [task.name for task in TASKS if (KEPT / task.name / "summary.json").exists()]


def view(app, name):
    app.session_state["g_view"] = name
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def linked(open_page, **query):
    """The page as a link opens it."""
    app = open_page("goals")
    app.query_params.update(query)
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def read(app):
    return text_of(app).replace("\\", "")


def test_the_kept_study_is_there_at_once(open_page):
    app = open_page("goals")
    text = read(app)
    assert "The paper" in text
    assert "misgeneralised" in text
    assert "In training, agents get 9" in text
    assert "fall by" in text or "falls by" in text
    assert len(app.get("plotly_chart")) == 3
    assert not app.error


@pytest.mark.parametrize("world", STUDIES)
def test_every_kept_study_is_shown_and_can_be_watched(open_page, world):
    app = linked(open_page, run=world)
    assert app.get("plotly_chart")
    view(app, WATCH)
    assert "Step 0 of" in read(app)
    assert "the agent goes" in read(app)


def test_a_wrong_link_is_refused_in_words(open_page):
    app = linked(open_page, run="0123456789abcdef")
    assert "names no study" in text_of(app)


def test_an_episode_is_stepped_through_forwards_and_backwards(open_page):
    app = view(open_page("goals"), WATCH)
    app.button(key="g_Next").click().run()
    app.button(key="g_Next").click().run()
    assert "Step 2 of 40" in read(app)
    app.button(key="g_Back").click().run()
    assert "Step 1 of 40" in read(app)
    app.button(key="g_End").click().run()
    assert "Step 40 of 40: the end" in read(app)
    assert app.button(key="g_Next").disabled


def test_a_change_of_the_board_changes_what_the_page_says(open_page):
    app = view(open_page("goals"), WATCH)
    app.selectbox(key="g_edit_corner").set_value("mouse").run()
    before = read(app)
    assert "on the changed board" not in before
    app.number_input(key="g_row_corner").set_value(1).run()
    app.number_input(key="g_column_corner").set_value(2).run()
    app.button(key="g_change").click().run()
    text = read(app).replace("*", "")
    assert "At step 0 the agent goes up" in text
    assert "on the changed board it goes left" in text
    assert "The change turns it." in text
    assert "as you changed it. Arrow" in text
    app.button(key="g_go_on").click().run()
    assert not app.exception
    shown = app.session_state[stage.FILM][1]
    assert (shown.worlds[0].state.mouse[0] == (1, 2)).all()
    assert shown.proxy.sum() == 1
    app.button(key="g_Next").click().run()
    assert "proxy return so far" in read(app)


def test_an_impossible_change_is_refused_and_changes_are_undone(open_page):
    app = view(open_page("goals"), WATCH)
    app.number_input(key="g_row_corner").set_value(0).run()
    app.number_input(key="g_column_corner").set_value(0).run()
    app.button(key="g_change").click().run()
    assert "on the changed board" in read(app)
    app.selectbox(key="g_edit_corner").set_value("block").run()
    app.button(key="g_change").click().run()
    assert "stay free of blocks" in read(app)
    app.button(key="g_undo").click().run()
    assert "on the changed board" not in read(app)


def test_clips_are_files_that_play(open_page):
    app = view(open_page("goals"), WATCH)
    shown = app.session_state[stage.FILM][1]
    shown = shown.until(3)
    gif, mp4 = (watch.clip("a test", kind, shown) for kind in ("gif", "mp4"))
    assert iio.imread(gif, extension=".gif").shape[0] >= 1
    assert iio.imread(mp4, extension=".mp4").shape[:3] == (4, 448, 448)


def test_agents_train_in_the_queue_and_are_shown(open_page, monkeypatch):
    few = presets.PRESETS["corner"]["small"]
    learning = replace(few.learning, warmup=64, memory=640, batch=16, width=8, copies=16)
    small = replace(few, learning=learning, points=2, episodes=12, steps=20)
    monkeypatch.setitem(presets.PRESETS["corner"], "small", small)
    settings = preset("corner", seeds=1, steps=640, variants=({"corner": 1}, {"corner": 7}))
    app = open_page("runs")
    spec = spec_of(settings)
    submit_lab(worker(), store.store(), spec, compute(settings), items=settings.agents, owner="somebody")
    settle(app)
    assert lab_state(spec.digest) == "done"
    app = linked(open_page, run=spec.digest)
    assert "N = 1 seed a training, 12 episodes each" in read(app)
    view(app, WATCH)
    assert "the agent goes" in read(app)


def test_the_form_says_what_it_costs_and_refuses(open_page):
    app = view(open_page("goals"), TRAIN)
    assert "12 agents, about" in read(app)
    app.selectbox(key="g_form_world").set_value("tree").run()
    assert "fell the nearest tree" in read(app)
    app.number_input(key="g_seeds_tree_small").set_value(20).run()
    assert not app.button(key="g_train").disabled
    app.toggle(key="g_choose_tree").set_value(True).run()
    app.multiselect(key="g_knob_tree_regrowth").set_value([1e-6, 1e-4, 1e-3, 1e-2]).run()
    assert "more than 64" in read(app)
    assert app.button(key="g_train").disabled


def test_every_example_of_the_papers_is_in_the_table(open_page):
    app = view(open_page("goals"), EXAMPLES)
    table = app.table[0].value
    assert {"CoinRun", "InstructGPT", "Monster gridworld"} <= set(table.index)
    assert (table["Here"] == "not here").sum() == 4


def test_the_distilled_policy_opens_on_every_page(open_page):
    app = view(open_page("goals"), INSIDE)
    assert "is looked at the most by layer" in read(app)
    app.button(key="g_open").click().run()
    assert not app.exception
    assert app.session_state["model"] == "corner-agent"
    assert app.session_state["_pairs_id"] == "corner_cheese"
    assert "model in the sidebar now" in app.success[0].value
