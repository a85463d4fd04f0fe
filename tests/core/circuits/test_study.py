"""Circuits as plain values, pruning, a run's folder, going on after a stop, and the command line."""

import json

import numpy as np
import pandas as pd
import pytest

from core.circuits.circuit import Circuit, take
from core.circuits.graph import Graph
from core.circuits.patched import circuit_metric
from core.circuits.scores import edge_scores
from core.circuits.select import first_edges, prune, random_ranking, ranking
from core.circuits.settings import CircuitSettings
from core.circuits.stored import read_run
from core.circuits.study import run_study
from core.errors import Cancelled, ResultError, SpecError
from tests.core.circuits.test_scores import posed
from tests.tiny import random_pairs, tiny_model

FAST = CircuitSettings(methods=("eap", "eap-qk"), spans=("summed", "position"), most_pairs=2, seeds=1)


@pytest.mark.parametrize("family", ["gpt2", "llama", "phi", "gemma2"])
@pytest.mark.parametrize("together", [True, False])
def test_what_pruning_drops_changes_nothing(family, together):
    _, question, graph = posed(family, random_pairs(2, 6, 2))
    scores = edge_scores(question, graph, "eap").values
    possible = graph.edges[None] if together else graph.possible(2, 6)
    values = scores.sum(0, keepdims=True) if together else scores
    for order, size in ((ranking(values, possible), 12), (random_ranking(possible, np.random.default_rng(0)), 30)):
        mask = first_edges(order, len(order) // size, possible.shape)
        kept = prune(graph, mask)
        assert size == 12 or kept.sum() < mask.sum()
        found = circuit_metric(question, graph, np.stack([mask, kept]))
        np.testing.assert_allclose(found.values[0], found.values[1], atol=1e-4)


def test_pruning_by_hand():
    graph = Graph(2, 2, 1)
    mask = np.zeros((3, graph.n_writers, graph.n_readers), bool)
    head, key = graph.heads(0).start, graph.readers(0, "k").start
    mask[1, 0, key] = True  # a key at position 1 is read by heads at positions 1 and 2
    mask[2, head, -1] = True
    mask[0, head, graph.readers(1, "v").start] = True  # nothing clean reaches that head at position 0
    mask[2, graph.mlp(1), -1] = True  # nor this MLP
    mask[2, 0, graph.readers(1, "mlp")] = True  # which only now is reached
    assert prune(graph, mask)[1, 0, key]
    assert prune(graph, mask).sum() == 4
    mask[2, 0, graph.readers(1, "mlp")] = False
    assert prune(graph, mask).sum() == 2


def test_a_circuit_survives_json():
    _, question, graph = posed("llama", random_pairs(2, 6, 2))
    scores = edge_scores(question, graph, "eap")
    circuit = take(graph, scores.values, graph.possible(2, 6), 40, tokens=question.pairs[0].clean_tokens)
    named = circuit.with_words(names={"L1 H2": "mover <b>"}, pins={"L1 H2@5": (1.0, 2.0)}, groups={"L1 H2": "a"})
    again = Circuit.from_json(json.loads(json.dumps(named.to_json())))
    assert again.to_json() == named.to_json()
    assert (again.mask(6) == circuit.mask(6)).all()
    assert circuit.mask(6).sum() == len(circuit.edges) <= 40
    table = circuit.to_frame()
    assert table.score.abs().is_monotonic_decreasing
    assert table.token[0] == question.pairs[0].clean_tokens[table.position[0]]


@pytest.mark.parametrize(
    "spoil",
    [
        {"format": "other"},
        {"graph": [3, 4]},
        {"edges": [{"writer": ["mlp", 2, 0], "reader": ["q", 0, 0], "position": None, "score": 1}]},
        {"edges": [{"writer": ["sun", 2, 0], "reader": ["q", 0, 0], "position": None, "score": 1}]},
        {"edges": [{"writer": ["mlp", 99, 0], "reader": ["logits", 3, 0], "position": None, "score": 1}]},
        {"names": 3},
    ],
)
def test_files_that_are_no_circuit_are_refused(spoil):
    data = Circuit(Graph(3, 4, 2), "summed", (), 10, 0).to_json() | spoil
    with pytest.raises(ResultError, match="not a circuit"):
        Circuit.from_json(data)
    with pytest.raises(ResultError, match="not a circuit"):
        Circuit.from_json([1, 2])


def test_a_run_is_kept_whole(tmp_path):
    model, pairs = tiny_model("llama"), random_pairs(3, 6, 2)
    steps = []
    assert run_study(model, pairs, FAST, tmp_path, on_step=lambda done, total: steps.append((done, total))) == 2
    assert steps[-1][0] == steps[-1][1]
    run = read_run(tmp_path)
    assert run.n_all["summed"] == Graph(3, 4, 2).edges.sum()
    whole = run.curve[run.curve.share == 1.0]
    np.testing.assert_allclose(whole.faithfulness, 1, atol=1e-4)
    np.testing.assert_allclose(whole.completeness, 1, atol=1e-4)
    assert set(run.curve.method) == {"eap", "eap-qk", "random"}
    circuit = run.circuit("eap-qk", "position", 30)
    assert len(circuit.edges) <= 30 == circuit.asked
    assert circuit.n_all == run.n_all["position"]
    assert circuit.about["method"] == "eap-qk"
    table = pd.read_csv(tmp_path / "edges.csv")
    first = table[(table.method == "eap-qk") & (table.span == "position")].iloc[0]
    assert first.score == pytest.approx(run.circuit("eap-qk", "position", 1, pruned=False).edges[0].score, rel=1e-5)


def test_a_run_that_was_stopped_goes_on(tmp_path):
    model, pairs = tiny_model("llama"), random_pairs(3, 6, 2)
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    out.mkdir()
    scratch.mkdir()
    count = []

    def stop() -> bool:
        count.append(1)
        return len(count) > 60

    with pytest.raises(Cancelled):
        run_study(model, pairs, FAST, out, scratch=scratch, cancelled=stop)
    kept = {path.name for path in scratch.iterdir()}
    assert "scores-eap.npy" in kept
    (scratch / "scores-eap-qk.npy").unlink(missing_ok=True)
    run_study(model, pairs, FAST, out, scratch=scratch)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    run_study(model, pairs, FAST, fresh)
    for name in ("edges.csv", "curve.csv"):
        assert (out / name).read_text() == (fresh / name).read_text()


def test_settings_that_mean_nothing_are_refused():
    for wrong in ({"methods": ("acdc",)}, {"spans": ()}, {"metric": "kl"}, {"most_pairs": 0}, {"seeds": -1}):
        with pytest.raises(SpecError):
            CircuitSettings(**wrong)
    assert CircuitSettings.from_json(FAST.to_json()) == FAST
