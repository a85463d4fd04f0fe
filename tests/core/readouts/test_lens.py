"""The logit lens and a head's circuits in words, against the model's own numbers and weights by hand."""

import numpy as np
import pytest
import torch

from core.errors import SpecError
from core.models.toy import word_tokenizer
from core.readouts.head_words import head_words
from core.readouts.lens import logit_lens
from tests.tiny import VOCAB, random_pairs, tiny_hf, tiny_model


def worded(family):
    model = tiny_model(family)
    model.tokenizer = word_tokenizer([f"t{i}" for i in range(VOCAB)])
    return model


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "granite"])
def test_the_last_row_is_the_models_answer(family):
    model, pair = worded(family), random_pairs(1, 6, 2)[0]
    lens = logit_lens(model, pair, run="corrupt")
    with torch.no_grad():
        logits = model.hf(torch.tensor([pair.corrupt_ids], device=model.device)).logits[0].float().cpu()
    chances = logits.softmax(-1)
    np.testing.assert_allclose(
        lens.difference[-1], logits[:, pair.answer_id] - logits[:, pair.distractor_id], atol=1e-4
    )
    np.testing.assert_allclose(lens.answer_probability[-1], chances[:, pair.answer_id], atol=1e-5)
    assert lens.answer_rank[-1].tolist() == [int((row > row[pair.answer_id]).sum()) + 1 for row in logits]
    assert list(lens.top[-1]) == [f"t{i}" for i in logits.argmax(-1)]
    assert lens.difference.shape == (4, 6)


def test_every_layer_agrees_with_transformer_lens():
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.tools.analysis.logit_lens import logit_lens as theirs

    model, pair = worded("llama"), random_pairs(1, 6, 2)[0]
    bridge = TransformerBridge.boot_transformers(
        "tiny", hf_model=tiny_hf("llama"), tokenizer=model.tokenizer, device="cpu"
    )
    found = theirs(bridge, torch.tensor([pair.clean_ids]), targets=[pair.answer_id], positions=None)
    ranks = found.rank_trajectory(pair.answer_id).reshape(len(found.labels), -1).numpy()
    wanted = [i for i, label in enumerate(found.labels) if "mid" not in label]
    np.testing.assert_array_equal(ranks[wanted] + 1, logit_lens(model, pair).answer_rank)


def test_words_of_a_head_by_hand():
    """Layer 0 of a Llama: values and queries of single embeddings through the weights, rotary the identity at 0."""
    model, pair, head = worded("llama"), random_pairs(1, 6, 2)[0], 3
    hf = tiny_hf("llama")
    block = hf.model.layers[0]
    with torch.no_grad():
        x = block.input_layernorm(hf.model.embed_tokens.weight)
        q = block.self_attn.q_proj(x)[:, head * 8 : head * 8 + 8]
        k, v = (m(x)[:, 8:16] for m in (block.self_attn.k_proj, block.self_attn.v_proj))
        write = v @ block.self_attn.o_proj.weight[:, head * 8 : head * 8 + 8].T
        raised = hf.lm_head(write * hf.model.norm.weight)
        raised = raised - raised.mean(-1, keepdim=True)
        sought = q @ k.T / 8**0.5
    found = head_words(model, pair, 0, head, top=3)
    first, token = found.tokens[0], pair.clean_ids[0]
    assert found.vocabulary == VOCAB
    assert [text for text, _ in first.raised] == [f"t{i}" for i in raised[token].topk(3).indices]
    assert [value for _, value in first.raised] == pytest.approx(raised[token].topk(3).values.tolist(), rel=1e-3)
    assert [value for _, value in first.sought] == pytest.approx(sought[token].topk(3).values.tolist(), rel=1e-4)
    assert first.lowered[0][1] == pytest.approx(raised[token].min().item(), rel=1e-3)
    own = (raised > raised.diagonal()[:, None]).sum(-1)
    assert first.own_rank == int(own[token]) + 1
    assert found.copying == pytest.approx((own < 10).float().mean().item())


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "phi", "qwen3"])
def test_every_layer_has_words(family):
    found = head_words(worded(family), random_pairs(1, 6, 2)[0], 2, 1, top=4)
    assert all(len(token.raised) == 4 and token.raised[0][1] >= token.raised[-1][1] for token in found.tokens)


def test_a_head_that_does_not_exist_is_refused():
    with pytest.raises(SpecError, match="no head 4"):
        head_words(worded("gpt2"), random_pairs(1, 6, 2)[0], 0, 4)
