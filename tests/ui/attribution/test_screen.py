"""Screen and verify on the page, runs that are not finished, and what ranks an estimate."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from core.errors import Cancelled
from core.export.folder import read_folder, write_folder
from core.patching.results.ranking import ranking
from core.runs.execute import execute
from tests.make_results import make_pair, make_result, with_effects
from tests.ui.conftest import PAIRS, settle, text_of
from ui.shell import start
from ui.shell.models import ModelChoice, aligned, slot
from ui.shell.store import store
from ui.shell.worker import worker


def press(app, label):
    next(button for button in app.button if button.label.startswith(label)).click().run()
    return app


@pytest.fixture
def swinging(open_page, tmp_path):
    """An estimate whose largest node over pairs depends on the rule; gives its digest."""
    swing, steady = np.zeros((3, 6, 4)), np.zeros((3, 6, 4))
    swing[0, 5, 0], steady[0, 5, 0] = 3.0, -3.0
    swing[1, 5, 1] = steady[1, 5, 1] = 1.0
    result = with_effects(make_result([make_pair(0), make_pair(1)], kinds=("z",), method="atp"), z=[swing, steady])
    write_folder(result, tmp_path / result.spec.digest)
    return result.spec.digest


def test_only_the_recommended_choice_is_ticked_and_shows_which_numbers_are_exact(open_page, tiny_pairs, tmp_path):
    app = open_page("attribution", pairs=tiny_pairs)
    assert [box.key for box in app.checkbox if box.key.startswith("run_") and box.value] == ["run_screen"]
    app.number_input(key="run_verify").set_value(3).run()
    settle(press(app, "Run 1 method"))
    result = read_folder(tmp_path / app.query_params["result"])
    assert [len(part.nodes) for part in result.screened] == [3, 3]
    told = text_of(app).replace("\\", "")
    assert "Exact: the first 3 of" in told
    assert "if effects add up" in told
    assert any("source" in table.value.columns for table in app.dataframe)

    exact = execute(
        replace(result.spec.estimate, method="exact"),
        slot().get(ModelChoice()),
        aligned(slot().facts(ModelChoice()), PAIRS).pairs,
    )
    for kind, arrays in result.effects.items():
        for pair, x in enumerate(arrays):
            known = result.exactness(kind, pair) != 0
            np.testing.assert_allclose(x[known], exact.effects[kind][pair][known], atol=1e-5)


def test_the_cheapest_method_is_queued_first(open_page, tiny_pairs, monkeypatch):
    app = open_page("attribution", pairs=tiny_pairs)
    for method in ("exact", "atp-graddrop", "atp"):
        app.checkbox(key=f"run_{method}").set_value(True)
    app.run()
    asked = []
    monkeypatch.setattr(start, "submit", lambda choice, tokens, spec, expected: asked.append((expected, spec.choice)))
    press(app, "Run 4 methods")
    assert asked == sorted(asked)
    assert asked[0][1] == "atp"


def test_an_unfinished_run_draws_what_it_has_and_keeps_it_when_it_is_cancelled(open_page):
    result = make_result()
    part = replace(
        result,
        pairs=result.pairs[:2],
        effects={kind: x[:2] for kind, x in result.effects.items()},
        partial="2 of 3 pairs so far",
    )
    digest, told, stop = result.spec.digest, threading.Event(), threading.Event()

    def task(on_step, cancelled):
        start._teller(result.spec)(part)
        told.set()
        stop.wait(20)
        if cancelled():
            raise Cancelled

    app = open_page("attribution")
    store().accept(result.spec, pairs=3)
    job = worker().submit(digest, title="Exact on 3 pairs", task=task, owner="somebody")
    assert told.wait(10)
    app.query_params.update({"result": digest})
    app.run()
    assert not app.exception
    assert app.get("plotly_chart")
    assert "2 of 3 pairs so far" in text_of(app)
    assert "Not finished: 2 of 3 pairs so far" in app.get("plotly_chart")[0].proto.spec
    assert not store().has(digest)
    worker().cancel(job)
    stop.set()
    settle(app)
    assert "What it has is kept: 2 of 3 pairs so far" in text_of(app)
    assert app.get("plotly_chart")
    assert any(button.label == "Go on with it" for button in app.button)


def test_a_link_without_a_rule_shows_the_papers_and_a_new_one_says_which(open_page, swinging):
    view = {"result": swinging, "positions": "Sum over positions"}
    old = open_page("attribution", **view)
    assert old.query_params["average"] == "magnitude"
    assert "**layer 0, head 0**" in text_of(old)
    assert "Ranked by their mean magnitude over pairs" in text_of(old).replace("\\", "")
    old.segmented_control(key="average").set_value("signed").run()
    assert old.query_params["average"] == "signed"
    assert "Ranked by the magnitude of their mean over pairs" in text_of(old).replace("\\", "")
    new = open_page("attribution", average="signed", **view)
    assert "**layer 1, head 1**" in text_of(new)
    assert new.query_params["average"] == "signed"


def test_a_fresh_page_ranks_by_the_signed_mean(open_page, swinging):
    app = open_page("attribution")
    app.multiselect(key="open_stored").select(swinging).run()
    press(app, "Show")
    assert app.query_params["average"] == "signed"
    assert "**layer 1, head 1**" in text_of(app)


def test_a_part_of_a_run_is_not_remembered_as_the_whole(open_page):
    from ui.parts.tables import top_nodes

    result = make_result()
    part = replace(
        result, pairs=result.pairs[:1], effects={k: x[:1] for k, x in result.effects.items()}, partial="1 of 3"
    )
    for r in (part, result):
        found = top_nodes(r, ("z",), top=5, scale="signed", positions="each", n_tokens=6, average="signed")
        whole = ranking(r, ("z",), rng=np.random.default_rng(0), top=5, n_tokens=6)
        np.testing.assert_array_equal(found["mean"], whole["mean"])
