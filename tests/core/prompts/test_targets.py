"""Answers as tokens: several that count alike, ids from a file, several in a row, and the unknown token."""

import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from core.prompts.align import align
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.parse import ParsedPairs
from core.prompts.repair import sound_pairs
from tests.core.prompts.conftest import WORDS

X, Y, Z, DOT = (WORDS.index(word) for word in (" x", " y", " z", "."))
PROMPTS = ("a b", "a c")


def aligned(tokenizer, *pairs: PromptPair, **options):
    return align(PairSet("set", pairs), tokenizer, **options)


def row(answer, distractor, **ids):
    return PromptPair(*PROMPTS, answer, distractor, **ids)


def refusal(found) -> str:
    (problem,) = found.problems
    assert problem.severity == "error"
    assert not found.pairs
    return problem.what


def warning(found) -> str:
    (problem,) = found.problems
    assert problem.severity == "warning"
    assert len(found.pairs) == 1
    return problem.what


def test_every_text_of_a_set_is_a_token_of_its_own(words):
    (pair,) = aligned(words(), row((" x", " y"), (" z", "."))).or_raise()
    assert (pair.answer_id, pair.distractor_id) == ((X, Y), (Z, DOT))
    assert (pair.answer, pair.distractor) == ((" x", " y"), (" z", "."))
    (single,) = aligned(words(), row((" x",), " y")).or_raise()
    assert (single.answer_id, single.answer_ids) == (X, (X,))


def test_every_text_of_a_set_is_checked(words):
    found = aligned(words(), row((" x", " y z", " q"), " ."))
    assert [p.what for p in found.problems if "answer" in p.what] == [
        "The model has no token for the answer ' q'.",
        "1 of the 3 answers are several tokens. The answer ' y z' is 2 tokens: ' y', ' z'.",
    ]


def test_a_token_cannot_be_right_and_wrong_at_once(words):
    assert refusal(aligned(words(), row((" x", " y"), (" y", " z")))) == (
        "' y' is among the answers and among the distractors."
    )
    assert "same token" in refusal(aligned(words(), row(" x", " x")))


def test_a_repeated_answer_counts_once(words):
    found = aligned(words(), row((" x", " y", " x"), " z"))
    assert warning(found) == "1 of the 3 answers repeat another one, such as ' x'."
    assert found.pairs[0].answer_id == (X, Y)


def test_first_tokens_that_both_sides_share_decide_nothing(words):
    """Years of two tokens: those that begin as the boundary does are neither above nor below it."""
    pair = row((" y z", " z x", " z y"), (" x y", " y x"))
    found = aligned(words(), pair, first_token=True)
    assert (found.pairs[0].answer_id, found.pairs[0].distractor_id) == (Z, X)
    assert [problem.what.partition(".")[0] for problem in found.problems] == [
        "3 of the 3 answers are several tokens",
        "2 of the 2 distractors are several tokens",
        "' y' begins answers and distractors; it is left out of both",
    ]
    parsed = ParsedPairs(PairSet("set", (pair,)), (), (0,))
    again = aligned(words(), *sound_pairs(parsed, found, trim=False, first_token=True))
    assert again.pairs == found.pairs
    assert not again.problems
    shared = aligned(words(), row((" x y", " x z"), (" x a", " y")), first_token=True)
    assert [p.what for p in shared.problems if p.severity == "error"] == [
        "' x' is among the answers and among the distractors."
    ]


def test_ids_of_a_file_are_shown_as_text(words):
    found = aligned(words(), row("", " z", answer_ids=(X, Y)))
    assert warning(found) == f"The answer is given as token {X} (' x'), {Y} (' y')."
    assert (found.pairs[0].answer_id, found.pairs[0].answer) == ((X, Y), (" x", " y"))
    agreeing = aligned(words(), row(" x", " z", answer_ids=(X,), distractor_ids=(Z,)))
    assert agreeing.or_raise()[0].answer_id == X
    assert not agreeing.problems


def test_repairs_leave_given_ids_alone(words):
    pair = row("", " z x", answer_ids=(X, Y))
    found = aligned(words(), pair, first_token=True)
    sound = sound_pairs(ParsedPairs(PairSet("set", (pair,)), (), (0,)), found, trim=True, first_token=True)
    assert sound.pairs == (row("", " z", answer_ids=(X, Y)),)
    assert aligned(words(), *sound).pairs == found.pairs


