"""The Runs page: search, words, bin, comparison, session files."""

import json
import sqlite3
import time

import pytest

from core.runs.sessions.session_file import restore
from core.runs.store import Store
from tests.make_results import make_pair, make_result
from tests.ui.conftest import PAIRS, text_of
from ui.runs import session_files
from ui.runs.table import title_of
from ui.shell import store

HOSTILE = "![x](http://example.com/x.png) <script>alert(1)</script>"


def open_runs(open_page, *, rows=(), **query):
    """The page with some rows of the table chosen."""
    app = open_page("runs", **query)
    return choose(app, rows)


def choose(app, rows):
    app.session_state["runs_table"] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def button(app, label):
    return next(button for button in app.button if button.label == label)


@pytest.fixture
def two(open_page):
    """Two stored runs, the newer one first in the table."""
    older = store.save_result(make_result(seed=1, method="atp"))
    time.sleep(0.01)
    return store.save_result(make_result()), older


def test_an_empty_store_says_what_to_do(open_page):
    assert "Nothing is stored yet" in text_of(open_page("runs"))


def test_every_word_of_the_search_must_be_found(open_page, two):
    store.store().describe(two[0], notes="duplicate token heads")
    app = open_page("runs")
    assert len(app.dataframe[0].value) == 2
    app.text_input(key="runs_search").set_value("EXACT duplicate").run()
    assert list(app.dataframe[0].value["notes"]) == ["duplicate token heads"]
    app.text_input(key="runs_search").set_value("exact nothing").run()
    assert "0 runs of 2" in text_of(app)
    assert not app.exception


def test_hostile_words_stay_words(open_page, two):
    for digest in two:
        store.store().describe(digest, name=HOSTILE, tags=HOSTILE, notes=HOSTILE)
    for rows in ([0], [0, 1]):
        app = open_runs(open_page, rows=rows)
        assert not app.exception
        assert HOSTILE not in text_of(app)
        assert all("<script" not in block.value for block in app.html)


def test_deleted_runs_can_be_taken_back(open_page, two):
    app = open_page("runs")
    store.store().bin(two[0])
    app.session_state["_deleted"] = [two[0]]
    app.run()
    assert "1 run deleted" in text_of(app)
    assert len(app.dataframe[0].value) == 1
    button(app, "Undo").click().run()
    assert len(app.dataframe[0].value) == 2


def test_interrupted_runs_are_listed_and_finished(open_page, tiny_pairs, tmp_path):
    app = open_page("attribution", pairs=tiny_pairs)
    from ui.shell.models import ModelChoice, slot
    from ui.shell.worker import worker

    facts = slot().facts(ModelChoice())
    spec = make_result(
        model=facts.model_id, revision=facts.revision, dtype=facts.card.precision, pairs_digest=PAIRS.digest
    ).spec
    dying = Store(tmp_path)
    dying.accept(spec, pairs=2)
    dying.close()
    Store(tmp_path).close()
    entry = store.store().entry(spec.digest)
    assert entry.state == "interrupted"
    app = open_page("attribution", result=spec.digest)
    assert "interrupted" in text_of(app)
    button(app, "Go on with it").click().run()
    assert worker().wait(worker().find(spec.digest), 20)
    assert store.has_result(spec.digest)


def test_a_session_file_is_restored_from_the_page(open_page, two, tmp_path):
    content = session_files.session_file(store.store(), two)
    fresh = Store(tmp_path / "fresh")
    assert len(restore(fresh, content).fresh) == 2


def test_a_table_of_five_thousand_runs_is_searched(open_page, tmp_path):
    store.store()
    text = json.dumps(make_result().spec.to_json())
    fixed = ("tiny", "p", "exact", "kl", "noising", 40, "done", 2.0, 0, 1000)
    rows = [(f"{i:016x}", text, *fixed, float(i), 1.0, f"number {i}") for i in range(5000)]
    with sqlite3.connect(tmp_path / "store.sqlite") as database:
        names = "digest, spec, model, pairs_digest, method, metric, direction, pairs, state, seconds, written, size"
        places = ", ".join("?" * 15)
        database.executemany(f"INSERT INTO runs ({names}, created, used, name) VALUES ({places})", rows)
    app = open_page("runs")
    assert len(app.dataframe[0].value) == 5000
    app.text_input(key="runs_search").set_value("exact 4999").run()
    assert list(app.dataframe[0].value["name"]) == ["number 4999"]


def test_titles_are_names_or_descriptions(open_page, two):
    entry = store.store().entry(two[0])
    assert title_of(entry).startswith("Exact, 3 pairs, ")
    store.store().describe(two[0], name="mine")
    assert title_of(store.store().entry(two[0])) == "mine"


def test_a_result_of_fifty_thousand_cells_opens(tmp_path):
    pairs = [make_pair(i) for i in range(700)]
    result = make_result(pairs, kinds=("z",))
    assert sum(x.size for x in result.effects["z"]) > 50_000
    digest = Store(tmp_path).put(result)
    opened = Store(tmp_path)
    assert len(opened.get(digest).pairs) == 700
