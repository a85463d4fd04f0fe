"""Checks of texts and tokens: each fault is found once and only once, and its repair makes it disappear."""

from dataclasses import replace

import pytest

from core.patching.doctor.checkup import CHECKS, look, repair
from core.prompts.doctor.finding import Case
from core.prompts.doctor.places import fewest_edits
from core.prompts.pairs import PairSet, PromptPair
from core.prompts.parse import ParsedPairs, collect_pairs

GOOD = PromptPair("a b z", "a c z", " x", " y")
TEMPLATE = "{{ bos_token }}{% for m in messages %}[EOS]{{ m['content'] }}[EOS].{% endfor %}"


def parsed(*pairs: PromptPair) -> ParsedPairs:
    return ParsedPairs(PairSet("set", pairs), (), tuple(range(len(pairs))))


def found(tokenizer, *pairs: PromptPair, model_name: str = ""):
    return look(Case.of(parsed(*pairs), tokenizer, model_name=model_name))


def mended(tokenizer, *pairs: PromptPair, model_name: str = "") -> tuple[PromptPair, ...]:
    """The pairs after the repair of their one finding, which must leave nothing to find."""
    findings = found(tokenizer, *pairs, model_name=model_name)
    after = repair(parsed(*pairs), findings, (findings[0].check,)).parsed.pairs.pairs
    assert found(tokenizer, *after, model_name=model_name) == ()
    return after


def test_a_sound_pair_gives_nothing_to_say(words):
    assert found(words(), GOOD) == ()
    assert found(words(), GOOD, replace(GOOD, clean="a b y", corrupt="a c y")) == ()


@pytest.mark.parametrize(
    ("pair", "check", "severity", "said"),
    [
        (replace(GOOD, corrupt="a c c z"), "refused", "error", "4 tokens"),
        (replace(GOOD, clean="a b q"), "refused", "error", "no token for"),
        (replace(GOOD, answer=" x y"), "several-tokens", "error", "is 2 tokens"),
        (replace(GOOD, clean="a b z ", corrupt="a c z "), "spaces", "warning", "end in a space"),
        (replace(GOOD, corrupt="a c z "), "spaces", "warning", "ends in a space"),
        (replace(GOOD, answer="x"), "spaces", "warning", "'x' does not start with a space"),
        (replace(GOOD, clean="[BOS]a b z", corrupt="[BOS]a c z"), "bos", "error", "begins with [BOS] twice"),
        (replace(GOOD, clean="a b x", corrupt="a c x"), "copied", "note", "copying it is enough"),
    ],
)
def test_each_fault_is_found_in_its_row(words, pair, check, severity, said):
    other = replace(GOOD, clean="a b y", corrupt="a c y", name="other")
    findings = [finding for finding in found(words(), other, pair) if finding.check == check]
    first = findings[0]
    assert (first.row, first.where, first.severity) == (1, "row 2", severity)
    assert said in first.what
    assert first.next_step
    assert {finding.check for finding in found(words(), other, pair)} <= {check, "spaces"}


@pytest.mark.parametrize(
    ("pair", "after"),
    [
        (replace(GOOD, clean="a b z ", corrupt="a c z  "), GOOD),
        (replace(GOOD, clean="a b z ", corrupt="a c z ", answer="x", distractor="y"), GOOD),
        (replace(GOOD, answer="x"), GOOD),
        (replace(GOOD, answer=" x y", distractor=" y z"), GOOD),
        (replace(GOOD, clean="[BOS]a b z", corrupt="[BOS]a c z"), GOOD),
        (replace(GOOD, corrupt="a c z "), GOOD),
    ],
)
def test_repairs_give_the_pair_that_was_meant(words, pair, after):
    tokenizer = words()
    findings = found(tokenizer, pair)
    checks = {finding.check for finding in findings if finding.severity != "note"} | {findings[0].check}
    done = repair(parsed(pair), findings, tuple(checks))
    assert done.parsed.pairs.pairs == (after,)
    assert (done.changed, done.left_out) == ((0,), ())
    assert found(tokenizer, after) == ()


