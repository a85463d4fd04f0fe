"""The Trust page: an estimate verified live, its certainty in words."""

import numpy as np

from core.models import load
from core.prompts.align import align
from core.runs.execute import execute, make_spec
from tests.ui.conftest import PAIRS, settle, text_of
from ui.shell import store
from ui.trust import verify as verify_view
from ui.trust.parts import KEY, MISSED, STUDY


def stored_estimate(method="atp-star"):
    model = load.load_model("smollm2-135m")
    tokens = align(PAIRS, model.tokenizer).or_raise()
    options = {"metric": "logit_diff", "direction": "noising", "nodes": ("v", "z")}
    result = execute(make_spec(model, PAIRS, method=method, **options), model, tokens)
    exact = execute(make_spec(model, PAIRS, method="exact", **options), model, tokens)
    return store.save_result(result), exact


def test_without_an_estimate_it_says_where_to_make_one(open_page):
    assert "no estimate of this model" in text_of(open_page("trust"))


def part(app, name):
    """The page with another of its parts chosen."""
    app.button_group(key=KEY).set_value(name).run()
    return settle(app)


def linked(app, **query):
    """The page as a link opens it: navigation in a test drops the address."""
    app.query_params.update(query)
    return settle(app)


def test_the_study_is_there_without_computing(open_page):
    app = part(open_page("trust"), STUDY)
    app.selectbox(key="contest").set_value("ioi-attention").run()
    costs = app.dataframe[0].value
    assert set(costs.columns) >= {"contest", "AtP", "AtP*", "Random order", "Hierarchical"}
    assert app.selectbox(key="contest").value == "ioi-attention"
    assert "cheapest method" in text_of(app)
    assert "How often the bound holds" in text_of(app)


def test_kept_examples_show_what_atp_misses(open_page):
    app = part(open_page("trust"), MISSED)
    assert "pair of your own" in text_of(app)
    for name in ("ioi", "saturated", "cancelling"):
        app.selectbox(key="trust_choice").set_value(name).run()
        app = settle(app)
        assert "nearer to it" in text_of(app)  # each opens at the repair that helps
        assert app.query_params["run"] == name


def test_missed_nodes_of_a_pair_of_ones_own(open_page, tiny_pairs):
    app = part(open_page("trust", pairs=tiny_pairs), MISSED)
    next(b for b in app.button if b.label == "Look for missed nodes").click().run()
    app = settle(settle(app))
    digest = app.query_params["run"]
    assert len(digest) == 16
    found = app.selectbox(key="trust_choice")
    assert found.value == digest
    again = linked(open_page("trust"), run=digest)  # the link opens the part that shows it
    assert again.selectbox(key="trust_choice").value == digest


def test_a_link_to_nothing_says_so(open_page):
    app = linked(open_page("trust"), run="0123456789abcdef")
    assert "names no findings" in text_of(app).replace("\\", "")


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
