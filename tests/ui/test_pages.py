"""Each page: empty, with a stored result, by a bad link, with hostile names; and one run from form to figure."""

import numpy as np
import pytest

from core.export.folder import read_folder, write_folder
from core.runs.execute import execute
from tests.make_results import make_pair, make_result
from tests.ui.conftest import PAIRS, settle, text_of
from ui.shell.messages import plain
from ui.shell.models import ModelChoice, aligned, slot
from ui.shell.worker import worker

PAGES = ("home", "pairs", "attribution", "attention")


@pytest.fixture
def stored(open_page, tmp_path):
    """Stores a result and gives its digest."""

    def store(**options) -> str:
        result = make_result(**options)
        write_folder(result, tmp_path / result.spec.digest)
        return result.spec.digest

    return store


@pytest.mark.parametrize("page", PAGES)
def test_a_first_visit_shows_a_title_and_a_next_step(open_page, page):
    app = open_page(page)
    assert app.title[0].value in ("Circuitarium", "Prompt pairs", "Attribution", "Attention")
    assert app.button or app.page_link


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "link",
    [
        {"result": "../../etc/passwd"},
        {"result": "0123456789abcdef"},
        {"pairs": "../secret"},
        {"pairs": "fedcba9876543210"},
        {"node": "z.1.1.1;drop"},
        {"view": "Nonsense", "scale": "?", "positions": "99: x", "layer": "999"},
    ],
)
def test_a_bad_link_is_refused_in_words(open_page, page, link):
    assert open_page(page, **link).title


def test_a_bad_result_in_a_link_never_reaches_the_file_system(open_page, monkeypatch):
    app = open_page("attribution", result="../../etc/passwd")
    assert "does not name a result" in text_of(app)
    assert "result" not in app.query_params


def test_a_missing_result_says_so_and_can_be_left_out(open_page):
    app = open_page("attribution", result="0123456789abcdef")
    assert "not on this server" in text_of(app)
    next(button for button in app.button if button.label == "Leave it out").click().run()
    assert "not on this server" not in text_of(app)
    assert "Nothing has been run yet" in text_of(app)


def test_a_stored_result_opens_without_its_model(open_page, stored):
    app = open_page("attribution", result=f"{stored()},{stored(method='atp', seed=1)}")
    assert app.get("plotly_chart")
    assert "Patching" in text_of(app)
    assert "made with tiny" in text_of(app)


def test_the_chosen_node_follows_the_selectbox(open_page, stored):
    app = open_page("attribution", result=stored())
    app.selectbox(key="node").select("z.2.1._").run()
    assert "**layer 2, head 1**" in text_of(app)
    assert app.query_params["node"] == "z.2.1._"


def test_the_effect_in_words_is_the_mean_over_pairs(open_page, stored):
    digest = stored()
    app = open_page("attribution", result=digest, node="z.1.2.5")
    effects = make_result().effects["z"]
    mean = np.mean([x[1, 5, 2] for x in effects])
    sentence = next(m.value for m in app.markdown if m.value.startswith("Patching"))
    assert f"by {abs(mean):.3g}" in sentence
    assert ("lowers" if mean < 0 else "raises") in sentence


@pytest.mark.parametrize("view", ["Heads", "MLPs and residual", "Neurons", "Estimate against exact"])
@pytest.mark.parametrize("scale", ["Signed", "Normalised", "Absolute"])
def test_every_view_of_every_scale_draws(open_page, stored, view, scale):
    kinds = ("z", "neuron", "mlp_out")
    digests = stored(kinds=("z", "mlp_out")), stored(kinds=kinds, method="atp-star", seed=1)
    app = open_page("attribution", result=",".join(digests), view=view, scale=scale)
    assert app.get("plotly_chart")
    assert not app.error


def test_pairs_of_several_lengths_can_be_looked_at_together_or_apart(open_page, stored):
    longer = make_pair(1, clean=("a", " b", " c", " d"), corrupt=("a", " b", " x", " d"))
    digest = stored(pairs=[make_pair(0), longer, make_pair(2)])
    app = open_page("attribution", result=digest)
    assert app.get("plotly_chart")
    app.selectbox(key="length_any").select(4).run()
    assert not app.exception
    assert "N = 1 pair" in text_of(app).replace("\\", "")