def test_no_space_is_put_where_none_belongs(words):
    tokenizer = words()
    after_line = replace(GOOD, clean="a b.", corrupt="a c.", answer="y", distractor=" x")
    assert {finding.check for finding in found(tokenizer, after_line)} == {"spaces"}
    after_line = replace(after_line, clean="a b. ", corrupt="a c. ")
    assert repair(parsed(after_line), found(tokenizer, after_line), ("spaces",)).parsed.pairs.pairs[0].answer == " y"
    tokenizer.add_tokens(["\n"])
    after_line = replace(GOOD, clean="a b\n", corrupt="a c\n", answer="y", distractor=" x")
    assert {finding.check for finding in found(tokenizer, after_line)} == {"refused"}


def test_what_cannot_be_mended_can_be_left_out_and_rows_keep_their_numbers(words):
    bad = replace(GOOD, corrupt="a c c z")
    findings = found(words(), bad, GOOD)
    done = repair(parsed(bad, GOOD), findings, ("refused",))
    assert (done.parsed.pairs.pairs, done.parsed.rows, done.left_out) == ((GOOD,), (1,), (0,))
    assert repair(parsed(bad, GOOD), findings, ("spaces",)).left_out == ()


def test_rows_that_are_no_pairs_stand_in_the_same_list(words):
    read = collect_pairs([{"clean": "a"}, GOOD.to_json()], name="set")
    findings = look(Case.of(read, words()))
    assert {(finding.row, finding.check, finding.severity) for finding in findings} == {(0, "file", "error")}


def test_the_same_words_about_every_row_are_said_once(words):
    twice = [replace(GOOD, clean="[BOS]a b z", corrupt="[BOS]a c z", name=name) for name in ("1", "2")]
    twice[1] = replace(twice[1], answer=" y", distractor=" x")
    bos = [finding for finding in found(words(), *twice) if finding.check == "bos"]
    assert [finding.row for finding in bos] == [None]
    done = repair(parsed(*twice), bos, ("bos",))
    assert [pair.clean for pair in done.parsed.pairs] == ["a b z", "a b z"]


@pytest.mark.parametrize(
    ("configured", "template", "eos", "severity"),
    [
        (None, None, "[EOS]", "warning"),
        (False, None, "[EOS]", "note"),
        (False, TEMPLATE, "[EOS]", "warning"),
        (None, None, "[BOS]", None),
    ],
)
def test_a_missing_beginning_is_told_as_surely_as_it_is_known(words, configured, template, eos, severity):
    tokenizer = words(bos=False)
    tokenizer.eos_token, tokenizer.chat_template = eos, template
    if configured is not None:
        tokenizer.init_kwargs["add_bos_token"] = configured
    findings = found(tokenizer, GOOD)
    assert [finding.severity for finding in findings] == ([severity] if severity else [])
    if severity:
        assert [pair.clean for pair in mended(tokenizer, GOOD)] == ["[BOS]a b z"]


def test_a_beginning_that_is_written_once_where_none_is_added_is_right(words):
    assert found(words(bos=False), replace(GOOD, clean="[BOS]a b z", corrupt="[BOS]a c z")) == ()
    twice = replace(GOOD, clean="[BOS][BOS]a b z", corrupt="[BOS] [BOS]a c z")
    (finding, *_) = [f for f in found(words(bos=False), twice) if f.check == "bos"]
    assert "more than once" in finding.what


@pytest.mark.parametrize("bos", [True, False])
def test_a_model_for_chat_is_asked_in_its_template_if_wanted(words, bos):
    tokenizer = words(bos=bos)
    tokenizer.chat_template = TEMPLATE
    pair = replace(GOOD, clean="[BOS]a b z", corrupt="[BOS]a c z") if not bos else GOOD
    assert found(tokenizer, pair, model_name="tiny-base") == ()
    (finding,) = found(tokenizer, pair, model_name="tiny-it")
    assert (finding.check, finding.severity) == ("template", "note")
    (after,) = repair(parsed(pair), (finding,), ("template",)).parsed.pairs
    head = "" if bos else "[BOS]"
    assert (after.clean, after.corrupt) == (f"{head}[EOS]a b z[EOS].", f"{head}[EOS]a c z[EOS].")
    assert (after.answer, after.distractor) == ("x", "y")
    assert not {"template", "bos"} & {finding.check for finding in found(tokenizer, after, model_name="tiny-it")}


