"""What laboratories share: their runs in the queue, on the Runs page, and the models they trained on every page."""

import json

import pytest
import torch

from core.errors import Cancelled
from core.models import load
from core.models.catalogue import DEFAULT
from core.models.toy import save_toy, toy_hf, word_tokenizer
from core.prompts.pairs import PairSet, PromptPair
from core.runs.laboratory import LabSpec
from core.runs.recorded import submit_lab
from tests.ui.conftest import settle
from ui.shell import store
from ui.shell.laboratory import lab_folder, lab_runs, lab_state
from ui.shell.models import ModelChoice, slot
from ui.shell.trained import trained_folder, trained_id
from ui.shell.worker import worker

SPEC = LabSpec("grokking", "Sums of five", settings={"seed": 1})
WORDS = [*"0123456789", "+", "="]
REAL_LOAD = load.load_model  # a page's tests put a tiny model in its place
SUMS = PairSet("sums", (PromptPair("1 + 2 =", "4 + 2 =", "3", "6"),))


def ask(compute):
    return submit_lab(worker(), store.store(), SPEC, compute, items=1, owner="somebody")


def train(on_step, cancelled, scratch, out):
    torch.manual_seed(0)
    hf = toy_hf(vocab_size=len(WORDS), n_ctx=4, d_model=16, n_heads=4, n_layers=1, d_mlp=8)
    for parameter in hf.parameters():
        parameter.normal_(std=0.3)
    save_toy(hf, word_tokenizer(WORDS), out / "models" / "step-10")
    (out / "models" / "other").mkdir()
    (out / "models" / "other" / "config.json").write_text("{}")


@pytest.fixture
def trained(open_page, monkeypatch):
    """A finished run with one model, and the real way of loading it."""
    app = open_page("runs")
    monkeypatch.setattr(load, "load_model", REAL_LOAD)
    ask(train)
    settle(app)
    return SPEC.digest


def test_a_run_is_kept_listed_and_named(trained):
    assert lab_state(trained) == "done"
    assert lab_runs("grokking") == {trained: "Sums of five"}
    assert lab_runs("knowledge") == {}
    assert json.loads((lab_folder(trained) / "run.json").read_text())["spec"] == SPEC.to_json()
    assert lab_folder("../x") is None


def test_only_real_models_of_finished_runs_are_trained_models(trained):
    assert trained_folder(trained_id(trained, "step-10")) == lab_folder(trained) / "models" / "step-10"
    for wrong in ("other", "absent", "../step-10", ""):
        assert trained_folder(trained_id(trained, wrong)) is None
    assert trained_folder("smollm2-135m") is None


def test_a_cancelled_run_can_go_on(open_page):
    app = open_page("runs")

    def stopped(on_step, cancelled, scratch, out):
        (scratch / "kept").write_text("x")
        raise Cancelled

    ask(stopped)
    settle(app)
    assert lab_state(SPEC.digest) == "cancelled"
    assert (store.store().checkpoints(SPEC.digest) / "kept").exists()
    ask(train)
    settle(app)
    assert lab_state(SPEC.digest) == "done"
    assert not worker().queue()


def test_the_runs_page_lists_it_without_pairs(trained, open_page):
    app = open_page("runs")
    row = app.dataframe[0].value.iloc[0]
    assert (row["method"], row["items"], row["state"]) == ("Sums of five", 1, "done")
    app.session_state["runs_table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    assert not app.exception
    assert "Run it again" not in [button.label for button in app.button]  # its own page does that


def test_a_trained_model_is_attributed_like_any_other(trained, open_page):
    chosen = trained_id(trained, "step-10")
    app = open_page("attribution", trained=chosen, pairs=store.save_pairs(SUMS))
    assert app.selectbox(key="model").value == chosen
    assert "Sums of five · step-10" in app.selectbox(key="model").options
    facts = slot().facts(ModelChoice(chosen))
    assert (facts.shape.n_layers, facts.shape.n_heads) == (1, 4)
    assert facts.model_id == chosen


def test_what_no_laboratory_trained_cannot_be_named(trained, open_page):
    app = open_page("pairs", trained=trained_id(trained, "other"))
    assert app.selectbox(key="model").value == DEFAULT
