"""Toys: small GPT-2s with or without norms, kept as folders."""

import pytest
import torch

from core.errors import ModelError
from core.models.load import load_model
from core.models.toy import save_toy, toy_hf, word_tokenizer
from core.models.toy_folder import is_toy
from core.prompts.align import align
from core.prompts.pairs import PairSet, PromptPair
from tests.tiny import tiny_hf

WORDS = [str(number) for number in range(10)] + ["+", "="]


def _random_toy(**sizes):
    hf = toy_hf(vocab_size=len(WORDS), n_ctx=6, d_model=16, n_heads=4, n_layers=2, **sizes)
    torch.manual_seed(0)
    for name, parameter in hf.named_parameters():
        if "mlp" not in name or sizes["d_mlp"]:
            parameter.normal_(std=0.3)
    return hf


@pytest.mark.parametrize("sizes", [{"d_mlp": 0}, {"d_mlp": 8}, {"d_mlp": 8, "norms": True, "activation": "gelu"}])
def test_a_saved_toy_is_loaded_with_the_same_logits(tmp_path, sizes):
    hf = _random_toy(**sizes)
    save_toy(hf, word_tokenizer(WORDS), tmp_path)
    assert is_toy(tmp_path)
    model = load_model("trained here", device="cpu", location=tmp_path)
    ids = torch.tensor([[1, 10, 2, 11]])
    torch.testing.assert_close(model.hf(ids).logits, hf(ids).logits, atol=1e-5, rtol=1e-5)
    assert (model.model_id, model.shape.n_layers, model.shape.n_heads) == ("trained here", 2, 4)
    assert load_model(str(tmp_path), device="cpu").revision == model.revision


def test_a_toy_without_norms_and_mlps_is_what_its_weights_say():
    hf = _random_toy(d_mlp=0)
    for block in hf.transformer.h:
        block.attn.c_proj.weight.zero_()
        block.attn.c_proj.bias.zero_()
    ids = torch.tensor([[3, 4]])
    stream = hf.transformer.wte.weight[[3, 4]] + hf.transformer.wpe.weight[:2]
    torch.testing.assert_close(hf(ids).logits[0], stream @ hf.lm_head.weight.T)


def test_words_are_ids_and_unknown_ones_are_refused():
    tokenizer = word_tokenizer(WORDS)
    assert tokenizer("3 + 4 =").input_ids == [3, 10, 4, 11]
    known, unknown = PromptPair("3 + 4 =", "5 + 4 =", "7", "9"), PromptPair("3 + x =", "5 + x =", "7", "9")
    found = align(PairSet("sums", (known, unknown)), tokenizer)
    assert [pair.row for pair in found.pairs] == [0]
    assert found.pairs[0].answer_id == 7
    assert found.pairs[0].clean_tokens == ("3", "+", "4", "=")
    assert [problem.row for problem in found.problems] == [1]


def test_other_folders_are_no_toys_and_damaged_ones_are_refused(tmp_path):
    tiny_hf("gpt2").save_pretrained(tmp_path / "gpt2")
    assert not is_toy(tmp_path / "gpt2")
    assert not is_toy(tmp_path / "absent")
    save_toy(_random_toy(d_mlp=8), word_tokenizer(WORDS), tmp_path / "toy")
    weights = tmp_path / "toy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-40])
    with pytest.raises(ModelError, match="damaged"):
        load_model(str(tmp_path / "toy"), device="cpu")
