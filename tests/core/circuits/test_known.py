"""Circuits known by construction: the models do their task by them, and the scores find them."""

import numpy as np
import pytest
import torch

from core.circuits.known import KNOWN, auroc
from core.circuits.patched import circuit_metric
from core.circuits.scores import edge_scores
from core.circuits.select import prune
from core.patching.question import ask

LEAST = {"eap-qk": 0.95, "eap-ig-qk": 0.95}


def posed(name, seed=0):
    known = KNOWN[name](seed)
    question = ask(known.model, known.pairs, kinds=("attn_out", "mlp_out"), metric="logit_diff", direction="noising")
    return known, question


@pytest.mark.parametrize("name", KNOWN)
def test_the_model_does_the_task_by_its_circuit(name):
    known, question = posed(name)
    ids = torch.tensor([pair.clean_ids for pair in known.pairs])
    assert known.model.hf(ids).logits[:, -1].argmax(-1).tolist() == [pair.answer_id for pair in known.pairs]
    found = circuit_metric(question, known.graph, np.stack([known.truth, known.graph.edges & ~known.truth])[:, None])
    assert found.faithfulness == pytest.approx([1, 0], abs=0.02)
    assert (prune(known.graph, known.truth[None])[0] == known.truth).all()


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("method", LEAST)
def test_the_qk_fix_finds_the_true_edges(name, method):
    known, question = posed(name)
    edges = known.graph.edges
    scores = edge_scores(question, known.graph, method).summed()[0]
    assert auroc(scores[edges], known.truth[edges]) >= LEAST[method]


@pytest.mark.parametrize("name", ["induction", "inhibition"])
def test_plain_edge_attribution_is_blind_to_sharp_attention(name):
    known, question = posed(name)
    edges = known.graph.edges
    scores = edge_scores(question, known.graph, "eap").summed()[0]
    assert auroc(scores[edges], known.truth[edges]) < 0.8


def test_auroc_by_hand():
    truth = np.array([True, False, True, False])
    assert auroc(np.array([-3.0, 1.0, 2.0, 0.5]), truth) == 1
    assert auroc(np.array([1.0, -2.0, 0.5, 3.0]), truth) == 0
    assert auroc(np.ones(4), truth) == 0.5
