"""The Circuit page on a tiny model: scored, drawn, named, measured, saved, opened again."""

import json

import numpy as np
import pytest

from core.circuits.circuit import Circuit
from core.circuits.settings import CircuitSettings
from core.circuits.stored import read_run
from core.circuits.study import run_study
from core.models import load
from core.prompts.align import align
from tests.ui.conftest import PAIRS, settle, text_of
from ui.circuit import page as runs
from ui.shell.laboratory import lab_folder, lab_runs


@pytest.fixture
def kept(open_page, tmp_path, monkeypatch):
    """A finished run of the tiny model in place of the one that comes with the app."""
    model = load.load_model("smollm2-135m")
    folder = tmp_path / "kept" / "ioi_abba"
    folder.mkdir(parents=True)
    pairs = align(PAIRS, model.tokenizer).or_raise()
    settings = CircuitSettings(methods=("eap", "eap-qk"), spans=("summed", "position"), seeds=1)
    run_study(model, pairs, settings, folder)
    monkeypatch.setattr(runs, "KEPT", tmp_path / "kept")
    return read_run(folder)


def figure(app, index=0):
    return json.loads(app.get("plotly_chart")[index].proto.spec)


def test_a_kept_circuit_is_drawn_and_edited(open_page, tiny_pairs, kept):
    app = open_page("circuit", pairs=tiny_pairs)
    assert f"of {kept.n_all['position']:,} edges".replace(",", "\u2009") in text_of(app)
    app.select_slider(key="edges_position").set_value(20)
    app = settle(app.run())
    drawn = kept.circuit("eap-qk", "position", 20)
    assert f"Showing **{len(drawn.edges)}** of" in text_of(app)
    node = app.selectbox(key="circuit_node").options[0]
    component = node.split("@")[0]
    app.selectbox(key="circuit_node").set_value(node).run()
    app.text_input(key=f"circuit_Name_{component}").set_value("<b>mover</b>")
    app = settle(app.run())
    assert "&lt;b&gt;" in app.get("plotly_chart")[0].proto.spec or "&amp;lt;" in app.get("plotly_chart")[0].proto.spec
    app.button(key="circuit_hide").click()
    app = settle(app.run())
    fewer = int(text_of(app).split("Showing **")[1].split("**")[0])
    assert fewer < len(drawn.edges)


def test_what_is_on_screen_is_measured(open_page, tiny_pairs, kept):
    app = open_page("circuit", pairs=tiny_pairs)
    row = kept.curve[
        (kept.curve.method == "eap-qk") & (kept.curve.span == "position") & (kept.curve.share == 0.5)
    ].iloc[0]
    if row.edges in app.select_slider(key="edges_position").options:
        app.select_slider(key="edges_position").set_value(int(row.edges))
        app = settle(app.run())
        assert "Kept with the run" in text_of(app)
    app.select_slider(key="edges_position").set_value(30)
    app = settle(app.run())
    app.button(key="measure_circuit").click()
    app = settle(settle(app.run()))
    assert "Measured now" in text_of(app)
    assert "Completeness" in text_of(app)


def test_a_saved_circuit_is_opened_by_its_link(open_page, tiny_pairs, kept):
    circuit = kept.circuit("eap", "summed", 30).with_words(names={"L1 H2": "mover"})
    digest = runs.save(circuit)
    app = open_page("circuit", pairs=tiny_pairs, saved=digest)
    assert "A saved circuit is on show" in text_of(app)
    assert f"Showing **{len(circuit.edges)}**" in text_of(app)
    assert Circuit.from_json(json.loads(json.dumps(circuit.to_json()))).names == {"L1 H2": "mover"}
    app = open_page("circuit", pairs=tiny_pairs, saved="0" * 16)
    assert "not on this server" in text_of(app).replace("\\", "")


def test_edges_are_scored_from_the_page(open_page, tiny_pairs, kept):
    app = open_page("circuit", pairs=tiny_pairs)
    app.multiselect(key="c_methods").set_value(["eap"]).run()
    next(b for b in app.button if b.label == "Score the edges").click().run()
    app = settle(settle(app))
    run = read_run(lab_folder(lab_runs("circuit").popitem()[0]))
    assert run.settings.methods == ("eap",)
    np.testing.assert_allclose(run.curve[run.curve.share == 1].faithfulness, 1, atol=1e-4)
    assert "Showing" in text_of(app)