def test_hostile_names_are_escaped(open_page, stored):
    name = "![x](http://example.com/x.png) :material/home: $x$ <b>"
    digest = stored(pairs=[make_pair(0, name=name), make_pair(1)])
    app = open_page("attribution", result=digest)
    assert name not in text_of(app)
    assert all("<b>" not in block.value for block in app.html)


def test_plain_text_survives_markdown():
    assert plain("a*b_[c](d) <e>") == r"a\*b\_\[c\]\(d\) \<e\>"
    assert plain("two\nlines") == "two lines"


def test_from_the_form_to_a_stored_result(open_page, tiny_pairs, tmp_path):
    app = open_page("attribution", pairs=tiny_pairs)
    for method in ("screen", "exact", "atp-star"):
        app.checkbox(key=f"run_{method}").set_value(method != "screen")
    app.run()
    run = next(button for button in app.button if button.label.startswith("Run "))
    assert run.label == "Run 2 methods on 2 pairs"
    run.click().run()
    settle(app)
    digests = app.query_params["result"].split(",")
    assert len(digests) == 2
    assert app.get("plotly_chart")

    model = slot().get(ModelChoice())
    facts = slot().facts(ModelChoice())
    for digest in digests:
        result = read_folder(tmp_path / digest)
        again = execute(result.spec, model, aligned(facts, PAIRS).pairs)
        for kind, arrays in result.effects.items():
            np.testing.assert_allclose(arrays, again.effects[kind], atol=1e-6)


def test_a_run_that_fails_says_why_and_offers_another_try(open_page, tiny_pairs, monkeypatch):
    app = open_page("attribution", pairs=tiny_pairs)

    def broken(*args, **kwargs):
        raise RuntimeError("inner detail")

    monkeypatch.setattr("core.runs.execute.execute", broken)
    next(button for button in app.button if button.label.startswith("Run ")).click().run()
    settle(app)
    assert "fault in the program" in text_of(app)
    assert "inner detail" not in text_of(app)
    assert any(button.label == "Try again" for button in app.button)


def test_kl_by_an_estimate_cannot_be_chosen(open_page, tiny_pairs):
    app = open_page("attribution", pairs=tiny_pairs)
    app.selectbox(key="run_metric").select("kl").run()
    assert app.checkbox(key="run_atp").disabled
    assert "gradient 0" in text_of(app)
    assert not app.checkbox(key="run_exact").disabled


def test_attention_draws_the_grid_and_one_head(open_page, tiny_pairs):
    app = open_page("attention", pairs=tiny_pairs)
    assert len(app.get("plotly_chart")) == 1
    assert len(app.get("iframe")) == 1
    app.segmented_control(key="run").set_value("difference").run()
    assert not app.exception


def test_a_model_that_cannot_be_loaded_leaves_the_other_one(open_page, tiny_pairs, monkeypatch):
    from core.errors import ModelError
    from core.models import load

    app = open_page("attribution", pairs=tiny_pairs)
    held = slot().get(ModelChoice())

    def missing(model_id, **_):
        raise ModelError("It is not there.", next_step="Choose another.")

    monkeypatch.setattr(load, "load_model", missing)
    app.selectbox(key="model").select("gpt2").run()
    assert "not loaded yet" in text_of(app)
    next(button for button in app.button if button.label == "Load the model").click().run()
    settle(app)
    assert "It is not there" in text_of(app).replace("\\", "")
    assert slot().get(ModelChoice()) is held


def test_other_models_need_the_servers_leave(open_page, monkeypatch):
    assert "Another model …" not in open_page().selectbox(key="model").options
    monkeypatch.setenv("CIRCUITARIUM_ALLOW_ANY_MODEL", "1")
    assert "Another model …" in open_page().selectbox(key="model").options


def test_two_sessions_share_a_run(open_page, tiny_pairs):
    first, second = (open_page("attribution", pairs=tiny_pairs) for _ in range(2))
    for app in (first, second):
        next(button for button in app.button if button.label.startswith("Run ")).click().run()
    settle(first)
    settle(second)
    assert first.query_params["result"] == second.query_params["result"]
    assert all(worker().find(digest) for digest in first.query_params["result"].split(","))
