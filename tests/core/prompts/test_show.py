from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from core.prompts.show import difference_mask, visible
from core.prompts.tokens import token_texts


def test_white_space_can_be_seen():
    assert visible(" a\tb\n\r\u00a0") == "·a⇥b↵␍⍽"


def test_differences_are_marked_also_past_the_shorter_end():
    assert difference_mask((" a", " b"), (" a", " c")) == (False, True)
    assert difference_mask((" a",), (" a", " c", " a")) == (False, True, True)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, in GPT-2's alphabet, and a special token of id 256."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={character: i for i, character in enumerate(alphabet)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>")


def test_split_characters_are_shown_as_bytes():
    tokenizer = byte_tokenizer()
    ids = tokenizer("a é–<end>").input_ids
    assert token_texts(ids, tokenizer) == ("a", " ", "⟨C3⟩", "⟨A9⟩", "⟨E2⟩", "⟨80⟩", "⟨93⟩", "<end>")


def test_every_byte_has_a_text():
    texts = token_texts(range(256), byte_tokenizer())
    assert len(set(texts)) == 256
    assert all(text and "\ufffd" not in text for text in texts)


def test_sentencepiece_spaces_and_bytes():
    vocabulary = {"<unk>": 0, "▁a": 1, "b": 2, "<0xE2>": 3, "▁": 4}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Replace(" ", "▁")
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[a-z]|▁"), "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")
    assert token_texts([1, 2, 3, 4, 0, 99], tokenizer) == (" a", "b", "⟨E2⟩", " ", "<unk>", "⟨token 99⟩")
