"""Edge scores: TransformerLens's where it computes them, sums that are node estimates everywhere, exact QK terms."""

from functools import partial

import numpy as np
import pytest
import torch

from core.circuits.graph import Graph, Reader, Writer
from core.circuits.scores import between, edge_scores
from core.circuits.settings import EDGE_METHODS
from core.circuits.sweep import graph_of, is_parallel
from core.models.load import wrap
from core.models.toy import word_tokenizer
from core.patching.atp import atp_scores
from core.patching.question import ask
from tests.tiny import FAMILIES, VOCAB, random_pairs, tiny_hf, tiny_model

PARALLEL = {"neox", "phi"}
POST_NORM = {"gemma2", "gemma3", "olmo2"}


def asked(model, pairs, direction="noising"):
    question = ask(model, pairs, kinds=("z", "attn_out", "mlp_out"), metric="logit_diff", direction=direction)
    return question, graph_of(model)


def posed(family, pairs, direction="noising"):
    model = tiny_model(family)
    return model, *asked(model, pairs, direction)


@pytest.mark.parametrize("family", FAMILIES)
def test_parallel_blocks_are_recognised(family):
    assert is_parallel(tiny_model(family)) == (family in PARALLEL)


@pytest.mark.parametrize("family", FAMILIES)
def test_edges_out_of_a_writer_sum_to_its_node_estimate(family):
    pairs = random_pairs(3, 7, 2)
    model, question, graph = posed(family, pairs)
    found = edge_scores(question, graph, "eap").values.sum(-1)  # [position, writer]
    nodes = atp_scores(
        model,
        question.run,
        gradient=question.gradient,
        kinds=("z", "mlp_out", "resid_pre"),
        method="atp",
        **question.rows,
    )
    mean = {kind: values.mean(0) for kind, values in nodes.items()}  # [layer, position, unit]
    for layer in range(3):
        np.testing.assert_allclose(found[:, graph.mlp(layer)], mean["mlp_out"][layer, :, 0], atol=2e-4, rtol=2e-3)
        if family not in POST_NORM:  # there a head's write is a share of the normalised sum
            np.testing.assert_allclose(found[:, graph.heads(layer)], mean["z"][layer], atol=2e-4, rtol=2e-3)
    np.testing.assert_allclose(found[:, 0], mean["resid_pre"][0, :, 0], atol=2e-4, rtol=2e-3)


def without_groups():
    """A Llama each of whose heads has its own keys and values: what TransformerLens can split."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    hf = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, parameter in hf.named_parameters():
            if parameter.ndim > 1 and "embed" not in name:
                parameter.mul_(4)
    return hf


@pytest.mark.parametrize("family", ["gpt2", "neox", "llama without groups"])
def test_transformer_lens_gives_the_same_edges(family):
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.tools.analysis.attribution_patching import EdgeAttributionConfig, attribution_patch

    pairs = random_pairs(2, 6, 2)
    pair = pairs[0]
    make = partial(tiny_hf, family) if family in FAMILIES else without_groups
    model, hf = wrap(make(), None, model_id="tiny"), make()
    question, graph = asked(model, pairs[:1], direction="denoising")
    words = word_tokenizer([f"t{i}" for i in range(VOCAB)])
    bridge = TransformerBridge.boot_transformers("tiny", hf_model=hf, tokenizer=words, device="cpu")
    result = attribution_patch(
        bridge,
        torch.tensor([pair.clean_ids]),
        torch.tensor([pair.corrupt_ids]),
        lambda logits: logits[0, -1, pair.answer_id] - logits[0, -1, pair.distractor_id],
        EdgeAttributionConfig(granularity="edge"),
    )
    ours = edge_scores(question, graph, "eap").values
    possible, theirs = graph.possible(2, 6), np.zeros_like(ours)
    for (writer, reader), score in result.edge_scores.items():
        w, r = _index(graph, writer, reader)
        assert graph.edges[w, r]
        theirs[writer.position, w, r] = score
    assert len(result.edge_scores) == 6 * graph.edges.sum()
    np.testing.assert_allclose(ours, theirs, atol=2e-4 * np.abs(theirs).max())
    assert np.abs(theirs[~possible]).max() < 1e-6  # what we leave out is 0


def _index(graph, writer, reader):
    kinds = {"attn_head_out": "head", "mlp_out": "mlp", "embed": "embed"}
    w = graph.writer_index(Writer(kinds[writer.kind], writer.layer or 0, writer.head or 0))
    names = {"q_input": "q", "k_input": "k", "v_input": "v", "mlp_in": "mlp", "logits": "logits"}
    return w, graph.reader_index(Reader(names[reader.kind], reader.layer or 0, reader.head or 0))


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "qwen3", "phi"])
def test_fixed_edges_are_the_softmax_by_hand(family):
    """Score = gradient by z times the change of z when one writer's change enters one query or key alone."""
    from core.circuits.scores import write_changes
    from core.circuits.sweep import reader_gradients
    from core.models.attention import AttentionPass, mix, scores
    from core.patching.forward import block_kwargs
    from core.readouts.block_attention import attention_of

    pair = random_pairs(1, 6, 2)[0]
    model, question, graph = posed(family, [pair])
    found = edge_scores(question, graph, "eap-qk").values
    layer, start, length = 2, 2, 6
    changes = write_changes(question, graph, [0], start)
    last = question.run.inputs[-1][:1]
    top = torch.zeros_like(last[:, start:])
    top[:, -1] = question.gradient(last[:, -1])
    sweep = {g.layer: g for g in reader_gradients(model, question.run, torch.tensor([0]), start, top)}
    step, kwargs = question.run.heads[layer], block_kwargs(model, start, length)[layer]
    mask, alone = step.mask, AttentionPass(mask=[torch.zeros(1, 1, 4, 4, device=model.device)] * 3)
    writer, group = graph.mlp(0), model.shape.n_heads // model.shape.n_kv_heads
    for position in (3, 5):
        x = question.run.inputs[layer][:1, start:].clone()
        x[0, position - start] += changes[position - start, writer, 0]
        with torch.no_grad():
            moved = attention_of(model, layer, x, kwargs, alone)
            for kind, head in (("q", 3), ("k", model.shape.n_kv_heads - 1)):
                q, k = step.q[:1].clone(), step.k[:1].clone()
                (q if kind == "q" else k)[0, head, position] = getattr(moved, kind)[0, head, position - start]
                new = mix(scores(q, k, mask, step.scaling, step.softcap).softmax(-1), step.v[:1])
                old = mix(scores(step.q[:1], step.k[:1], mask, step.scaling, step.softcap).softmax(-1), step.v[:1])
                heads = slice(head, head + 1) if kind == "q" else slice(head * group, (head + 1) * group)
                wanted = ((new - old)[:, heads, start:] * sweep[layer].z[:, heads]).sum().item()
                index = graph.reader_index(Reader(kind, layer, head))
                assert found[position, writer, index] == pytest.approx(wanted, rel=2e-3, abs=1e-5)


