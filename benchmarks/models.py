"""Models and prompt pairs that the benchmarks run on."""

from __future__ import annotations

import tempfile

import torch

from core.models.load import LoadedModel, load_model, wrap
from core.prompts.align import align
from core.prompts.pairs import PairSet, PromptPair, TokenPair

LATE = PromptPair(
    clean="When Mary and John went to the store, John gave a drink to",
    corrupt="When Mary and John went to the store, Mary gave a drink to",
    answer=" Mary",
    distractor=" John",
    name="IOI, differs in one late token",
)
EARLY = PromptPair(
    clean="When Mary and John went to the store, John gave a drink to",
    corrupt="When Anna and John went to the store, Anna gave a drink to",
    answer=" Mary",
    distractor=" John",
    name="IOI, differs from its second token on",
)


def default_model(device: str) -> tuple[LoadedModel, TokenPair, TokenPair]:
    """SmolLM2-135M with the two IOI pairs."""
    model = load_model("smollm2-135m", device=device, dtype="float32")
    late, early = align(PairSet("benchmark", (LATE, EARLY)), model.tokenizer).or_raise()
    return model, late, early


def random_llama(device: str) -> tuple[LoadedModel, TokenPair, TokenPair]:
    """A Llama-shaped model of about 1.1 B random parameters (the sizes of Llama 3.2 1B but for its vocabulary),
    with two pairs of 14 random tokens that first differ where the IOI pairs do."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    config = LlamaConfig(
        vocab_size=49152, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, head_dim=64, tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(device):
        hf = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model = wrap(hf, _stand_in_tokenizer(), model_id="random-llama-1b")
    return model, _random_pair(first=9), _random_pair(first=1)


def _random_pair(*, first: int, length: int = 14) -> TokenPair:
    generator = torch.Generator().manual_seed(first)
    clean = torch.randint(3, 49152, (length,), generator=generator).tolist()
    corrupt = [*clean[:first], clean[first] // 2 + 1, *clean[first + 1 :]]
    texts = tuple(map(str, clean)), tuple(map(str, corrupt))
    return TokenPair(0, f"random, differs at {first}", tuple(clean), tuple(corrupt), *texts, 11, 12, "11", "12")


def _stand_in_tokenizer():
    """TransformerLens asks for a tokenizer that came from a folder; nothing here uses it."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    inner = Tokenizer(WordLevel({"[UNK]": 0, "[BOS]": 1, "[EOS]": 2}, unk_token="[UNK]"))
    names = {"unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]", "pad_token": "[EOS]"}
    folder = tempfile.mkdtemp()
    PreTrainedTokenizerFast(tokenizer_object=inner, **names).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


MODELS = {"smollm2-135m": default_model, "random-llama-1b": random_llama}
