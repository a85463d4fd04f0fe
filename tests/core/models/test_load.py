"""Loading: supported families, refusals by name, a shared bridge, local folders."""

import pytest
import torch

from core.errors import ModelError
from core.models.architecture import replaced_forward
from core.models.catalogue import CATALOGUE, DEFAULT, find
from core.models.device import choose_device, choose_dtype, refuse_if_too_large
from core.models.load import fingerprint, load_model, wrap
from tests.tiny import FAMILIES, tiny_hf, tiny_model


@pytest.mark.parametrize("family", FAMILIES)
def test_wrapping_changes_no_logits(family):
    ids = torch.tensor([[5, 9, 17, 30, 8, 44]])
    with torch.no_grad():
        plain = tiny_hf(family)
        plain.set_attn_implementation("eager")
        model = tiny_model(family)
        logits = model.hf(ids.to(model.device)).logits.cpu()
        torch.testing.assert_close(logits, plain(ids).logits, atol=1e-5, rtol=1e-5)


def test_padded_batches_are_masked_row_by_row():
    model, ids = tiny_model("llama"), torch.tensor([[5, 9, 17, 30], [0, 0, 8, 44]])
    mask = torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1]])
    ids, mask = ids.to(model.device), mask.to(model.device)
    with torch.no_grad():
        padded = model.hf(ids, attention_mask=mask, position_ids=(mask.cumsum(-1) - 1).clamp(min=0)).logits
        alone = model.hf(ids[1:, 2:]).logits
    torch.testing.assert_close(padded[1, 2:], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("family", "kv_heads", "d_head"), [("gpt2", 4, 8), ("llama", 2, 8), ("qwen3", 2, 16)])
def test_shape_is_read_off_the_model(family, kv_heads, d_head):
    shape = tiny_model(family).shape
    assert (shape.n_layers, shape.n_heads, shape.n_kv_heads, shape.d_head) == (3, 4, kv_heads, d_head)


@pytest.mark.parametrize("name", ["GPTJ", "Bloom"])
def test_attention_that_bypasses_the_interface_is_refused_by_name(name):
    import transformers as hf

    config = {
        "GPTJ": lambda: hf.GPTJConfig(vocab_size=20, n_embd=16, n_layer=2, n_head=2, rotary_dim=4, bos_token_id=1),
        "Bloom": lambda: hf.BloomConfig(vocab_size=20, hidden_size=16, n_layer=2, n_head=2),
    }[name]()
    with pytest.raises(ModelError, match=f"{name}.*not supported"):
        wrap(hf.AutoModelForCausalLM.from_config(config), None, model_id="x")


def test_a_post_norm_model_is_refused():
    import transformers as hf

    config = hf.OPTConfig(
        vocab_size=20, hidden_size=16, ffn_dim=32, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=16,
        do_layer_norm_before=False, pad_token_id=0,
    )  # fmt: skip
    with pytest.raises(ModelError, match="residual stream"):
        wrap(hf.AutoModelForCausalLM.from_config(config), None, model_id="x")


def test_local_folder_and_its_faults(tmp_path):
    tiny_hf("llama").save_pretrained(tmp_path / "model")
    _word_tokenizer().save_pretrained(tmp_path / "model")
    model = load_model(str(tmp_path / "model"), device="cpu")
    assert model.card.quantisation == "none"
    assert model.revision == fingerprint(tiny_hf("llama"))
    assert not any(parameter.requires_grad for parameter in model.hf.parameters())
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="--model"):
        load_model(str(tmp_path / "empty"), device="cpu")
    with pytest.raises(ModelError, match="--model"):
        load_model(str(tmp_path / "absent.gguf"), device="cpu")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(ModelError, match="--model"):
        load_model(str(tmp_path / "broken.gguf"), device="cpu")


def test_device_and_dtype_policy():
    cpu = torch.device("cpu")
    assert choose_dtype("auto", cpu, 10**10) == torch.float32
    assert choose_dtype("auto", torch.device("cuda"), 10**10) == torch.bfloat16
    assert choose_dtype("auto", torch.device("cuda"), 10**9) == torch.float32
    for device in ("tpu", "cuda:99", "nonsense"):
        with pytest.raises(ModelError, match="--device"):
            choose_device(device)
    with pytest.raises(ModelError, match="--dtype"):
        choose_dtype("int3", cpu, 1)
    with pytest.raises(ModelError, match="GiB"):
        refuse_if_too_large("Huge", 10**14, torch.float32, cpu)


def test_catalogue_ids_are_unique_and_found():
    ids = [entry.id for entry in CATALOGUE]
    assert len(set(ids)) == len(ids)
    assert find(DEFAULT) is not None
    assert find("EleutherAI/pythia-1b") is find("pythia-1b")
    assert find("no such model") is None


def test_forwards_are_restored_after_an_error():
    model = tiny_model("gpt2")
    block = model.parts.blocks[0]
    with pytest.raises(RuntimeError), replaced_forward({block: lambda *a: None}):
        raise RuntimeError
    assert "forward" not in block.__dict__


def test_bridge_shares_weights_and_logits(tmp_path):
    tiny_hf("llama").save_pretrained(tmp_path)
    _word_tokenizer().save_pretrained(tmp_path)
    model = load_model(str(tmp_path), device="cpu")
    ids = torch.tensor([[5, 9, 17, 30]])
    with torch.no_grad():
        torch.testing.assert_close(model.bridge(ids), model.hf(ids).logits, atol=1e-5, rtol=1e-5)
    theirs = {p.data_ptr() for p in model.bridge.original_model.parameters()}
    assert {p.data_ptr() for p in model.hf.parameters()} <= theirs


def _word_tokenizer():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(WordLevel({"[UNK]": 0, "[BOS]": 1, "[EOS]": 2}, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="[UNK]", bos_token="[BOS]", eos_token="[EOS]", pad_token="[EOS]"
    )


@pytest.mark.model
def test_the_default_model_answers_ioi():
    model = load_model(DEFAULT, device="cpu")
    ids = model.tokenizer("When Mary and John went to the store, John gave a drink to").input_ids
    with torch.no_grad():
        logits = model.hf(torch.tensor([ids])).logits[0, -1]
    mary, john = (model.tokenizer(f" {name}", add_special_tokens=False).input_ids for name in ("Mary", "John"))
    assert logits[mary[0]] - logits[john[0]] > 4
    assert "Q4_1" in model.card.quantisation
