import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from core.errors import PromptError
from core.prompts.align import align
from core.prompts.pairs import PairSet, PromptPair, TokenPair

GOOD = PromptPair("a b z", "a c z", " x", " y", "good")


def aligned(tokenizer, *pairs: PromptPair, **options):
    return align(PairSet("set", pairs), tokenizer, **options)


def only(result, severity: str):
    """The one problem of a result; an error leaves no pair, a warning keeps it."""
    (problem,) = result.problems
    assert problem.severity == severity
    assert problem.next_step
    assert len(result.pairs) == (0 if severity == "error" else 1)
    return problem


def test_tokens_are_those_the_model_is_fed(words):
    result = aligned(words(), GOOD)
    assert result.problems == ()
    assert result.pairs == (
        TokenPair(
            row=0,
            name="good",
            clean_ids=(1, 4, 6, 11),
            corrupt_ids=(1, 4, 7, 11),
            clean_tokens=("[BOS]", "a", " b", " z"),
            corrupt_tokens=("[BOS]", "a", " c", " z"),
            answer_id=9,
            distractor_id=10,
            answer=" x",
            distractor=" y",
        ),
    )
    assert result.pairs[0].first_difference == 2


def test_without_and_with_tokens_of_the_tokenizers_own(words):
    assert aligned(words(bos=False), GOOD).pairs[0].clean_ids == (4, 6, 11)
    assert aligned(words(eos=True), GOOD).pairs[0].clean_ids == (1, 4, 6, 11)
    written = PromptPair("a b[EOS]", "a c[EOS]", " x", " y")
    assert aligned(words(), written).pairs[0].clean_ids == (1, 4, 6, 2)


def test_unequal_length_shows_both_and_where_they_part(words):
    problem = only(aligned(words(), PromptPair("a b z", "a b c z", " x", " y")), "error")
    assert "4 tokens" in problem.what
    assert "corrupt one 5" in problem.what
    assert "token 3, ' z' against ' c z'" in problem.what


def test_a_prompt_that_only_goes_on_parts_at_the_others_end(words):
    problem = only(aligned(words(), PromptPair("a b", "a b z", " x", " y")), "error")
    assert "token 3, its end against ' z'" in problem.what


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (PromptPair("a b", "a b", " x", " y"), "same to the model"),
        (PromptPair("a q", "a r", " x", " y"), "no token for"),
        (PromptPair("", "a b", " x", " y"), "prompt is empty"),
        (PromptPair("a b", "  ", " x", " y"), "prompt is empty"),
        (PromptPair("a b", "a c", " x", " x"), "same token"),
        (PromptPair("a b", "a c", "", " y"), "answer is missing"),
        (PromptPair("a b", "a c", " x", ""), "distractor is missing"),
        (PromptPair("a b", "a c", " q", " y"), "no token for the answer ' q'"),
        (PromptPair("a b", "a c", " x", " q"), "no token for the distractor ' q'"),
        (PromptPair("a b", "a c", " x y", " y"), "answer ' x y' is 2 tokens: ' x', ' y'"),
        (PromptPair("a b", "a c", " x", " y z."), "distractor ' y z.' is 3 tokens: ' y', ' z', '.'"),
    ],
)
def test_errors(words, pair, reason):
    result = aligned(words(), GOOD, pair, GOOD)
    error = next(problem for problem in result.problems if problem.severity == "error")
    assert reason in error.what
    assert error.where == "row 2"
    assert [pair.row for pair in result.pairs] == [0, 2]
    with pytest.raises(PromptError, match="row 2: "):
        result.or_raise()


def test_too_many_tokens(words):
    assert "4 and 4 tokens" in only(aligned(words(), GOOD, max_tokens=3), "error").what
    assert aligned(words(), GOOD, max_tokens=4).problems == ()


def test_first_token_is_offered_and_taken_when_asked(words):
    pair = PromptPair("a b", "a c", " x y", " y")
    assert "' x'" in only(aligned(words(), pair), "error").next_step
    result = aligned(words(), pair, first_token=True)
    assert "first one stands for it" in only(result, "warning").what
    assert (result.pairs[0].answer_id, result.pairs[0].answer) == (9, " x")


def test_first_tokens_that_are_the_same_tell_nothing_apart(words):
    result = aligned(words(), PromptPair("a b", "a c", " x y", " x z"), first_token=True)
    assert "same token" in result.problems[-1].what
    assert result.pairs == ()


def test_trailing_space_is_warned_of_and_trimmed_when_asked(words):
    pair = PromptPair("a b ", "a c ", " x", " y")
    result = aligned(words(), pair)
    assert "Both prompts end in a space" in only(result, "warning").what
    assert result.pairs[0].clean_tokens[-1] == " "
    result = aligned(words(), pair, trim=True)
    assert "trimmed" in only(result, "warning").what
    assert (result.pairs[0].clean_ids, result.pairs[0].corrupt_ids) == ((1, 4, 6), (1, 4, 7))


def test_a_space_after_one_prompt_only_is_named(words):
    result = aligned(words(), PromptPair("a b  ", "a c", " x", " y"), trim=True)
    assert "The clean prompt ended" in only(result, "warning").what


def test_an_answer_that_lost_its_space(words):
    result = aligned(words(), PromptPair("a b", "a c", "x", " y"))
    problem = only(result, "warning")
    assert "'x' does not start with a space" in problem.what
    assert "' x'" in problem.next_step
    assert result.pairs[0].answer_id == 8


@pytest.mark.parametrize(
    ("end", "answer"),
    [(" ", "x"), ("(", "x"), ("", "."), ("", " x")],
)
def test_no_space_is_missed_where_none_belongs(words, end, answer):
    result = aligned(words(), PromptPair(f"a b{end}", f"a c{end}", answer, " y"))
    assert not any("does not start with a space" in problem.what for problem in result.problems)


def test_unknown_words_in_a_prompt_are_refused(words):
    assert "no token for" in only(aligned(words(), PromptPair("a q b", "a q c", " x", " y")), "error").what


def test_rows_keep_the_numbers_of_their_file(words):
    bad = PromptPair("a", "a", " x", " y")
    result = aligned(words(), GOOD, bad, rows=(3, 7))
    assert [pair.row for pair in result.pairs] == [3]
    assert [problem.row for problem in result.problems] == [7]
    with pytest.raises(ValueError, match="zip"):
        aligned(words(), GOOD, rows=(0, 1))


def test_or_raise_gives_the_pairs_where_there_are_only_warnings(words):
    result = aligned(words(), PromptPair("a b ", "a c ", " x", " y"))
    assert result.or_raise() == result.pairs


@pytest.mark.parametrize("answer", [" b", "b"])
def test_an_answer_is_what_follows_the_prompt_where_texts_get_a_space_of_their_own(answer):
    vocabulary = {"<unk>": 0, "▁": 1, "▁a": 2, "▁b": 3, "b": 4, "▁c": 5, "▁x": 6}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[a-z]|▁"), "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")
    result = aligned(tokenizer, PromptPair("a x", "c x", answer, " c"))
    assert result.pairs[0].answer == answer
    assert result.pairs[0].distractor_id == 5
