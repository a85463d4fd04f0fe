"""The Trust page: an estimate verified live, its certainty in words."""

import numpy as np

from core.models import load
from core.prompts.align import align
from core.runs.execute import execute, make_spec
from tests.pages.conftest import PAIRS, settle, text_of
from ui import store, verify_view


def stored_estimate(method="atp-star"):
    model = load.load_model("smollm2-135m")
    tokens = align(PAIRS, model.tokenizer).or_raise()
    options = {"metric": "logit_diff", "direction": "noising", "nodes": ("v", "z")}
    result = execute(make_spec(model, PAIRS, method=method, **options), model, tokens)
    exact = execute(make_spec(model, PAIRS, method="exact", **options), model, tokens)
    return store.save_result(result), exact


def test_without_an_estimate_it_says_where_to_make_one(open_page):
    app = open_page("trust")
    assert "no estimate of this model" in text_of(app)
    costs = app.dataframe[0].value  # the kept study is there all the same
    assert set(costs.method) >= {"AtP", "AtP*", "Random order", "Hierarchical"}
    assert (costs["relative cost"].astype(float) > 1).all()


def test_verification_fills_the_table_and_says_how_sure_it_is(open_page, tiny_pairs):
    digest, exact = stored_estimate()
    app = open_page("trust", result=digest)
    assert "sure of none" in text_of(app)
    app.number_input(key="v_top").set_value(12)
    app = settle(app.run())
    next(b for b in app.button if b.label == "Verify and bound").click().run()
    app = settle(settle(app))
    text = text_of(app)
    assert "12 of" in text
    assert "90 % confidence" in text.replace("\\", "")
    table = app.dataframe[0].value
    assert table.exact.notna().sum() == 12
    first = table.iloc[0]
    truth = np.mean([e[first.layer, first.position, int(first["head"])] for e in exact.effects[first.node]])
    assert np.isclose(first.exact, truth, atol=1e-4)
    verify_view._verified.clear()  # as a restart of the server does
    again = open_page("trust", result=digest)
    assert "12 of" in text_of(again)
    assert "90 % confidence" in text_of(again).replace("\\", "")
    assert again.dataframe[0].value.exact.notna().sum() == 12


def test_until_sure_of_the_top(open_page, tiny_pairs):
    digest, exact = stored_estimate()
    app = open_page("trust", result=digest)
    next(g for g in app.button_group if g.key == "v_goal").set_value("sure").run()
    app.number_input(key="v_sure").set_value(2)
    app.selectbox(key="v_confidence").set_value(0.9)
    app = settle(app.run())
    next(b for b in app.button if b.label == "Verify and bound").click().run()
    app = settle(settle(app))
    table = app.dataframe[0].value
    truth = np.concatenate([np.abs(np.stack(e).mean(0)).ravel() for e in exact.effects.values()])
    np.testing.assert_allclose(table.exact.abs()[:2], np.sort(truth)[::-1][:2], atol=1e-4)
