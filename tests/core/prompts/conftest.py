"""A word-level tokenizer whose every number can be counted by hand."""

from collections.abc import Callable

import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

WORDS = ["[UNK]", "[BOS]", "[EOS]", " ", "a", " a", " b", " c", "x", " x", " y", " z", "."]


@pytest.fixture(scope="session")
def words() -> Callable[..., PreTrainedTokenizerFast]:
    """Maker of tokenizers that know a few one-letter words; a token's id is its place in ``WORDS``."""

    def make(*, bos: bool = True, eos: bool = False) -> PreTrainedTokenizerFast:
        inner = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
        inner.pre_tokenizer = Split(Regex(r" ?[^ .]+|[ .]"), "isolated")
        inner.post_processor = TemplateProcessing(
            single=f"{'[BOS] ' if bos else ''}$A{' [EOS]' if eos else ''}",
            special_tokens=[(word, WORDS.index(word)) for word in ("[BOS]", "[EOS]")],
        )
        return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", bos_token="[BOS]", eos_token="[EOS]")

    return make