@pytest.mark.parametrize("token", [len(WORDS), -1])
def test_ids_out_of_range_are_refused(words, token):
    what = refusal(aligned(words(), row("", " z", answer_ids=(X, token))))
    assert what == f"The answer is given as token {token}; the model has {len(WORDS)} tokens."


def test_ids_of_another_tokenizer_are_found_out_where_the_text_is_given(words):
    what = refusal(aligned(words(), row(" x", " z", answer_ids=(Y,))))
    assert what == "The answer ' x' is not the token that its id names, ' y'."


def test_a_whole_answer_is_all_its_tokens(words):
    found = aligned(words(), row(" x y.", " x z"), whole_answer=True)
    (pair,) = found.or_raise()
    assert (pair.answer_id, pair.rest_ids, pair.rest) == (X, (Y, DOT), (" y", "."))
    assert pair.whole_answer == (" x", " y", ".")
    assert (pair.distractor, pair.distractor_id) == (" x z", X)
    (short,) = aligned(words(), row(" x", " y"), whole_answer=True).or_raise()
    assert short == aligned(words(), row(" x", " y")).or_raise()[0]


def test_a_whole_answer_that_cannot_be_read_is_refused(words):
    assert "There are 2 answers" in refusal(aligned(words(), row((" x", " y"), " z"), whole_answer=True))
    assert (
        "There are 2 answers" in aligned(words(), row("", " z", answer_ids=(X, Y)), whole_answer=True).problems[0].what
    )
    assert "no token for the answer ' x q'" in refusal(aligned(words(), row(" x q", " z"), whole_answer=True))
    tight = aligned(words(), row(" x y z", " z"), whole_answer=True, max_tokens=4)
    assert refusal(tight) == "The prompts have 3 tokens, and 2 of the answer follow."


# The unknown token


@pytest.fixture(scope="module")
def gpt2():
    """A tokenizer as GPT-2's: bytes, and one special token that is beginning, end and unknown."""
    alphabet = sorted(ByteLevel.alphabet())
    inner = Tokenizer(BPE({"<|endoftext|>": 0} | {c: i + 1 for i, c in enumerate(alphabet)}, []))
    inner.pre_tokenizer = ByteLevel(add_prefix_space=False)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token=end, bos_token=end, eos_token=end)


def test_a_special_token_in_a_prompt_is_itself(gpt2):
    start = "<|endoftext|>"
    (pair,) = aligned(gpt2, PromptPair(start + "ab", start + "cb", "x", "y")).or_raise()
    assert pair.clean_ids[0] == pair.corrupt_ids[0] == 0
    assert len(pair) == 3


def test_a_special_token_may_be_an_answer_or_a_distractor(gpt2):
    (pair,) = aligned(gpt2, PromptPair("ab", "cb", "x", "<|endoftext|>")).or_raise()
    assert (pair.distractor_id, pair.distractor) == (0, "<|endoftext|>")
    (pair,) = aligned(gpt2, PromptPair("ab", "cb", ("<|endoftext|>", "z"), "y")).or_raise()
    assert pair.answer_ids[0] == 0


def test_a_beginning_that_the_tokenizer_adds_is_not_unknown():
    inner = Tokenizer(BPE({"<s>": 0, "a": 1, "b": 2, "c": 3, "x": 4, "y": 5}, [], unk_token="<s>"))
    inner.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<s>", bos_token="<s>")
    (pair,) = aligned(tokenizer, PromptPair("ab", "cb", "x", "y")).or_raise()
    assert pair.clean_ids == (0, 1, 2)
    for pair in (PromptPair("aq", "cb", "x", "y"), PromptPair("<s>aq", "<s>cb", "x", "y")):
        assert "A prompt holds text that the model has no token for." in refusal(aligned(tokenizer, pair))
    assert "no token for the answer 'q'" in refusal(aligned(tokenizer, PromptPair("ab", "cb", "q", "y")))


def test_the_unknown_token_written_out_is_meant(words):
    (pair,) = aligned(words(), PromptPair("a[UNK] b", "a[UNK] c", " x", " y")).or_raise()
    assert pair.clean_ids.count(0) == 1
    assert "no token for" in refusal(aligned(words(), PromptPair("a[UNK] q", "a[UNK] c", " x", " y")))
