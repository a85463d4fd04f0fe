"""A contest on a small model: every curve against recomputation, every method really run."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from scipy.stats import rankdata

from core.errors import Cancelled, ResultError, SpecError
from core.export.trust.recall import FILES, write_recall
from core.patching.question import ask
from core.patching.trust.contest import CONTESTANTS, run_contest
from core.prompts.pairs import PairSet
from core.runs.execute import execute, make_spec
from tests.tiny import random_pairs, tiny_model

LENGTH, FIRST, KINDS = 6, 3, ("q", "k", "v", "z")


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama")


@pytest.fixture(scope="module", params=[1, 3])
def contest(request, model):
    question = ask(
        model, random_pairs(request.param, LENGTH, FIRST), kinds=KINDS, metric="logit_diff", direction="noising"
    )
    steps = []
    found = run_contest(
        question, "attention", KINDS, seeds=2, samples=128, on_step=lambda done, total: steps.append((done, total))
    )
    assert steps[-1][0] == steps[-1][1]  # what was announced is what was run
    return found


def test_truth_and_scores_are_those_of_whole_runs(contest, model):
    pairs = random_pairs(contest.n_pairs, LENGTH, FIRST)
    for method, found in (("exact", contest.effects), ("atp-star", None)):
        spec = make_spec(model, PairSet("", ()), metric="logit_diff", direction="noising", nodes=KINDS, method=method)
        result = execute(spec, model, pairs)
        values = contest.nodes.read({k: np.stack(result.effects[k]) for k in KINDS})
        if found is not None:
            np.testing.assert_allclose(found, values, atol=2e-5)
        else:
            entrant = next(e for e in contest.entrants if e.method == method)
            score = np.abs(values).mean(0)[entrant.walks[0].order]
            assert (np.diff(score) <= 1e-6).all()


def test_every_method_verifies_every_node_once(contest):
    assert [e.method for e in contest.entrants] == list(CONTESTANTS)
    for entrant in contest.entrants:
        for walk in entrant.walks:
            assert (walk.verified_at > 0).all()
            cost = contest.cost(walk)
            assert (np.diff(cost) >= 0).all()
            assert (cost >= np.arange(1, len(cost) + 1)).all()
            if entrant.method not in ("iterative", "hierarchical"):
                assert len(set(walk.verified_at)) == len(contest.nodes)


def test_estimates_pay_the_price_list(contest):
    prices = {"atp": 4, "atp-qk": 6, "atp-graddrop": 6, "atp-star": 8}  # 3 layers: two backward passes for one
    for entrant in contest.entrants[:4]:
        first = entrant.walks[0].verified_at.min()
        assert first == (prices[entrant.method] + 1) * contest.n_pairs


def test_a_random_order_is_worse_than_an_estimate(contest):
    cost = {e.method: np.mean(contest.relative_costs(e)) for e in contest.entrants}
    assert 1 < cost["atp-star"] < cost["iterative"]


def test_bounds_know_the_true_maximum(contest):
    assert {b.verified for b in contest.bounds} == {0, 10}
    truth = np.abs(contest.effects.mean(0))
    assert next(b for b in contest.bounds if b.verified == 0).true_max == pytest.approx(truth.max())


def written(contest, model, folder):
    pairs = random_pairs(contest.n_pairs, LENGTH, FIRST)
    write_recall([contest], model, pairs, folder, metric="logit_diff", direction="noising")


def test_the_curves_follow_from_the_exported_scores(contest, model, tmp_path):
    """Recomputed from the files alone, with none of the package's functions."""
    folder = tmp_path / "out"
    written(contest, model, folder)
    assert {p.name for p in folder.iterdir()} == set(FILES)
    recall, nodes = pd.read_csv(folder / "recall.csv"), pd.read_csv(folder / "nodes.csv")
    scores = load_file(folder / "scores.safetensors")
    by_effect = nodes.exact.abs().sort_values(ascending=False, kind="stable").index
    summary = json.loads((folder / "summary.json").read_text())
    for (method, seed), rows in recall.groupby(["method", "seed"]):
        if method == "oracle":
            assert (rows.cost == rows.k * contest.n_pairs).all()
            continue
        spent = scores[f"attention/{method}/{seed}"][by_effect]
        assert rows.cost.tolist() == [spent[:k].max() for k in rows.k]
        curve = [spent[:k].max() for k in range(1, len(spent) + 1)]
        weights = 1 / np.arange(1, len(spent) + 1)
        mean = np.average(np.log(np.array(curve) / (contest.n_pairs / weights)), weights=weights)
        assert summary["relative_cost_by_seed"]["attention"][method][seed] == pytest.approx(np.exp(mean))
    for method, agreed in summary["agreement"]["attention"].items():
        score, truth = scores[f"attention/{method}/estimate"], nodes.exact.abs()
        assert agreed["spearman"] == pytest.approx(np.corrcoef(rankdata(score), rankdata(truth))[0, 1])
        best = set(np.argsort(-score, kind="stable")[:10])
        assert agreed["recall"]["10"] == len(best & set(by_effect[:10])) / 10
    bound = pd.read_csv(folder / "bound.csv")
    assert list(bound.columns[:4]) == ["verified", "confidence", "bound", "true_max"]
    assert list(recall.columns[:4]) == ["method", "seed", "k", "cost"]


def test_nothing_half_written(contest, model, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(ResultError):
        written(contest, model, folder)
    assert [p.name for p in folder.iterdir()] == ["thesis.txt"]
    broken = SimpleNamespace(card=SimpleNamespace(to_json=lambda: object()))
    with pytest.raises(TypeError):
        written(contest, broken, tmp_path / "other")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_refusals(model):
    question = ask(model, random_pairs(1, LENGTH, FIRST), kinds=("z",), metric="logit_diff", direction="noising")
    with pytest.raises(SpecError, match="family"):
        run_contest(question, "neurons", ("z",))
    with pytest.raises(Cancelled):
        run_contest(question, "attention", ("z",), cancelled=lambda: True)
