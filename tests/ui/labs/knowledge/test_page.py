"""The Knowledge page: a kept study at once, a run of one's own through the queue, refusals with a next step."""

import io

import numpy as np
import pytest

from core.labs.knowledge.order import Order
from core.labs.knowledge.settings import Settings
from core.labs.knowledge.statements.bundled import load_bundled
from core.labs.knowledge.statements.wording import Wording
from tests.ui.conftest import settle, text_of
from ui.labs.knowledge import page as knowledge
from ui.labs.knowledge.data import keep_statements, load_statements
from ui.shell.laboratory import lab_folder, lab_runs


@pytest.fixture
def page(open_page, monkeypatch, tmp_path):
    """Opens the page with an empty cache of activations."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lambda **query: open_page("knowledge", **query)


def run_small(app):
    """Facts in words that the tiny model knows, two conditions, two seeds."""
    app.selectbox(key="k_data").set_value("facts").run()
    template = next(box for box in app.text_area if box.key.startswith("k_template"))
    template.set_value("When {text} is {answer}")
    for box in app.text_input:
        if box.key.startswith("k_false"):
            box.set_value("cat")
        if box.key.startswith("k_true"):
            box.set_value("dog")
    app.multiselect(key="k_conditions_5").set_value(["none", "word"])
    app.number_input(key="k_seeds").set_value(2)
    app.run()
    next(button for button in app.button if button.label == "Run and audit").click().run()
    return settle(settle(app))


def test_a_kept_study_is_there_at_once_with_its_audit_and_theorems(page):
    app = page()
    text = text_of(app)
    assert "Mean accuracy on the" in text
    assert "logistic regression" in text.lower()
    assert "Random labellings" in text
    assert len(app.get("plotly_chart")) >= 3
    assert app.query_params["run"] in ("sentiment", ["sentiment"])
    assert "Reference lines" in text


@pytest.mark.parametrize(
    "look", ["Layers", "Repeated opinion", "Loss", "Single items", "Agreement", "By topic", "Directions"]
)
def test_every_closer_look_opens_from_a_link(page, look):
    app = page(look=look)
    assert not app.exception
    assert not app.error


def test_the_facts_show_what_the_model_answers_beside_what_a_probe_reads(page):
    app = page(run="facts", look="By topic")
    table = next(frame.value for frame in app.dataframe if "Logistic regression" in frame.value.columns)
    assert {"all", "cities", "numbers", "words"} <= set(table.index)
    assert {"Model's answer", "Mass-mean"} <= set(table.columns)


def test_a_run_goes_through_the_queue_and_is_shown(page):
    app = run_small(page())
    text = text_of(app)
    assert not app.error
    digest = lab_runs("knowledge")
    assert len(digest) == 1
    folder = lab_folder(next(iter(digest)))
    assert {"accuracy.csv", "audit.json", "items.csv", "run.json"} <= {path.name for path in folder.iterdir()}
    assert "N = 96 contrast pairs" in text.replace("\\", "")


def test_statements_that_the_model_cannot_tell_apart_are_refused_on_the_page(page):
    app = page()
    app.number_input(key="k_seeds").set_value(2).run()
    next(button for button in app.button if button.label == "Run and audit").click().run()
    app = settle(settle(app))
    assert any("look the same to the model" in error.value for error in app.error)


def test_a_wrong_template_is_told_beside_the_form(page):
    app = page()
    template = next(box for box in app.text_area if box.key.startswith("k_template"))
    template.set_value("no slots").run()
    assert any("must hold" in error.value for error in app.error)
    button = next(button for button in app.button if button.label == "Run and audit")
    assert button.disabled


def test_a_link_to_nothing_says_so(page):
    app = page(run="0123456789abcdef")
    assert any("names no study" in error.value for error in app.error)
    assert page(run="../../etc/passwd").query_params["run"] in ("sentiment", ["sentiment"])


def test_a_run_that_was_cut_off_can_be_ordered_again(open_page):
    statements, _ = load_bundled("facts")
    keep_statements(statements)
    order = Order(statements, Wording("{text} {answer}", "{text}: {answer}", ("a", "b")), Settings())
    spec = order.spec(model="tiny", revision="r", dtype="float32")
    again = knowledge.ordered(spec)
    assert again.statements.items == statements.items
    assert again.spec(model="tiny", revision="r", dtype="float32").digest == spec.digest


def test_statements_are_kept_to_the_letter(open_page):
    from core.labs.knowledge.statements.statements import Item, Statements

    mine = Statements("mine", tuple(Item(f'a "{i}", b', i % 2 == 0, f"g{i}", "") for i in range(20)))
    keep_statements(mine)
    assert load_statements(mine.digest).items == mine.items


def test_a_probe_that_does_not_fit_is_refused_before_anything_runs():
    from core.errors import ResultError

    content = io.BytesIO()
    np.savez(content, direction=np.ones(7), layer=2)
    statements, wording = load_bundled("facts")
    order = Order(statements, wording, Settings(), content.getvalue(), "mine.npz")
    with pytest.raises(ResultError, match="7 dimensions"):
        order.fitting(n_layers=3, d_model=32)
    fitting = order.fitting(n_layers=3, d_model=7)
    assert fitting.settings.focus == 2


def test_a_file_with_other_names_and_labels_is_read_once_they_are_confirmed(page):
    app = page()
    app.selectbox(key="k_data").set_value("own").run()
    rows = [f"{i};The {'cat' if i % 3 else 'dog'} number {i} sat.;{1 if i % 2 else -1}" for i in range(24)]
    text = "\n".join([";Statement;Label", *rows])
    app.file_uploader(key="k_file").upload("mine.csv", text.encode("utf-16"))
    app.run()
    assert "missing: 'text'" in text_of(app).replace("\\", "")
    next(button for button in app.button if button.label == "Read it so").click().run()
    assert "24 items in 24 groups" in text_of(app)
    assert not app.error
