"""The Grokking page: the kept run at once, a small experiment trained, watched and opened, the simulation."""

import pytest

from core.labs.grokking.presets import preset
from core.labs.grokking.settings import smaller
from core.runs.recorded import submit_lab
from tests.ui.conftest import settle, text_of
from ui.labs.grokking import page as grokking
from ui.shell import store
from ui.shell.laboratory import lab_folder, lab_state
from ui.shell.trained import trained_folder, trained_id
from ui.shell.worker import worker

TINY = smaller(
    preset("grok"), p=7, d_model=8, n_heads=2, d_mlp=12, sizes=(25,), seeds=(0, 1), steps=40, points=8, moments=3
)


def trained(settings):
    """Ask as the button does, without a page."""
    spec = grokking.spec_of(settings)
    submit_lab(worker(), store.store(), spec, grokking.compute(settings), items=2, owner="somebody")
    return spec.digest


def test_the_kept_run_is_there_at_once(open_page):
    app = open_page("grokking")
    text = text_of(app)
    assert "The paper" in text
    assert "2 of 2 runs learned every training pair" in text.replace("\\", "")
    assert "Inside one network" in text
    assert not app.error


def test_a_trained_run_is_shown_and_its_checkpoints_are_models(open_page):
    app = open_page("runs")
    digest = trained(TINY)
    settle(app)
    assert lab_state(digest) == "done"
    assert lab_folder(digest).joinpath("curves.parquet").exists()
    assert trained_folder(trained_id(digest, "run-1-step-40")) is not None
    app = linked(open_page, run=digest)
    assert "of 2 runs learned every training pair" in text_of(app)
    app.button(key="grok_open").click().run()
    assert not app.exception
    assert app.session_state["model"] == trained_id(digest, "run-0-step-40")
    assert len(app.session_state["_pairs"]) > 0


def test_the_kept_networks_are_models(open_page):
    app = open_page("grokking")
    app.selectbox(key="grok_model_None").set_value("Memorising (step 1091)").run()
    app.button(key="grok_open").click().run()
    assert not app.exception
    assert app.session_state["model"] == "adder-memorising"
    assert "sidebar now" in app.success[0].value


def linked(open_page, **query):
    """The page as a link opens it; moving from page to page drops a page's own parameters."""
    app = open_page("grokking")
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("regime", ["ungrok", "efficiency", "semigrok", "nodecay"])
def test_every_regime_trains_and_is_judged(open_page, regime):
    changes = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 12, "sizes": (20, 30), "seeds": (0,), "steps": 30}
    changes |= {"pre_sizes": (30, 49), "pre_steps": (20, 10)} if regime == "ungrok" else {}
    changes |= {"random_sizes": (10, 20)} if regime == "efficiency" else {}
    app = open_page("runs")
    digest = trained(smaller(preset(regime), points=6, **changes))
    settle(app)
    assert lab_state(digest) == "done"
    app = linked(open_page, run=digest)
    assert app.get("segmented_control") or app.get("button_group")
    assert "What this cannot show" in text_of(app)


def test_the_form_refuses_what_cannot_be_trained(open_page):
    app = open_page("grokking")
    app.toggle(key="grok_more_grok").set_value(True).run()
    app.text_input(key="sizes_grok_small").set_value("1123, many").run()
    assert "not numbers" in text_of(app)
    app.text_input(key="sizes_grok_small").set_value("99999").run()
    assert "cannot be taken" in text_of(app)
    assert app.button(key="train").disabled


def test_a_wrong_link_is_told(open_page):
    app = linked(open_page, run="0123456789abcdef")
    assert "names no experiment" in text_of(app)


def test_the_simulation_shows_its_ratio_beside_the_closed_form(open_page):
    app = open_page("grokking")
    app.session_state["experiment"] = "simulation"
    app.run()
    values = {metric.label: metric.value for metric in app.metric}
    assert float(values["M / G at the end"]) == pytest.approx(float(values["M / G in closed form"]), abs=1e-3)
    app.slider(key="sim_p_m").set_value(0.5).run()
    values = {metric.label: metric.value for metric in app.metric}
    assert values["The solution leads from step"] == "never"
