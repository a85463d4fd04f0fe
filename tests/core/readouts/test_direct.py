"""Direct logit attribution: parts that sum to the model's own logits, in every family; TransformerLens's numbers."""

import numpy as np
import pytest
import torch

from core.errors import ModelError, PromptError
from core.models.toy import word_tokenizer
from core.prompts.align import align
from core.prompts.bundled import load_bundled
from core.prompts.pairs import largest_group
from core.readouts.direct import direct_effects, direct_logit_attribution, head_sources, neuron_effects
from core.readouts.lens import logit_lens
from core.readouts.linear import freeze
from tests.core.patching.test_answers import with_rest, with_sets
from tests.tiny import FAMILIES, VOCAB, random_pairs, tiny_hf, tiny_model


def own_difference(model, pair, ids):
    with torch.no_grad():
        logits = model.hf(torch.tensor([ids], device=model.device)).logits[0].float().cpu()
    return (logits[:, pair.answer_id] - logits[:, pair.distractor_id]).numpy()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("run", ["clean", "corrupt"])
def test_parts_sum_to_the_logit_difference_at_every_position(family, run):
    model, pairs = tiny_model(family), random_pairs(2, 7, 2)
    found = direct_logit_attribution(model, pairs, run=run)
    assert found.heads.shape == (2, 1, 3, 4, 7)
    for row, pair in enumerate(pairs):
        wanted = own_difference(model, pair, getattr(pair, f"{run}_ids"))
        np.testing.assert_allclose(found.total()[row, 0], wanted, atol=1e-4)
        np.testing.assert_allclose(found.logits[row, 0], wanted, atol=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "granite", "phi"])
def test_parts_sum_to_every_chosen_logit(family):
    model, pair = tiny_model(family), random_pairs(1, 6, 2)[0]
    tokens = torch.tensor([[7, 50, 99]])
    found = direct_effects(model, torch.tensor([pair.clean_ids]), tokens)
    with torch.no_grad():
        logits = model.hf(torch.tensor([pair.clean_ids], device=model.device)).logits[0, -1].cpu()
    np.testing.assert_allclose(found.total()[0, :, 0], logits[tokens[0]].numpy(), atol=1e-4)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_neurons_and_sources_sum_to_their_component(family):
    model, pairs = tiny_model(family), random_pairs(2, 7, 2)
    whole = direct_logit_attribution(model, pairs)
    sources = head_sources(model, pairs, 1, 3)
    np.testing.assert_allclose(sources.sum(-1), whole.heads[:, 0, 1, 3], atol=1e-4)
    assert np.abs(np.triu(sources, 1)).max() == 0
    if family == "llama":  # no bias: the neurons are all of the MLP
        np.testing.assert_allclose(neuron_effects(model, pairs, 2).sum(-1), whole.mlps[:, 0, 2], atol=1e-4)


def test_the_last_position_alone_is_the_last_of_all():
    model, pairs = tiny_model("qwen3"), random_pairs(2, 7, 2)
    every, last = (direct_logit_attribution(model, pairs, last=one) for one in (False, True))
    np.testing.assert_allclose(every.heads[..., -1:], last.heads, atol=1e-5)
    np.testing.assert_allclose(every.bias[..., -1:], last.bias, atol=1e-5)


def test_transformer_lens_gives_the_same_numbers_where_it_runs():
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.tools.analysis.direct_logit_attribution import direct_logit_attribution as theirs

    model, pair = tiny_model("llama"), random_pairs(1, 7, 2)[0]
    words = word_tokenizer([f"t{i}" for i in range(VOCAB)])
    bridge = TransformerBridge.boot_transformers("tiny", hf_model=tiny_hf("llama"), tokenizer=words, device="cpu")
    bridge.enable_compatibility_mode(disable_warnings=True)
    ids = torch.tensor([pair.clean_ids])
    result = theirs(bridge, ids, torch.tensor([pair.answer_id]), torch.tensor([pair.distractor_id]), unit="component")
    values = dict(zip(result.labels, result.attribution.flatten().tolist()))
    ours = direct_logit_attribution(model, [pair], last=True)
    for layer in range(3):
        assert values[f"{layer}_mlp_out"] == pytest.approx(ours.mlps[0, 0, layer, 0], abs=1e-3)
        assert values[f"{layer}_attn_out"] == pytest.approx(ours.heads[0, 0, layer].sum(), abs=1e-3)


def test_a_function_that_is_no_norm_is_refused():
    with pytest.raises(ModelError, match="neither"):
        freeze(torch.tanh, torch.randn(4, 8))


@pytest.mark.model
def test_the_default_model(default_model):
    pairs = largest_group(align(load_bundled("ioi_abba"), default_model.tokenizer).pairs)[:4]
    found = direct_logit_attribution(default_model, pairs)
    np.testing.assert_allclose(found.total(), found.logits, atol=1e-4)
    for row, pair in enumerate(pairs):
        np.testing.assert_allclose(found.logits[row, 0], own_difference(default_model, pair, pair.clean_ids), atol=1e-4)


def test_of_sets_the_direction_is_the_mean_over_each():
    model, single = tiny_model("gemma2"), random_pairs(2, 7, 2)  # a soft-cap after the logits
    pairs = [with_sets(single[0], (5, 8, 13), (21, 34)), single[1]]
    found = direct_logit_attribution(model, pairs)
    for row, pair in enumerate(pairs):
        with torch.no_grad():
            logits = model.hf(torch.tensor([pair.clean_ids], device=model.device)).logits[0].float().cpu()
        wanted = logits[:, list(pair.answer_ids)].mean(-1) - logits[:, list(pair.distractor_ids)].mean(-1)
        np.testing.assert_allclose(found.logits[row, 0], wanted, atol=1e-5)
        np.testing.assert_allclose(found.total()[row, 0], wanted, atol=1e-4)
    neurons = neuron_effects(model, pairs, 1)
    np.testing.assert_allclose(neurons[1], neuron_effects(model, single[1:], 1)[0], atol=1e-6)


def test_answers_of_several_tokens_in_a_row_are_refused():
    model, pair = tiny_model("llama"), with_rest(random_pairs(1, 7, 2)[0])
    for read in (lambda: direct_logit_attribution(model, [pair]), lambda: logit_lens(model, pair)):
        with pytest.raises(PromptError, match=r"row 1: .*3 tokens in a row"):
            read()


def test_the_lens_of_sets_reads_their_mean_their_mass_and_their_best_rank():
    model, pair = tiny_model("llama"), with_sets(random_pairs(1, 7, 2)[0], (5, 8), (21, 34))
    model.tokenizer = word_tokenizer([f"t{i}" for i in range(VOCAB)])
    lens = logit_lens(model, pair)
    with torch.no_grad():
        logits = model.hf(torch.tensor([pair.clean_ids], device=model.device)).logits[0].float().cpu()
    np.testing.assert_allclose(
        lens.difference[-1], logits[:, [5, 8]].mean(-1) - logits[:, [21, 34]].mean(-1), atol=1e-4
    )
    np.testing.assert_allclose(lens.answer_probability[-1], logits.softmax(-1)[:, [5, 8]].sum(-1), atol=1e-5)
    best = logits[:, [5, 8]].max(-1).values
    assert lens.answer_rank[-1].tolist() == [int((row > top).sum()) + 1 for row, top in zip(logits, best)]
