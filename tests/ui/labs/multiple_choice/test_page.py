"""The Multiple choice page: kept studies, what it says of each, its numbers against the stored ones, and a run."""

import pandas as pd
import pytest

from core.labs.multiple_choice.questions.bundled import load_questions
from core.labs.multiple_choice.questions.questions import QuestionSet, questions_to_csv
from core.models import load
from core.models.load import load_model
from tests.ui.conftest import settle, text_of
from ui.labs.multiple_choice.page import KEPT, KEPT_STUDIES

TOY, SMOL = "label-binding-words", "smollm2-135m-general"
PARTS = ("Output nodes", "Heads", "Subspaces", "Mutations", "Labels", "Training")


def stored(name, table):
    return pd.read_csv(KEPT / name / f"{table}.csv")


def figures(app):
    return [chart.proto for chart in app.get("plotly_chart")]


def test_every_kept_study_is_there():
    assert {path.parent.name for path in KEPT.glob("*/run.json")} == set(KEPT_STUDIES)


@pytest.mark.parametrize("part", PARTS)
def test_the_toy_shows_every_part_at_once(open_page, part):
    app = open_page("multiple_choice", mc_part=part)
    assert "binds labels" in text_of(app) or "binds labels" in app.success[0].value
    assert figures(app)
    assert not app.error


def test_the_numbers_said_are_the_stored_ones(open_page):
    app = open_page("multiple_choice", run=TOY)
    nodes, kept = stored(TOY, "nodes"), stored(TOY, "kept")
    cut = kept[kept.output].iloc[0]
    text = text_of(app)
    assert f"{int(nodes.output.sum())} output node" in text
    assert all(node in text for node in nodes[nodes.output].node)
    assert f"{cut.accuracy:.0%} of the prompts stay right" in text
    app = open_page("multiple_choice", run=TOY, mc_part="Subspaces")
    ranks, text = stored(TOY, "ranks"), text_of(app)
    chosen = app.selectbox(key="mc_set").value
    mine = ranks[(ranks.heads == chosen) & (ranks.parts == "q+k") & (ranks["on"] == "held out") & (ranks["rank"] == 3)]
    by_fit = mine.groupby("fit").accuracy.mean()
    for fit in ("svd", "means", "random", "shuffled"):
        assert f"{by_fit[fit]:.0%}" in text
    shares = stored(TOY, "separation")
    share = shares[(shares["head"] == chosen) & (shares.part == "q") & (shares.fit == "svd")].held_out.iloc[0]
    assert f"{share:.0%}" in text


def test_a_model_that_does_not_bind_gets_its_bias_and_no_circuit(open_page):
    app = open_page("multiple_choice", run=SMOL)
    assert "does not bind" in app.warning[0].value
    table = app.dataframe[0].value
    assert len(table) == 8
    assert len(figures(app)) == 1
    wanted = stored(SMOL, "mutations")
    assert list(table["right"]) == [f"{x:.0%}" for x in wanted.accuracy]


def test_a_link_to_nothing_says_so(open_page):
    app = open_page("multiple_choice", run="0123456789abcdef")
    assert "names no study" in app.error[0].value.replace("\\", "")
    assert not figures(app)


def test_a_run_is_computed_kept_and_shown(open_page, monkeypatch):
    few = QuestionSet("few", load_questions("words").questions[:8])
    monkeypatch.setattr("ui.labs.multiple_choice.form.load_questions", lambda id: few)
    real = load_model("label-binding", device="cpu")
    monkeypatch.setattr(load, "load_model", lambda model_id, **_: real)
    app = open_page("multiple_choice")
    app.selectbox(key="mc_questions_True").set_value("words").run()
    next(b for b in app.button if b.label.startswith("Ask")).click().run()
    for _ in range(8):
        app = settle(app)
        if app.success or app.warning:
            break
    text = "".join(e.value for e in (*app.success, *app.warning))
    assert "of 32 prompts" in text.replace("\\", "")
    digest = app.query_params["run"]
    digest = digest[0] if isinstance(digest, list) else digest
    assert digest not in KEPT_STUDIES
    from ui.shell.store import store

    folder = store().lab(digest)
    assert (folder / "questions.csv").read_text() == questions_to_csv(few)


def test_a_file_with_other_names_is_read_once_they_are_confirmed(open_page):
    app = open_page("multiple_choice")
    next(box for box in app.selectbox if box.label == "Questions").set_value("own").run()
    text = "Question,Choices,Label\n" + "\"Which?\",\"['one' 'two' 'three' 'four']\",C\n"
    app.file_uploader(key="mc_file").upload("mine.csv", text.encode())
    app.run()
    assert "missing: 'answer'" in text_of(app).replace("\\", "")
    next(button for button in app.button if button.label == "Read it so").click().run()
    assert not app.exception
    assert any("(C) three" in block.value for block in app.code)