def test_only_queries_and_keys_are_fixed():
    _, question, graph = posed("llama", random_pairs(2, 7, 2))
    plain, fixed = (edge_scores(question, graph, method).values for method in ("eap", "eap-qk"))
    same = [graph.reader(i).kind in ("v", "mlp", "logits") for i in range(graph.n_readers)]
    np.testing.assert_allclose(plain[..., same], fixed[..., same], atol=1e-5)
    assert np.abs(plain - fixed).max() > 1e-2


def test_integrated_gradients_are_the_mean_over_runs_in_between():
    """For the embedding's edges their sum over readers is the integral itself: close to the whole change."""
    pairs = random_pairs(1, 6, 2)
    _, question, graph = posed("llama", pairs)
    one, many = (edge_scores(question, graph, "eap-ig", steps=steps).values for steps in (1, 200))
    plain = edge_scores(question, graph, "eap").values
    np.testing.assert_allclose(one, plain, atol=1e-6)
    gap = question.values[1] - question.values[0]
    assert many[:, 0].sum() == pytest.approx(gap, rel=0.05)
    assert abs(plain[:, 0].sum() - gap) > 0.05 * abs(gap)


def test_a_run_in_between_ends_at_both_runs():
    model, question, _ = posed("gemma2", random_pairs(2, 6, 2))
    for share, rows in ((0.0, [0, 1]), (1.0, [2, 3])):
        run = between(model, question.run, torch.tensor([0, 1]), torch.tensor([2, 3]), share)
        torch.testing.assert_close(run.inputs[-1], question.run.inputs[-1][rows], atol=1e-4, rtol=1e-4)


def test_scores_do_not_depend_on_batches(monkeypatch):
    _, question, graph = posed("qwen3", random_pairs(5, 6, 2))
    whole = {method: edge_scores(question, graph, method).values for method in EDGE_METHODS}
    monkeypatch.setattr("core.circuits.scores.HELD", 1)
    monkeypatch.setattr("core.circuits.fixed.PATTERNS", 1)
    for method, values in whole.items():
        np.testing.assert_allclose(edge_scores(question, graph, method).values, values, atol=1e-5)


def test_names_and_numbers_agree():
    graph = Graph(3, 4, 2)
    assert [graph.writer_index(graph.writer(i)) for i in range(graph.n_writers)] == list(range(graph.n_writers))
    assert [graph.reader_index(graph.reader(i)) for i in range(graph.n_readers)] == list(range(graph.n_readers))
    assert graph.n_writers == 16
    assert graph.n_readers == 28
    assert graph.edges[:, -1].all()
    assert not graph.edges[graph.mlp(0), graph.readers(0, "mlp")].any()
    assert graph.edges[graph.heads(0), graph.readers(0, "mlp")].all()
    assert not Graph(3, 4, 2, parallel=True).edges[graph.heads(0), graph.readers(0, "mlp")].any()