def test_pairs_and_prompts_that_were_there_before(words):
    again, other = replace(GOOD, name="again"), replace(GOOD, answer=" c")
    findings = found(words(), GOOD, again, other)
    assert [(f.row, f.check, f.repair is None) for f in findings] == [
        (1, "duplicates", False),
        (2, "duplicates", True),
    ]
    assert "row 1" in findings[0].what
    read = collect_pairs([pair.to_json() for pair in (GOOD, again, other)], name="set")
    assert [f.check for f in look(Case.of(read, words()))] == ["duplicates", "duplicates"]
    assert repair(parsed(GOOD, again, other), findings, ("duplicates",)).left_out == (1,)


def test_an_answer_in_the_prompt_is_no_news_where_the_distractor_is_there_too(words):
    both = PromptPair("x y b", "y x b", " x", " y")
    assert [finding.check for finding in found(words(bos=False, eos=False), both) if finding.check == "copied"] == []


def test_a_word_that_is_two_tokens_moves_what_stands_between(words):
    pair = PromptPair("a b. x y z c", "a c x y z b.", " a", " x")
    (finding,) = [f for f in found(words(), pair) if f.check == "places"]
    assert "differ at 6 tokens" in finding.what
    assert "out of step" in finding.what
    assert finding.severity == "warning"
    assert repair(parsed(pair), (finding,), ("places",)).left_out == (0,)


def test_a_pair_that_differs_in_more_tokens_than_the_others(words):
    usual = [replace(GOOD, clean=f"a b {end}", corrupt=f"a c {end}") for end in ("y", "z", "c", "b")]
    odd = replace(GOOD, clean="a b. z", corrupt="a c z.", name="odd")
    (finding,) = found(words(), *usual, odd)
    assert (finding.row, finding.check, finding.severity) == (4, "places", "warning")
    assert "where most pairs of the set differ at 1." in finding.what
    assert repair(parsed(*usual, odd), (finding,), ("places",)).left_out == (4,)


def test_a_word_of_several_tokens_in_a_small_set_is_a_note(words):
    (finding,) = found(words(), GOOD, replace(GOOD, clean="a.x z", corrupt="x.a z", answer=" y", distractor=" b"))
    assert (finding.row, finding.check, finding.severity) == (1, "places", "note")
    assert "differ at 2 tokens ('a' at 1, 'x' at 3), though only 1 of the words" in finding.what


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        ("abc", "abc", 0),
        ("abc", "abd", 1),
        ("xab", "yab", 1),
        ("12axy3", "3axy12", 4),
        ("johnmjohn", "mjohnjohn", 2),
        ("abcdefgh", "hgfedcba", 8),
        ("q" + "abcdefghijklmnop" + "xy", "yx" + "abcdefghijklmnop" + "q", 4),
    ],
)
def test_fewest_edits_is_the_levenshtein_distance(a, b, edits):
    assert fewest_edits(tuple(map(ord, a)), tuple(map(ord, b))) == edits == _levenshtein(a, b)


def _levenshtein(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    table = [[i + j for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1][j + 1] = min(table[i][j + 1] + 1, table[i + 1][j] + 1, table[i][j] + (a[i] != b[j]))
    return table[-1][-1]


def test_answers_may_be_sets_of_texts(words):
    from core.prompts.doctor.repeats import copied

    pair = replace(GOOD, clean="a b x", answer=(" z", " x"), distractor=(" y", " c"))
    case = Case(parsed(pair), Case.of(parsed(GOOD), words()).aligned, words(), "", 10)
    (finding,) = copied(case)
    assert "' x'" in finding.what


def test_checks_have_names_of_their_own_and_words():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.title and check.about.endswith(".") for check in CHECKS)
