"""The toy, its training, and whole studies: of a model that binds labels and of one that does not."""

import ast
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from core.__main__ import main
from core.errors import Cancelled, ResultError, SpecError
from core.labs.multiple_choice.behaviour import CHANCE, Answers, all_turns, answers_of, judge
from core.labs.multiple_choice.folder import BEHAVIOUR, TABLES, read_study
from core.labs.multiple_choice.inside.runs import measure, runs_of
from core.labs.multiple_choice.names import spec_of
from core.labs.multiple_choice.questions.bundled import load_questions
from core.labs.multiple_choice.questions.layouts import LAYOUTS, MUTATIONS, prompts_of
from core.labs.multiple_choice.questions.questions import Question, QuestionSet
from core.labs.multiple_choice.questions.tokens import tokenised
from core.labs.multiple_choice.script import reproduction_script
from core.labs.multiple_choice.study import study
from core.labs.multiple_choice.toy.task import FORMATS, VOCABULARY, draw, template, toy_tokenizer
from core.labs.multiple_choice.toy.train import Plan, as_hf, curve, fresh, logits, train
from core.models.load import load_model, wrap
from core.paths import ROOT


def test_the_fast_trainer_computes_what_the_kept_model_computes():
    weights = fresh(torch.Generator().manual_seed(3))
    model = as_hf(weights)
    for name in FORMATS:
        batch = draw(template(name), 3, torch.Generator().manual_seed(1))
        quick = logits(weights, batch)
        for group in range(3):
            for asked in range(4):
                ids = torch.cat([batch.shared[group], batch.own[group, asked]])
                with torch.no_grad():
                    slow = model(input_ids=ids[None]).logits[0, -1]
                torch.testing.assert_close(quick[group, asked], slow, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", FORMATS)
def test_training_prompts_are_those_that_questions_become(name):
    batch = draw(template(name), 4, torch.Generator().manual_seed(0), drawn=1.0)
    words = [VOCABULARY[i] for i in torch.cat([batch.shared[2], batch.own[2, 3]]).tolist()]
    label = VOCABULARY[int(batch.labels[2, 3])]
    at = max(i for i, word in enumerate(words[:-1]) if word == words[-1])
    assert label in words[at - 2 : at]
    assert words.count(words[-1]) == 2


def test_a_short_training_lowers_the_loss_and_is_repeatable():
    first, second = ([*train(Plan(steps=40, groups=16, every=20, seed=5))] for _ in range(2))
    assert [c.step for c in first] == [0, 20, 40]
    assert all(torch.equal(first[-1].weights[n], second[-1].weights[n]) for n in first[-1].weights)
    batch = draw(template("standard"), 64, torch.Generator().manual_seed(9))
    target = batch.labels.flatten()
    before, after = (
        torch.nn.functional.cross_entropy(logits(c.weights, batch).flatten(0, 1), target) for c in (first[0], first[-1])
    )
    assert after < before - 0.2
    table = curve(first, seed=5)
    assert set(table.mutation) == set(MUTATIONS)
    assert len(table) == 3 * len(MUTATIONS)


def test_the_shipped_toys_bind_labels_and_generalise_as_their_curve_says():
    finished, early = load_model("label-binding"), load_model("label-binding-early")
    seen = {}
    for model in (finished, early):
        for mutation in ("standard", "random letters", "digits"):
            prompts = prompts_of(all_turns(load_questions("words").questions), LAYOUTS["word"], mutation)
            asked, right = tokenised(prompts, model.tokenizer), []
            for i, last in runs_of(model, asked):
                right.append(int(measure(model, last.final, asked[i]).logits[0].argmax()) == asked[i].answer)
            seen[model.model_id, mutation] = np.mean(right)
    assert seen["label-binding", "standard"] > 0.98
    assert seen["label-binding", "random letters"] > 0.95
    assert seen["label-binding-early", "random letters"] < seen["label-binding-early", "standard"] - 0.03
    assert max(seen["label-binding", "digits"], seen["label-binding-early", "digits"]) < 0.4


def answers(right):
    """Answers that are right as given, ``[question, turn]``."""
    places = np.tile(np.arange(4), len(right))
    chosen = np.where(np.ravel(right), places, (places + 1) % 4)
    return Answers(np.eye(4, dtype=np.float32)[chosen], np.ones(len(places), np.float32), places)


def test_the_verdict_wants_more_than_half_and_counts_questions_not_prompts():
    assert judge(answers(np.ones((30, 4), bool))).binds
    few = judge(answers(np.ones((3, 4), bool)))
    many = judge(answers(np.ones((60, 4), bool)))
    assert few.low < many.low
    assert not few.binds
    half = judge(answers(np.tile([True, True, False, False], (60, 1))))
    assert not half.binds
    assert "better than chance" in half.words()


def test_a_model_that_always_says_b_is_at_chance_and_its_bias_is_seen():
    always_b = np.tile(np.array([0, 1, 0, 0], np.float32), (80, 1))
    always_b[np.arange(80), np.arange(80) % 4] += 0.1  # it knows, a little
    found = Answers(always_b, np.ones(80, np.float32), np.arange(80) % 4)
    verdict = judge(found)
    assert verdict.accuracy == CHANCE
    assert verdict.largest_share == 1
    assert verdict.corrected == 1
    assert "does not bind" in verdict.words()


def test_a_study_that_was_cut_off_goes_on_from_its_answers(tmp_path, monkeypatch):
    model = wrap(as_hf(fresh(torch.Generator().manual_seed(0))), toy_tokenizer(), model_id="untrained")
    questions = QuestionSet("few", load_questions("words").questions[:8])
    calls = iter(range(10_000))
    with pytest.raises(Cancelled):
        study(model, questions, layout="word", cancelled=lambda: next(calls) > 50, scratch=tmp_path)
    assert (tmp_path / "answers-standard.npz").exists()
    (tmp_path / "answers-shuffled.npz").write_bytes(b"half a file")
    asked = []
    monkeypatch.setattr(
        "core.labs.multiple_choice.study.answers_of", lambda m, p, **k: asked.append(len(p)) or answers_of(m, p, **k)
    )
    again = study(model, questions, layout="word", scratch=tmp_path)
    assert len(asked) == len(MUTATIONS) - 1
    whole = study(model, questions, layout="word")
    pd.testing.assert_frame_equal(again.tables["answers"], whole.tables["answers"])


def test_too_few_questions_are_refused():
    with pytest.raises(SpecError, match="at least 8"):
        spec_of("m", "r", "float32", QuestionSet("few", load_questions("words").questions[:7]), layout="word")


@pytest.fixture(scope="module")
def toy_study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mcqa")
    lines = (load_questions("words").questions)[:12]
    rows = ["question,A,B,C,D,answer"] + [",".join([q.text, *q.options, "ABCD"[q.answer]]) for q in lines]
    (folder / "mine.csv").write_text("\n".join(rows) + "\n")
    command = ["mcqa", "--model", "label-binding", "--questions", str(folder / "mine.csv"), "--device", "cpu"]
    assert main([*command, "--layout", "word", "--out", str(folder / "out")]) == 0
    return read_study(folder / "out")


def test_the_command_writes_every_table_of_a_model_that_binds(toy_study):
    assert toy_study.binds
    assert set(toy_study.tables) == set(TABLES)
    assert toy_study.run["spec"]["settings"]["layout"] == "word"
    nodes = toy_study.tables["nodes"]
    chosen = nodes[nodes.output]
    assert len(chosen) == toy_study.summary["output_nodes"]
    assert chosen.share.iloc[-1] >= 0.8
    assert (chosen.share.iloc[:-1] < 0.8).all()
    kept = toy_study.tables["kept"]
    enough = kept[kept.output].iloc[0]
    at_random = kept[(kept.order == "random") & (kept.nodes == enough.nodes)]
    assert enough.accuracy > 0.8
    assert enough.loss < at_random.loss.mean() - 1


def test_effects_of_the_last_layer_are_direct_and_the_low_rank_controls_are_there(toy_study):
    effects = toy_study.tables["effects"]
    last = effects[(effects.layer == 1)].pivot_table(
        index=["node", "ablation", "metric"], columns="path", values="effect"
    )
    np.testing.assert_allclose(last.direct, last.total, atol=1e-4)
    ranks = toy_study.tables["ranks"]
    assert set(ranks.fit) == {"svd", "means", "shuffled", "random"}
    assert set(ranks.on) == {"fitted", "held out"}
    both = ranks[(ranks.parts == "q+k") & (ranks["on"] == "fitted") & (ranks.heads == ranks.heads.iloc[-1])]
    best = both[both.fit == "svd"].set_index("rank").recovered
    assert best.loc[12] == pytest.approx(1, abs=0.02)
    bars = toy_study.tables["mutations"]
    assert {"full", "low rank", "random", "ablated"} == set(bars.version)
    loss = bars.pivot_table(index="mutation", columns="version", values="loss")
    assert loss.loc["standard", "full"] < loss.loc["standard", "low rank"] < loss.loc["standard", "ablated"]
    assert loss.loc["digits", "full"] > 5


def test_held_out_questions_are_not_among_the_fitted_ones(toy_study):
    table = toy_study.tables["answers"]
    assert set(table[table.mutation != "standard"].question) == {2, 4, 6, 8, 10, 12}
    assert set(table[table.mutation == "standard"].question) == set(range(1, 13))
    counts = toy_study.tables["ranks"].groupby("on").n.first()
    assert counts.sum() == toy_study.summary["prompts"]


def test_a_model_that_does_not_bind_gets_its_answers_and_no_circuit(tmp_path, capsys, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    untrained = wrap(as_hf(fresh(generator)), toy_tokenizer(), model_id="untrained")
    monkeypatch.setattr("core.models.load.load_model", lambda *_, **__: untrained)
    assert main(["mcqa", "--model", "untrained", "--questions", "words", "--out", str(tmp_path / "out")]) == 0
    assert "does not bind" in capsys.readouterr().out
    found = read_study(tmp_path / "out")
    assert not found.binds
    assert set(found.tables) == set(BEHAVIOUR)
    shares = found.tables["labels"].groupby("mutation").share.sum()
    np.testing.assert_allclose(shares, 1, atol=1e-6)
    assert set(shares.index) == set(MUTATIONS)


REFUSALS = {
    "no such file": (["--questions", "nowhere.csv"], "--questions"),
    "layout": (["--questions", "words", "--layout", "magic"], "--layout"),
    "words it does not know": (["--questions", "general"], "row 1"),
    "not a folder of ours": (["--questions", "words", "--out", "."], "already holds"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_the_command_refuses_in_one_line(case, tmp_path, capsys, monkeypatch):
    more, named = REFUSALS[case]
    options = ["--model", "label-binding", "--device", "cpu", "--out", str(tmp_path / "out"), *more]
    assert main(["mcqa", *options]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_damaged_folder_is_refused(tmp_path):
    with pytest.raises(ResultError):
        read_study(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"lab": "other"}))
    (tmp_path / "summary.json").write_text(json.dumps({"verdict": {"binds": True}}))
    (tmp_path / "questions.csv").write_text("Which?,one,two,three,four,A\n")
    for name in BEHAVIOUR:
        pd.DataFrame({"a": [1]}).to_csv(tmp_path / f"{name}.csv")
    with pytest.raises(ResultError, match="no multiple-choice study"):
        read_study(tmp_path)


def test_the_script_of_a_study_runs_it_again_and_agrees(toy_study, tmp_path):
    path = tmp_path / "again.py"
    path.write_text(reproduction_script(toy_study))
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, path], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "All agree." in done.stdout


def test_user_text_enters_the_script_as_text_only(toy_study):
    evil = Question('"""\nraise SystemExit(9)\n"""', ("__import__('os')", "b", "c", "d"), 0)
    text = reproduction_script(replace(toy_study, questions=(evil,)))
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert "SystemExit" not in names
    assert "__import__" not in names
