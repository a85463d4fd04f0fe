"""The Trust page: an estimate verified live, its certainty in words."""

import numpy as np

from core.models import load
from core.prompts.align import align
from core.runs.execute import execute, make_spec
from tests.pages.conftest import PAIRS, settle, text_of
from ui import store


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
