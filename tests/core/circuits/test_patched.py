"""Circuits run alone: both ends, exact node patching as a special case, TransformerLens's faithfulness."""

from functools import partial

import numpy as np
import pytest
import torch

from core.circuits.graph import Graph
from core.circuits.patched import circuit_metric
from core.errors import SpecError
from core.models.load import wrap
from core.models.toy import word_tokenizer
from core.patching.exact import exact_effects
from tests.core.circuits.test_scores import POST_NORM, asked, posed, without_groups
from tests.tiny import FAMILIES, VOCAB, random_pairs, tiny_hf, token_pair


@pytest.mark.parametrize("family", FAMILIES)
def test_the_full_circuit_is_the_clean_run_and_the_empty_one_the_corrupt_run(family):
    _, question, graph = posed(family, random_pairs(3, 7, 2))
    full = np.broadcast_to(graph.edges, (1, *graph.edges.shape))
    possible = graph.possible(2, 7)
    found = circuit_metric(question, graph, np.stack([full, ~full]))
    np.testing.assert_allclose(found.faithfulness, [1, 0], atol=1e-4)
    np.testing.assert_allclose(found.values[0], question.values[:3], atol=1e-4)
    np.testing.assert_allclose(circuit_metric(question, graph, possible[None]).faithfulness, 1, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_corrupting_all_edges_of_a_node_is_patching_the_node(family):
    """Everything but the edges into one query, key, value or MLP, or out of one head, at one position."""
    model, question, graph = posed(family, random_pairs(2, 6, 2))
    kinds = ("q", "k", "v", "z", "mlp_out")
    exact = exact_effects(model, question.run, read=question.read, kinds=kinds, **question.rows)
    circuits, wanted, base = [], [], np.array(question.values[:2])
    for layer, position in ((0, 3), (1, 5), (2, 5)):
        for kind, unit in (("q", 1), ("k", 1), ("v", 0), ("mlp", 0), ("z", 2)):
            if kind == "z" and family in POST_NORM:  # there one head's write changes the others' scale
                continue
            keep = np.broadcast_to(graph.edges, (6, *graph.edges.shape)).copy()
            if kind == "z":
                keep[position, graph.heads(layer).start + unit] = False
            else:
                keep[position, :, graph.readers(layer, kind).start + unit] = False
            circuits.append(keep)
            node = "mlp_out" if kind == "mlp" else kind
            wanted.append(base + exact[node][:, layer, position, unit])
    found = circuit_metric(question, graph, np.stack(circuits))
    np.testing.assert_allclose(found.values, wanted, atol=2e-4)


@pytest.mark.parametrize("family", ["gpt2", "neox", "llama without groups"])
def test_transformer_lens_measures_the_same_faithfulness(family):
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.tools.analysis.attribution_patching import Node, faithfulness

    make = partial(tiny_hf, family) if family in FAMILIES else without_groups
    pair = random_pairs(1, 5, 1)[0]
    question, graph = asked(wrap(make(), None, model_id="tiny"), (pair,))
    words = word_tokenizer([f"t{i}" for i in range(VOCAB)])
    bridge = TransformerBridge.boot_transformers("tiny", hf_model=make(), tokenizer=words, device="cpu")
    keep = graph.possible(1, 5) & (np.random.default_rng(0).random((5, *graph.edges.shape)) < 0.6)
    theirs = faithfulness(
        bridge,
        torch.tensor([pair.clean_ids]),
        torch.tensor([pair.corrupt_ids]),
        lambda logits: logits[0, -1, pair.answer_id] - logits[0, -1, pair.distractor_id],
        [_edge(Node, graph, *place) for place in np.argwhere(keep)],
    )
    found = circuit_metric(question, graph, keep[None])
    assert found.faithfulness[0] == pytest.approx(theirs.recovered, abs=1e-3)
    assert not 0.05 > found.faithfulness[0] > -0.05  # a circuit that does something


def _edge(node, graph, position, writer, reader):
    w, r = graph.writer(int(writer)), graph.reader(int(reader))
    writers = {"head": "attn_head_out", "mlp": "mlp_out", "embed": "embed"}
    readers = {"q": "q_input", "k": "k_input", "v": "v_input", "mlp": "mlp_in", "logits": "logits"}
    first = node(
        kind=writers[w.kind],
        position=int(position),
        layer=None if w.kind == "embed" else w.layer,
        head=w.unit if w.kind == "head" else None,
    )
    last = r.layer - 1 if r.kind == "logits" else r.layer
    head = r.unit if r.kind in "qkv" else None
    return first, node(kind=readers[r.kind], position=int(position), layer=last, head=head)


def test_pairs_without_a_gap_are_refused():
    ids = [5, 6, 7, 8]
    pair = token_pair(0, ids, [5, 6, 9, 8], 3, 3)
    _, question, graph = posed("gpt2", (pair,))
    with pytest.raises(SpecError, match="nothing to explain"):
        circuit_metric(question, graph, graph.edges[None, None])


def test_the_interval_holds_the_mean_and_needs_two_pairs():
    _, question, graph = posed("llama", random_pairs(6, 6, 2))
    keep = graph.edges & (np.random.default_rng(1).random(graph.edges.shape) < 0.7)
    found = circuit_metric(question, graph, keep[None, None])
    low, high = found.interval()[:, 0]
    assert low <= found.faithfulness[0] <= high
    _, single, graph = posed("llama", random_pairs(1, 6, 2))
    assert np.isnan(circuit_metric(single, graph, keep[None, None]).interval()).all()
    assert isinstance(graph, Graph)
