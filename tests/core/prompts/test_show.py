from dataclasses import replace

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from core.prompts.show import answers_words, difference_mask, shown, visible
from core.prompts.tokens import token_texts
from tests.tiny import token_pair


def test_white_space_can_be_seen():
    assert visible(" a\tb\n\r\u00a0") == "·a⇥b↵␍⍽"


def test_differences_are_marked_also_past_the_shorter_end():
    assert difference_mask((" a", " b"), (" a", " c")) == (False, True)
    assert difference_mask((" a",), (" a", " c", " a")) == (False, True, True)


def test_a_set_of_answers_fits_on_a_line():
    assert shown(" x") == " x"
    assert shown((" x", " y")) == " x |  y"
    assert shown(tuple("abcdefg")) == "a | b | c | … | g (7 in all)"


def test_what_a_metric_reads_is_counted_where_it_is_not_one_token():
    one, three = (token_pair(0, [1, 2], [1, 3], a, d) for a, d in ((5, 6), ((5, 6, 7), (8, 9))))
    assert answers_words("logit_diff", [one]) == answers_words("kl", [three]) == ""
    assert answers_words("logit_diff", [three]) == "mean of 3 answers against mean of 2 distractors"
    assert answers_words("logit_diff", [one, three]) == "mean of 1 to 3 answers against mean of 1 to 2 distractors"
    assert answers_words("prob_diff", [three]) == "3 answers together against 2 distractors together"
    assert answers_words("prob", [three]) == "3 answers together"
    whole = replace(one, rest_ids=(4,), rest=("4",))
    assert answers_words("answer_log_prob", [one]) == ""
    assert answers_words("answer_log_prob", [one, whole]) == "answers of 1 to 2 tokens in a row"


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
