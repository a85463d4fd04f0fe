"""Attention patterns against transformers' own, and value norms against their definition."""

import numpy as np
import pytest
import torch

from core.readouts.attention import attention_patterns
from tests.tiny import random_pairs, tiny_hf, tiny_model


@pytest.mark.parametrize("family", ["gpt2", "neox", "llama", "qwen3", "gemma2", "mistral"])
def test_patterns_equal_those_of_transformers(family):
    pair = random_pairs(1, 9, 2)[0]
    patterns = attention_patterns(tiny_model(family), pair)
    model = tiny_hf(family)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        expected = model(torch.tensor([pair.clean_ids, pair.corrupt_ids]), output_attentions=True).attentions
    for layer in range(3):
        np.testing.assert_allclose(patterns.clean[layer], expected[layer][0], atol=1e-5)
        np.testing.assert_allclose(patterns.corrupt[layer], expected[layer][1], atol=1e-5)
    assert np.abs(patterns.pattern("difference")).max() > 0.01


def test_value_norms_are_lengths_of_what_each_head_would_write():
    pair, model = random_pairs(1, 6, 2)[0], tiny_model("llama")
    patterns = attention_patterns(model, pair)
    hf = tiny_hf("llama")
    with torch.no_grad():
        hidden = hf(torch.tensor([pair.clean_ids]), output_hidden_states=True).hidden_states[1]
        block = hf.model.layers[1]
        v = block.self_attn.v_proj(block.input_layernorm(hidden))[0]  # [key, kv_head * d_head]
        for head in range(4):
            value = v[:, head // 2 * 8 : (head // 2 + 1) * 8]
            expected = (value @ block.self_attn.o_proj.weight[:, head * 8 : (head + 1) * 8].T).norm(dim=-1)
            np.testing.assert_allclose(patterns.clean_value_norm[1, head], expected, rtol=1e-4)
    weighted = patterns.pattern("clean", value_weighted=True)
    np.testing.assert_allclose(weighted[1, 2, 4], patterns.clean[1, 2, 4] * patterns.clean_value_norm[1, 2])
